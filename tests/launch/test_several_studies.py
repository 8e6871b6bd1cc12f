"""Several studies in one launch: their packs train together, and each hears of its own trials."""

import contextlib
import signal
import sqlite3
import subprocess

import psutil
import pytest
from launches import (
    assert_each_trained_to_its_end_once,
    begun,
    command_here,
    committed,
    ending,
    launch,
    launch_here,
    start,
    wait_for,
    write_study,
)
from two_studies import a_trial, first, plan_of, second

from study.record import Home, commit, journal, new_commit_id, stored_ids

# MLflow's own, when it is imported and when it migrates its tables.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*Pydantic.*:UserWarning"),
]


def put(home, trial, status="finished"):
    commit_id = new_commit_id()
    row = {"trial_id": trial.trial_id, "commit_id": commit_id, "status": status, "attempt": 1}
    commit(home, commit_id, {"trials": [row]})


def test_what_two_studies_declare_is_missing_once_and_settles_both(tmp_path):
    home = Home(tmp_path)
    plan = plan_of(home, first, second)
    assert [len(own.missing) for own in plan.plans] == [6, 6]
    assert len(plan.missing) == len(plan.ready) == plan.selected == len(plan.open_ids) == 9
    put(home, a_trial(3, 0))
    after = plan.replan(home)
    assert [own.settled for own in after.plans] == [1, 1]
    assert (len(after.missing), after.settled, after.selected, len(after.open_ids)) == (8, 1, 9, 8)
    assert after.grown_since(plan) == []


def test_the_attempts_and_results_of_all_are_known(tmp_path):
    home = Home(tmp_path)
    put(home, a_trial(2, 0), "failed")
    put(home, a_trial(4, 1))
    plan = plan_of(home, first, second)
    assert plan.attempts[a_trial(2, 0).trial_id] == 1
    assert plan.statuses[a_trial(4, 1).trial_id] == "finished"
    assert len(plan.missing) == 8


def test_studies_of_one_launch_train_together_and_are_reported_one_by_one(tmp_path, tracked):
    """The four trials that both declare are trained once, in packs with trials of either."""
    path, home = write_study(tmp_path), tracked
    result = launch_here(f"{path}:tiny", f"{path}:neighbour", "--home", home, "--pack", "8")
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
    with contextlib.closing(sqlite3.connect(home / "mlflow.db")) as database:
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
    result = command_here(f"{mine}:tiny", f"{other}:tiny", "--home", home)
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
