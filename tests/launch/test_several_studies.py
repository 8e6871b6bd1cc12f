"""Several studies in one launch: their packs train together, and each hears of its own trials."""

import signal
import sqlite3
import subprocess
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from launches import (
    assert_each_trained_to_its_end_once,
    begun,
    committed,
    ending,
    launch,
    start,
    wait_for,
    write_study,
)
from rich.console import Console
from study.launch.listeners import Watch

from study import VAE, Fixed, Objective, PlantedManifold, Training, Trial, study
from study.launch.progress_bar import Bar
from study.pack.cost import CPU_CORE, seconds
from study.pack.pack import make_pack, make_packs
from study.plan.launch_plan import LaunchPlan
from study.plan.plan import make_plan
from study.record import Home, commit, journal, new_commit_id, stored_ids


def a_trial(kappa, seed, steps=10):
    return Trial(
        data=PlantedManifold(n=100, n_test=50),
        model=VAE(kappa=kappa, encoder=(4,), decoder=(4,)),
        objective=Objective(gamma=Fixed(1.0)),
        training=Training(steps=steps),
        seed=seed,
    )


@study(kappa=[2, 3], seed=range(3))
def first(kappa, seed):
    """Six trials."""
    return a_trial(kappa, seed)


@study(kappa=[3, 4], seed=range(3))
def second(kappa, seed):
    """Six trials, three of which are those of the first, too."""
    return a_trial(kappa, seed)


def both(home):
    return LaunchPlan((make_plan(first, "laptop", home), make_plan(second, "laptop", home)))


def put(home, trial, status="finished"):
    commit_id = new_commit_id()
    row = {"trial_id": trial.trial_id, "commit_id": commit_id, "status": status, "attempt": 1}
    commit(home, commit_id, {"trials": [row]})


def test_what_two_studies_declare_is_missing_once_and_settles_both(tmp_path):
    home = Home(tmp_path)
    plans = both(home)
    assert [len(plan.missing) for plan in plans.plans] == [6, 6]
    assert len(plans.missing) == len(plans.ready) == plans.chosen == plans.declared == 9
    put(home, a_trial(3, 0))
    after = plans.replan(home)
    assert [plan.settled for plan in after.plans] == [1, 1]
    assert (len(after.missing), after.settled, after.declared) == (8, 1, 9)
    assert after.grown_since(plans) == []


def test_the_attempts_and_results_of_all_are_known(tmp_path):
    home = Home(tmp_path)
    put(home, a_trial(2, 0), "failed")
    put(home, a_trial(4, 1))
    plans = both(home)
    assert plans.attempts[a_trial(2, 0).trial_id] == 1
    assert plans.statuses[a_trial(4, 1).trial_id] == "finished"
    assert len(plans.missing) == 8


class Heard:
    """A ledger that notes what it hears."""

    def __init__(self) -> None:
        self.packs = []

    def committed(self, pack_id):
        self.packs.append(pack_id)

    def failed(self, pack_id, reason):
        self.packs.append((pack_id, reason))


def test_a_study_hears_of_packs_with_trials_of_its_own_and_of_no_others(tmp_path):
    plans = both(Home(tmp_path))
    kappas = {a_trial(kappa, seed).trial_id: kappa for kappa in (2, 3, 4) for seed in range(3)}
    packs = {kappas[pack.trial_ids[0]]: pack for pack in make_packs(plans.missing, {}, None, 1, CPU_CORE)}
    assert {kappa: len(pack.trials) for kappa, pack in packs.items()} == {2: 3, 3: 3, 4: 3}
    ledgers: dict[str, Any] = {"first": Heard(), "second": Heard()}
    watch = Watch(Bar(Console(quiet=True), 9, 0), ledgers)
    watch.begin(plans)
    watch.expect(list(packs.values()))
    watch.committed(packs[2].pack_id)
    watch.committed(packs[3].pack_id)
    watch.failed(packs[4].pack_id, "no")
    assert ledgers["first"].packs == [packs[2].pack_id, packs[3].pack_id]
    assert ledgers["second"].packs == [packs[3].pack_id, (packs[4].pack_id, "no")]


def test_a_table_that_grows_is_told_to_its_own_ledger_and_to_the_bar(tmp_path):
    plans, told = both(Home(tmp_path)), []
    ledgers: dict[str, Any] = {
        name: SimpleNamespace(grown=lambda name=name: told.append(name)) for name in ("first", "second")
    }
    bar = Bar(Console(quiet=True), 9, 0)
    watch = Watch(bar, ledgers)
    watch.begin(plans)
    watch.grown(plans, [plans.plans[1]], 4)
    assert told == ["second"]
    assert "0/13 trials" in bar._counts()


