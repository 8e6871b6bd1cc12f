"""The mirror's faults: nobody waits for MLflow, one sentence says how far it is behind, and it catches up."""

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from launches import launch, write_study
from recorded_home import (
    IDS,
    STUDY,
    client,
    commit_trials,
    free_port,
    history,
    kill,
    launched,
    run_ids,
    runs,
    serving,
    wait_until,
    write_plan,
)

from study.mirror.mirror import Mirror, rebuild
from study.mirror.runs import StudyRuns
from study.record import Home

# MLflow's own, when it is imported and when it migrates its tables.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*Pydantic.*:UserWarning"),
]


@pytest.mark.slow
def test_a_server_that_hangs_is_left_after_the_given_patience(tmp_path: Path) -> None:

    write_plan(Home(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as server:
        mirror = Mirror(Home(tmp_path), STUDY, uri=f"http://127.0.0.1:{server.getsockname()[1]}")
        mirror.start({})
        begun = time.monotonic()
        assert "could not be opened" in str(mirror.close("finished", {}, patience_s=1.0))
        assert time.monotonic() - begun < 5


def test_a_server_that_is_down_costs_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path)
    import mlflow  # noqa: F401  # or the mirror's thread would import it while the clock runs, and hold the GIL

    write_plan(home)
    commit_trials(home, list(IDS))
    mirror = Mirror(home, STUDY, uri="http://127.0.0.1:9")
    begun = time.monotonic()
    mirror.start({"scale": "laptop"})
    for step in range(1000):
        mirror.progress("p1", {"trial_steps_per_s": 1.0, "step": step})
    mirror.committed("p1")
    mirror.failed("p2", "gone")
    assert time.monotonic() - begun < 3
    said = mirror.close("finished", {}, patience_s=60)
    assert time.monotonic() - begun < 60
    assert said
    assert "http://127.0.0.1:9 could not be opened, and may lack any of the study's 4 recorded trials" in said
    assert f"collapsar mirror {STUDY} --home {home} --tracking-uri http://127.0.0.1:9" in said
    assert capfd.readouterr() == ("", "")


def test_progress_is_dropped_when_the_mirror_is_behind(home: Home) -> None:
    mirror = Mirror(home, STUDY)
    begun = time.monotonic()
    for step in range(10_000):  # the thread has not even begun
        mirror.progress("p1", {"trial_steps_per_s": 1.0, "step": step})
    assert time.monotonic() - begun < 1
    commit_trials(home, [(4, 0)])
    mirror.start({})
    assert mirror.close("finished", {}) is None
    assert len(history(home, runs(home, "pack")[0], "pack/steps_per_s")) < 100
    assert len(runs(home, "trial")) == 1


def test_impatience_leaves_a_mirror_that_the_next_launch_completes(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_trials(home, list(IDS))
    write = StudyRuns.write
    monkeypatch.setattr(StudyRuns, "write", lambda self, entry: (time.sleep(0.7), write(self, entry)))
    mirror = Mirror(home, STUDY)
    mirror.start({})
    while not mirror._writer.left and not mirror._writer.fault:
        time.sleep(0.01)
    said = mirror.close("finished", {}, patience_s=1.0)
    assert said
    assert "of the study's trials" in said
    monkeypatch.undo()
    assert launched(home) is None
    assert len(run_ids(home)) == len(runs(home, "trial")) == 4


def test_mirrors_that_end_together_are_waited_for_together(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_trials(home, list(IDS))
    never = threading.Event()
    monkeypatch.setattr(StudyRuns, "write", lambda *_: never.wait(30))
    mirrors = [Mirror(home, STUDY) for _ in range(3)]  # two are kept out by the first, which hangs
    for mirror in mirrors:
        mirror.start({})
    begun = time.monotonic()
    for mirror in mirrors:
        mirror.finish("finished", {})
    said = [mirror.wait(patience_s=2.0) for mirror in mirrors]
    assert all(said)
    assert time.monotonic() - begun < 2.0 + 3 * 2.0 + 1.0, "each was waited for on its own"
    never.set()


def test_a_trial_that_mlflow_refuses_holds_up_no_other(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_trials(home, list(IDS))
    write = StudyRuns.write

    def refuse_one(self: StudyRuns, entry: Any) -> None:
        if entry.trial_id == IDS[4, 1]:
            raise ValueError("no such thing")
        write(self, entry)

    monkeypatch.setattr(StudyRuns, "write", refuse_one)
    monkeypatch.setattr("study.mirror.background.PAUSES_S", (0.0,))
    said = launched(home)
    assert said
    assert "lacks 1 of the study's trials (no such thing)" in said
    assert len(runs(home, "trial")) == 3


def test_a_deleted_experiment_is_named_with_its_remedy(home: Home) -> None:
    assert launched(home) is None
    client(home).delete_experiment(client(home).get_experiment_by_name(STUDY).experiment_id)
    said = launched(home)
    assert said
    assert f"the experiment {STUDY} was deleted in MLflow: restore it" in said


def report_quickly(mirror: Mirror, pack_id: str) -> None:
    """What the trainer does, and how long it may take. MLflow is imported by now: `home` has a database."""
    begun = time.monotonic()
    for step in range(100):
        mirror.progress(pack_id, {"trial_steps_per_s": 1.0, "step": step})
    mirror.committed(pack_id)
    assert time.monotonic() - begun < 3


@pytest.mark.faults
def test_a_server_that_is_killed_is_served_again_when_it_is_back(
    home: Home, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("study.mirror.background.PAUSES_S", (0.0,))
    monkeypatch.setattr("study.mirror.background.REST_S", 0.2)
    port = free_port()
    mirror = Mirror(home, STUDY, f"http://127.0.0.1:{port}")
    with serving(home, port) as server:
        commit_trials(home, [(4, 0)])
        mirror.start({"scale": "laptop"})
        wait_until(
            lambda: bool(mirror._writer.was_opened and not mirror._writer.left and len(runs(home, "trial")) == 1)
        )
        kill(server)
        commit_trials(home, [(4, 1)])
        report_quickly(mirror, "p1")
        wait_until(lambda: mirror._writer.fault is not None)
    with serving(home, port) as server:  # the same launch catches up
        wait_until(lambda: len(runs(home, "trial")) == 2 and not mirror._writer.left)
        kill(server)
        commit_trials(home, [(8, 0), (8, 1)])
        report_quickly(mirror, "p2")
        begun = time.monotonic()
        said = mirror.close("finished", {}, patience_s=60)
        assert time.monotonic() - begun < 45
    assert said
    assert "lacks 2 of the study's trials" in said
    assert capfd.readouterr() == ("", "")  # nothing across the launcher's bar
    assert rebuild(home, STUDY) == 4
    assert len(runs(home, "trial")) == len(run_ids(home)) == 4
    (launch,) = runs(home, "launch")
    assert launch.info.status == "KILLED"  # nobody could say how it ended


def test_a_database_that_is_locked_for_long_holds_up_nobody(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.mirror.background.STALL_S", 4.0)
    commit_trials(home, list(IDS))
    hold = "import sqlite3, sys, time; base = sqlite3.connect(sys.argv[1]); base.execute('BEGIN EXCLUSIVE'); "
    hold += "print('held', flush=True); time.sleep(120)"
    command = [sys.executable, "-c", hold, f"{home}/mlflow.db"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout
            assert holder.stdout.readline() == "held\n"
            mirror = Mirror(home, STUDY)
            mirror.start({})
            report_quickly(mirror, "p1")
            begun = time.monotonic()
            said = mirror.close("finished", {})
            assert time.monotonic() - begun < 15
        finally:
            holder.kill()
    assert said
    assert f"collapsar mirror {STUDY}" in said
    wait_until(lambda: not mirror._writer._thread.is_alive())
    assert launched(home) is None
    assert len(runs(home, "trial")) == len(run_ids(home)) == 4


@pytest.mark.faults
def test_a_launch_whose_server_is_down_trains_and_says_what_to_do(tmp_path: Path) -> None:
    path, home = write_study(tmp_path), tmp_path / "home"
    result = launch(f"{path}:tiny", "--home", home, "--tracking-uri", "http://127.0.0.1:9", "--only", "kappa=2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "4 selected, 0 already there, 4 finished" in result.stdout
    assert "may lack any of the study's 4 recorded trials" in result.stdout.replace("\n", " ")
    assert rebuild(Home(home), "tiny") == 4
    assert len(runs(Home(home), "trial", "tiny")) == 4
