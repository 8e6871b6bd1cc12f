"""The MLflow mirror: each trial once, below its cell, whatever happens in between."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recorded_home import (
    IDS,
    STUDY,
    client,
    commit_trials,
    history,
    launched,
    path_names,
    row,
    run_ids,
    runs,
    shown,
    write_plan,
)
from typer.testing import CliRunner

from models.specs.probes import PairSplit
from study import Probe
from study.mirror import mirror as ledger
from study.mirror.mirror import Ledger, opened, rebuild, tracking_uri, ui_command
from study.pack.pack import Pack
from study.record import Home, commit, new_commit_id, read, write_part

# MLflow's own, when it is imported and when it migrates its tables.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*Pydantic.*:UserWarning"),
]


def test_each_trial_is_mirrored_once_under_its_launch(home: Home) -> None:
    book = Ledger(home, STUDY)
    commit_trials(home, [(4, 0), (8, 0)])
    book.start({"scale": "laptop"})
    commit_trials(home, [(4, 1), (8, 1)])
    book.committed("p1")
    book.committed()
    assert book.close("finished", {"finished": 4}) is None
    (launch,) = runs(home, "launch")
    assert launch.info.status == "FINISHED"
    assert launch.data.params == {"scale": "laptop"}
    assert launch.data.metrics == {"finished": 4}
    trials = runs(home, "trial")
    assert sorted(run.data.tags["trial_id"] for run in trials) == sorted(IDS.values())
    assert {run.info.run_name for run in trials} == {"κ=4 · s0", "κ=4 · s1", "κ=8 · s0", "κ=8 · s1"}
    assert all(run.info.end_time - run.info.start_time == 1500 for run in trials)


def test_replaying_changes_nothing(home: Home) -> None:
    commit_trials(home, list(IDS))
    assert launched(home) is None
    before, ids = shown(home), run_ids(home)
    assert launched(home) is None
    assert rebuild(home, STUDY) == 4
    assert (shown(home), run_ids(home)) == (before, ids)
    assert len(runs(home, "launch")) == 2
    assert len(runs(home, "cell")) == 2


def test_a_mirror_rebuilt_from_nothing_equals_the_live_one(home: Home, database: Path) -> None:
    commit_trials(home, [(4, 0), (4, 1)])
    commit_trials(home, [(8, 0)], "diverged")
    commit_trials(home, [(8, 1)], "failed")
    assert launched(home) is None
    live = shown(home)
    copy = Home(f"{home}-copy")
    assert home.local
    shutil.copytree(home.local, str(copy), ignore=shutil.ignore_patterns("ml*"))
    shutil.copy(database, f"{copy}/mlflow.db")
    assert rebuild(copy) == 4
    assert {run.data.tags["home"] for run in runs(copy, "trial")} == {str(copy)}
    for told in (*live.values(), *(rebuilt := shown(copy)).values()):
        told[2].pop("home")  # the one thing in which they differ
    assert rebuilt == live


@pytest.mark.parametrize("call", ["log_batch", "log_artifacts", "set_terminated"])
def test_a_killed_pass_is_mended_in_the_same_run(home: Home, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_trials(home, [(4, 0)])

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with opened(home, STUDY, None, "first-seed") as mirror:
        (entry,) = mirror.entries(mirror.missing())
        monkeypatch.setattr(mirror.client, call, die)
        with pytest.raises(KeyboardInterrupt):
            mirror.write(entry)
    broken = run_ids(home)
    with opened(home, STUDY, None, "first-seed") as mirror:
        assert list(mirror.missing()) == [IDS[4, 0]]
    assert launched(home) is None
    assert run_ids(home) == broken
    (run,) = runs(home, "trial")
    assert run.info.status == "FINISHED"
    assert run.data.tags["mirrored"] == entry.commit_id
    assert len(path_names(home, run.info.run_id)) == 3


def test_what_a_crash_left_running_is_closed(home: Home) -> None:
    with opened(home, STUDY, None, "none") as mirror:
        mirror.start({})
        mirror.progress("p1", {"steps_per_s": 10.0}, 1, 24)
    assert launched(home) is None
    assert [run.info.status for run in runs(home, "pack")] == ["KILLED"]
    assert sorted(run.info.status for run in runs(home, "launch")) == ["FINISHED", "KILLED"]


def test_a_diverged_trial_is_a_result_and_a_failed_one_is_not(home: Home) -> None:
    commit_trials(home, [(4, 0)], "diverged")
    commit_trials(home, [(8, 0)], "failed")
    assert launched(home) is None
    found = {run.data.tags["status"]: run for run in runs(home, "trial")}
    assert found["diverged"].info.status == "FINISHED"
    assert found["diverged"].data.tags["diverged_at"] == "400"
    assert "J is not finite" in found["diverged"].data.tags["mlflow.note.content"]
    assert found["failed"].info.status == "FAILED"
    assert "the worker was killed" in found["failed"].data.tags["mlflow.note.content"]


def test_a_failed_trial_that_later_finishes_keeps_its_run(home: Home) -> None:
    commit_trials(home, [(4, 0)], "failed")
    assert launched(home) is None
    before = run_ids(home)
    commit_trials(home, [(4, 0)])
    assert launched(home) is None
    (run,) = runs(home, "trial")
    assert run_ids(home) == before
    assert (run.info.status, run.data.tags["status"]) == ("FINISHED", "finished")
    assert run.data.tags["mlflow.note.content"].startswith("Finished")
    assert run.data.metrics["gamma"] == 0.02


def test_a_metric_that_is_evaluated_anew_shows_its_newest_version_even_where_it_is_smaller(home: Home) -> None:
    commit_trials(home, [(4, 0)])
    assert launched(home) is None
    (key,) = read(home, "trials", ["trial_id", "commit_id"]).to_pylist()
    write_part(home, "evaluations", "later.parquet", [{**key, "metric": "mmd", "value": 0.005, "version": 2}])
    assert rebuild(home, STUDY) == rebuild(home, STUDY) == 1
    (run,) = runs(home, "trial")
    assert run.data.metrics["mmd"] == 0.005
    assert [point.value for point in history(home, run, "mmd")] == [0.01, 0.005]


def test_a_trial_that_is_trained_again_after_its_record_was_lost_shows_its_own_numbers_alone(home: Home) -> None:
    commit_trials(home, [(4, 0)])
    assert launched(home) is None
    before = run_ids(home)
    home.drop("records")
    key = new_commit_id()
    commit(home, key, {"trials": [row(4, 0, key) | {"distortion_test": 0.5}]})
    assert launched(home) is None
    (run,) = runs(home, "trial")
    assert run_ids(home) != before
    assert run.data.metrics["distortion_test"] == 0.5
    assert not any(name.startswith("curve/") for name in run.data.metrics)
    (cell,) = runs(home, "cell")
    assert cell.data.metrics["distortion_test"] == 0.5


def test_a_run_that_was_begun_for_a_trial_no_longer_declared_is_closed(home: Home) -> None:
    commit_trials(home, [(4, 0), (4, 1)])
    with opened(home, STUDY, None, "none") as mirror:
        for entry in mirror.entries(mirror.missing()):
            mirror._run_of(entry, None)
    write_plan(home, seeds=[0])
    assert launched(home) is None
    found = {run.data.tags["trial_id"]: run.info.status for run in runs(home, "trial")}
    assert found == {IDS[4, 0]: "FINISHED", IDS[4, 1]: "KILLED"}


@pytest.mark.faults
def test_a_database_whose_making_was_killed_is_made_anew(tmp_path: Path) -> None:
    write_plan(Home(tmp_path))
    commit_trials(Home(tmp_path), [(4, 0)])
    (tmp_path / ".mlflow.db.making").mkdir()
    (tmp_path / ".mlflow.db.making" / "mlflow.db").write_bytes(b"half of a database")
    (tmp_path / ".mlflow.db.making" / "mlflow.db-journal").write_bytes(b"and its journal")
    assert rebuild(Home(tmp_path), STUDY) == 1
    assert len(runs(Home(tmp_path), "trial")) == 1
    assert not (tmp_path / ".mlflow.db.making").exists()


def test_columns_and_curves_stay_few(home: Home) -> None:
    commit_trials(home, [(4, 0)], points=2000)
    assert launched(home) is None
    (run,) = runs(home, "trial")
    final = {name for name in run.data.metrics if "/" not in name}
    assert final == {"distortion_test", "rate_test", "gamma", "n_active", "mmd"}
    curve = history(home, run, "curve/gamma")
    assert len(curve) == 30
    assert (min(p.step for p in curve), max(p.step for p in curve)) == (0, 1999)


def test_parameters_that_vary_stand_apart_from_the_rest(home: Home) -> None:
    commit_trials(home, [(4, 0)])
    assert launched(home) is None
    (run,) = runs(home, "trial")
    assert {name: value for name, value in run.data.params.items() if "." not in name} == {"kappa": "4", "seed": "0"}
    fixed = {name: value for name, value in run.data.params.items() if "." in name}
    told = {"training.steps": "1000", "training.decay_from": "0.5", "model.encoder": "64, 32", "model.kind": "VAE"}
    told |= {"objective.beta": "1", "objective.gamma.kind": "Learned", "objective.gamma.init": "1"}
    assert fixed == told


def test_the_home_says_where_in_mlflow_a_trial_is(home: Home) -> None:
    commit_trials(home, [(4, 0)])
    book = Ledger(home, STUDY)
    assert book.page is None
    book.start({})
    assert book.close("finished", {}) is None
    found = json.loads(home.read(f"studies/{STUDY}/mlflow.json"))
    (run,) = runs(home, "trial")
    entry = found["runs"][IDS[4, 0]]
    assert (entry["name"], run.info.run_id in entry["page"]) == ("κ=4 · s0", True)
    assert found["open"] == ui_command(home)
    assert str(book.page).startswith("http://127.0.0.1:5000/#/experiments/1/runs?")


@pytest.mark.parametrize(("pictures", "seeds"), [("first-seed", {"0"}), ("all", {"0", "1"}), ("none", set())])
def test_artifacts_are_those_of_the_chosen_trials(home: Home, pictures: ledger.Pictures, seeds: set[str]) -> None:
    commit_trials(home, [(4, 0), (4, 1)])
    assert launched(home, pictures=pictures) is None
    files = {run.data.params["seed"]: path_names(home, run.info.run_id) for run in runs(home, "trial")}
    assert {seed for seed, paths in files.items() if paths} == seeds
    assert all(set(files[seed]) == {"latents.png", "reconstruction.png", "weights/model.safetensors"} for seed in seeds)


def test_weights_are_what_was_trained(home: Home) -> None:
    from safetensors.numpy import load_file

    commit_trials(home, [(4, 0)])
    assert launched(home) is None
    (run,) = runs(home, "trial")
    folder = Path(client(home).download_artifacts(run.info.run_id, "weights"))
    np.testing.assert_array_equal(load_file(folder / "model.safetensors")["decoder.0"], np.ones((3, 2)))
    assert run.info.artifact_uri.startswith(f"file://{home}/mlartifacts/{STUDY}/")


def test_a_running_pack_is_shown_while_it_trains(home: Home) -> None:
    book = Ledger(home, STUDY)
    book.start({})
    book.begin([Pack("p1", (Probe(what=PairSplit()),) * 24, (1,) * 24)])
    book.progress("p1", {"step": 100, "trial_steps_per_s": 90.0, "objective_max": float("nan")})
    book.progress("p2", {"step": 100, "trial_steps_per_s": 80.0})
    book.progress("p3", {"step": 100, "trial_steps_per_s": 70.0})
    book.committed("p1")
    book.failed("p2", "out of memory")
    assert book.close("interrupted", {}) is None
    packs = {run.data.tags["pack_id"]: run for run in runs(home, "pack")}
    assert [packs[name].info.status for name in ("p1", "p2", "p3")] == ["FINISHED", "FAILED", "KILLED"]
    assert packs["p1"].info.run_name == "pack p1 · 24 trials"
    assert packs["p1"].data.metrics == {"pack/trial_steps_per_s": 90.0}
    assert packs["p2"].data.tags["reason"] == "out of memory"
    assert runs(home, "launch")[0].info.status == "KILLED"


def test_progress_is_sent_together_and_none_of_it_is_lost(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    sent: list[int] = []
    log = MlflowClient.log_batch

    def counted(self: MlflowClient, run_id: str, metrics: Sequence[Any] = (), *rest: Any) -> None:
        sent.append(sum(metric.key.startswith("pack/") for metric in metrics))
        log(self, run_id, metrics, *rest)

    monkeypatch.setattr(MlflowClient, "log_batch", counted)
    with opened(home, STUDY, None, "none") as mirror:
        for step in range(20):
            mirror.progress("p1", {"steps_per_s": float(step)}, step, 1)
        mirror.committed("p1")
    (run,) = runs(home, "pack")
    assert [(point.step, point.value) for point in history(home, run, "pack/steps_per_s")] == [
        (step, float(step)) for step in range(20)
    ]
    assert (sent[0], len(sent)) == (1, 2)


def test_a_second_study_of_the_home_is_an_experiment_of_its_own(home: Home) -> None:
    commit_trials(home, [(4, 0)])
    write_plan(home, "again")
    assert rebuild(home) == 2
    note = client(home).get_experiment_by_name("again").tags["mlflow.note.content"]
    assert note.startswith("A question?")


def test_the_command_rebuilds_and_says_what_is_wrong(home: Home) -> None:
    import typer

    app = typer.Typer()
    app.command()(ledger.main)
    commit_trials(home, [(4, 0)])
    done = CliRunner().invoke(app, [STUDY, "--home", str(home), "--artifacts", "none"])
    assert (done.exit_code, done.output) == (0, f"1 trials mirrored. To see them: {ui_command(home)}\n")
    wrong = CliRunner().invoke(app, ["nothing", "--home", str(home)])
    assert (wrong.exit_code, wrong.output) == (
        2,
        f"error: {home} holds no study nothing (it holds {STUDY}): launch it first\n",
    )
    empty = CliRunner().invoke(app, ["--home", str(home) + "/none"])
    assert (empty.exit_code, len(empty.output.splitlines())) == (2, 1)


def test_the_default_mirror_lies_in_a_local_home_or_with_the_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert tracking_uri(Home("runs")) == f"sqlite:///{tmp_path}/runs/mlflow.db"
    assert tracking_uri(Home("memory://runs")) == f"sqlite:///{tmp_path}/mlflow.db"
    assert ui_command(Home("runs")).endswith(f"mlflow ui --backend-store-uri sqlite:///{tmp_path}/runs/mlflow.db")
    assert ui_command(Home("runs"), "http://host:5000") == "http://host:5000"


def test_importing_the_ledger_imports_no_mlflow() -> None:
    import subprocess
    import sys

    code = "import sys, study.ledger; print({'mlflow', 'torch', 'ray', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