def test_the_time_left_is_of_what_packs_cost():
    """Of two packs with as many trials the long one is half done: what is left is half of it, and the short one."""
    long, short = [[a_trial(2, seed, steps) for seed in range(3)] for steps in (4000, 2000)]
    packs = [make_pack(trials, {}) for trials in (long, short)]
    bar = Bar(Console(quiet=True), 6, 0)
    bar.expect(packs)
    costs = [seconds(pack.trials) for pack in packs]
    assert costs[0] > 1.5 * costs[1]
    bar.step(packs[0].pack_id, {"step": 2000, "steps": 4000})
    assert bar._cost_left() == pytest.approx(costs[0] / 2 + costs[1])
    bar.done(packs[0].pack_id)
    assert bar._cost_left() == pytest.approx(costs[1])
    bar.grow(6)  # of further rows it is known only how many they are
    assert bar._cost_left() == pytest.approx(costs[1] + sum(costs))
    bar.expect([make_pack(short, {})])  # the short pack failed, and is tried again
    assert bar._cost_left() == pytest.approx(costs[1] + sum(costs))


def test_studies_of_one_launch_train_together_and_are_reported_one_by_one(tmp_path):
    """The four trials that both declare are trained once, in packs with trials of either."""
    path, home = write_study(tmp_path), tmp_path / "home"
    result = launch(f"{path}:tiny", f"{path}:neighbour", "--home", home, "--pack", "8")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "12 declared, 0 already there, 12 finished" in result.stdout
    assert "8 declared, 0 already there, 8 finished" in result.stdout
    assert len(committed(home)) == len(stored_ids(Home(home))) == 16
    declared = {row["trial_id"]: (row["gamma_mode"], row["gamma_init"]) for row in committed(home)}
    begun = [line["trials"] for line in journal(Home(home)) if line["event"] == "begin"]
    alone = {trial for trial, gamma in declared.items() if gamma == ("fixed", 9.0)}
    assert len(alone) == 4
    assert any(alone & set(trials) and set(trials) - alone for trials in begun), "each study had packs of its own"
    assert all((home / f"studies/{name}/report/index.html").exists() for name in ("tiny", "neighbour"))
    with sqlite3.connect(home / "mlflow.db") as database:
        tables = "experiments join runs using (experiment_id) join tags using (run_uuid)"
        what = "experiments.name, value, status"
        query = f"select {what}, count(*) from {tables} where key = 'kind' group by {what}"
        runs = database.execute(query).fetchall()
    shown = {(name, kind): (status, count) for name, kind, status, count in runs if kind in ("trial", "launch")}
    assert shown == {
        ("tiny", "trial"): ("FINISHED", 12),
        ("tiny", "launch"): ("FINISHED", 1),
        ("neighbour", "trial"): ("FINISHED", 8),
        ("neighbour", "launch"): ("FINISHED", 1),
    }


def test_two_studies_of_one_name_are_refused_before_anything_is_done(tmp_path):
    (tmp_path / "a").mkdir()
    mine, other, home = write_study(tmp_path), write_study(tmp_path / "a", steps=7), tmp_path / "home"
    result = launch(f"{mine}:tiny", f"{other}:tiny", "--home", home)
    assert result.returncode == 2
    assert "are both named tiny" in " ".join(result.stderr.split())
    assert not home.exists()


@pytest.mark.faults
@pytest.mark.parametrize("mirror", ["--no-mirror", "--mirror"])
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_studies_whose_launch_is_ended_lose_nothing_and_repeat_nothing(tmp_path, end, mirror):
    """Ended once the first pack is committed; the same command then trains what is left of both."""
    path, home = write_study(tmp_path, steps=2500), tmp_path / "home"
    options = [f"{path}:neighbour", mirror, "--pack", 2]
    with ending(start(path, home, *options, output=subprocess.PIPE)) as process:
        wait_for(lambda: committed(home), "commit")
        before = {row["trial_id"]: row["commit_id"] for row in committed(home)}
        workers = [line["process"] for line in begun(home)]
        process.send_signal(end)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == (130 if end == signal.SIGINT else -signal.SIGKILL), output
    if end == signal.SIGINT:
        assert "of 16 trials have a result" in output
    wait_for(lambda: not any(map(psutil.pid_exists, workers)), "end of the workers")
    left = len(committed(home))
    assert left < 16, "there was nothing left to do"
    result = launch(f"{path}:tiny", *options, "--home", home)
    assert result.returncode == 0, result.stdout + result.stderr
    assert_each_trained_to_its_end_once(home, 16)
    assert before.items() <= {row["trial_id"]: row["commit_id"] for row in committed(home)}.items()
