"""Two who would write one mirror at once: no trial gets two runs, and none is left out."""

import contextlib
import subprocess
import sys
import time

import pytest
from recorded_home import IDS, STUDY, client, commit_trials, launched, run_ids, runs, wait_until, write_plan

from study.mirror.background import MirrorBusyError
from study.mirror.mirror import Mirror, opened, rebuild, tracking_uri
from study.record import Home

# MLflow's own, when it is imported and when it migrates its tables.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*Pydantic.*:UserWarning"),
]


def test_of_two_launches_at_once_one_mirrors_for_both(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.mirror.background.LOCK_PATIENCE_S", 0.5)
    first, second = Mirror(home, STUDY), Mirror(home, STUDY)
    first.start({})
    wait_until(lambda: first._writer.was_opened)
    second.start({})
    commit_trials(home, [(4, 0), (4, 1)])
    second.committed("p1")
    begun = time.monotonic()
    said = second.close("finished", {})
    assert time.monotonic() - begun < 5
    assert "was left alone (another launch is writing it" in str(said)
    with pytest.raises(MirrorBusyError):
        rebuild(home, STUDY)
    assert first.close("finished", {}) is None  # it looks once more at its end
    assert len(runs(home, "trial")) == len(run_ids(home)) == 2


def test_the_launch_that_ends_last_mirrors_what_came_after_the_first(home: Home) -> None:
    first, second = Mirror(home, STUDY), Mirror(home, STUDY)
    first.start({})
    wait_until(lambda: first._writer.was_opened)
    second.start({})
    wait_until(lambda: second._writer.is_kept_out)
    assert first.close("finished", {}) is None
    commit_trials(home, list(IDS))
    second.committed("p1")
    assert second.close("finished", {}) is None
    assert len(runs(home, "trial")) == len(run_ids(home)) == 4


def test_the_command_leaves_a_mirror_alone_that_another_process_writes(home: Home) -> None:
    commit_trials(home, list(IDS))
    command = [sys.executable, "-m", "study.ledger", STUDY, "--home", str(home), "--artifacts", "none"]
    with opened(home, STUDY, None, "none"):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "another launch is writing it" in done.stderr
    assert runs(home, "trial") == []
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, len(runs(home, "trial"))) == (0, 4), done.stderr


def test_runs_made_twice_where_there_is_no_lock_become_one(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.mirror.mirror.only_writer", lambda *_: contextlib.nullcontext())
    commit_trials(home, list(IDS))
    with opened(home, STUDY, None, "none") as one, opened(home, STUDY, None, "none") as other:
        for mirror in (one, other):
            for entry in mirror.entries(mirror.missing()):
                mirror.write(entry)
            mirror.finish("finished", {})
    assert len(runs(home, "trial")) == 8
    assert len(runs(home, "cell")) == 4
    assert launched(home) is None
    assert len(runs(home, "trial")) == len(run_ids(home)) == 4
    cells = {run.info.run_id for run in runs(home, "cell")}
    assert {run.data.tags["mlflow.parentRunId"] for run in runs(home, "trial")} == cells
    assert len(cells) == 2


def test_a_home_leaves_the_runs_of_another_home_alone(home: Home) -> None:
    other = Home(f"{home}-other")
    write_plan(other)
    for place in (home, other):
        commit_trials(place, [(4, 0)])
    with opened(home, STUDY, None, "none") as mirror:
        mirror.start({})
        mirror.packs.progress("p1", {"steps_per_s": 1.0}, 1, 1)
        for entry in mirror.entries(mirror.missing()):
            mirror.write(entry)
        mirror.settle()
        before = {
            kind: {run.info.run_id: run for run in runs(home, kind)} for kind in ("trial", "cell", "launch", "pack")
        }
        assert rebuild(other, STUDY, tracking_uri(home), "none") == 1
        for kind, kept in before.items():
            now = {run.info.run_id: run for run in runs(home, kind)}
            assert all(now[key].info.status == run.info.status for key, run in kept.items())
            assert all(now[key].data.tags == run.data.tags for key, run in kept.items())
    assert len(runs(home, "trial")) == len(runs(home, "cell")) == 2


def test_runs_that_name_no_home_are_taken_over_in_the_home_s_own_database(home: Home) -> None:
    commit_trials(home, [(4, 0)])
    assert launched(home) is None
    (trial,), before = runs(home, "trial"), run_ids(home)
    client(home).delete_tag(trial.info.run_id, "home")
    assert launched(home) is None
    assert run_ids(home) == before
    assert runs(home, "trial")[0].data.tags["home"] == str(home)


def test_a_run_whose_making_was_not_answered_is_found_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    commit_trials(home, list(IDS))
    create, lost = MlflowClient.create_run, set[str]()

    def unanswered(self: MlflowClient, *args: object, **settings: object) -> object:
        run = create(self, *args, **settings)  # pyright: ignore[reportArgumentType]
        if run.data.tags["kind"] not in lost:
            lost.add(run.data.tags["kind"])
            raise ConnectionError("no answer")
        return run

    monkeypatch.setattr(MlflowClient, "create_run", unanswered)
    monkeypatch.setattr("study.mirror.background.PAUSES_S", (0.0, 0.0))
    mirror = Mirror(home, STUDY)
    mirror.start({})
    mirror.progress("p1", {"trial_steps_per_s": 1.0, "step": 1})
    assert mirror.close("finished", {}) is None
    assert lost == {"launch", "pack", "cell", "trial"}
    assert [len(runs(home, kind)) for kind in ("launch", "pack", "cell", "trial")] == [1, 1, 2, 4]
