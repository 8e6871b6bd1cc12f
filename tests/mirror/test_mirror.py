"""The MLflow mirror: each trial once, below its cell, whatever happens in between."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from recorded_home import (
    IDS,
    STUDY,
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

from study.mirror.mirror import Mirror, opened, rebuild
from study.record import Home, commit, new_commit_id, read, write_part

# MLflow's own, when it is imported and when it migrates its tables.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*Pydantic.*:UserWarning"),
]


def test_each_trial_is_mirrored_once_under_its_launch(home: Home) -> None:
    mirror = Mirror(home, STUDY)
    commit_trials(home, [(4, 0), (8, 0)])
    mirror.start({"scale": "laptop"})
    commit_trials(home, [(4, 1), (8, 1)])
    mirror.committed("p1")
    mirror.committed()
    assert mirror.close("finished", {"finished": 4}) is None
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
    for content in (*live.values(), *(rebuilt := shown(copy)).values()):
        content[2].pop("home")  # the one thing in which they differ
    assert rebuilt == live


@pytest.mark.parametrize("call", ["log_batch", "log_artifacts", "set_terminated"])
def test_what_a_killed_writer_left_is_completed_in_its_run(
    home: Home, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        mirror.packs.progress("p1", {"steps_per_s": 10.0}, 1, 24)
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
