"""The mirror's faults: nobody waits for MLflow, one sentence says how far it is behind, and it catches up."""

import time
from pathlib import Path
from typing import Any

import pytest
from mirrored import IDS, STUDY, client, commit_trials, history, launched, run_ids, runs, write_plan

from study import ledger
from study.ledger import Ledger
from study.record import Home

# MLflow's own, when it is imported and when it migrates its tables.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*Pydantic.*:UserWarning"),
]


@pytest.mark.slow
def test_a_server_that_hangs_is_left_after_the_given_patience(tmp_path: Path) -> None:
    import socket

    write_plan(Home(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as server:
        book = Ledger(Home(tmp_path), STUDY, uri=f"http://127.0.0.1:{server.getsockname()[1]}")
        book.start({})
        begun = time.monotonic()
        assert "could not be opened" in str(book.close("finished", {}, patience_s=1.0))
        assert time.monotonic() - begun < 5


def test_a_server_that_is_down_costs_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path)
    write_plan(home)
    commit_trials(home, list(IDS))
    book = Ledger(home, STUDY, uri="http://127.0.0.1:9")
    begun = time.monotonic()
    book.start({"scale": "laptop"})
    for step in range(1000):
        book.progress("p1", {"steps_per_s": 1.0}, step)
    book.committed("p1")
    book.failed("p2", "gone")
    assert time.monotonic() - begun < 0.5
    said = book.close("finished", {}, patience_s=60)
    assert time.monotonic() - begun < 60
    assert said
    assert "http://127.0.0.1:9 could not be opened" in said
    assert f"python -m study.ledger {STUDY} --home {home} --tracking-uri http://127.0.0.1:9" in said
    assert capfd.readouterr() == ("", "")


def test_progress_is_dropped_when_the_ledger_is_behind(home: Home) -> None:
    book = Ledger(home, STUDY)
    begun = time.monotonic()
    for step in range(10_000):  # the thread has not even begun
        book.progress("p1", {"steps_per_s": 1.0}, step)
    assert time.monotonic() - begun < 1
    commit_trials(home, [(4, 0)])
    book.start({})
    assert book.close("finished", {}) is None
    assert len(history(home, runs(home, "pack")[0], "pack/steps_per_s")) < 100
    assert len(runs(home, "trial")) == 1


def test_impatience_leaves_a_mirror_that_the_next_launch_completes(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_trials(home, list(IDS))
    write = ledger.Mirror.write
    monkeypatch.setattr(ledger.Mirror, "write", lambda self, entry: (time.sleep(0.7), write(self, entry)))
    waited: list[int] = []
    book = Ledger(home, STUDY)
    book.start({})
    while not book._clerk.left and not book._clerk.fault:
        time.sleep(0.01)
    said = book.close("finished", {}, patience_s=1.0, on_wait=waited.append)
    assert said
    assert "of the study's trials" in said
    assert max(waited) <= 4
    monkeypatch.undo()
    assert launched(home) is None
    assert len(run_ids(home)) == len(runs(home, "trial")) == 4


def test_a_trial_that_mlflow_refuses_holds_up_no_other(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_trials(home, list(IDS))
    write = ledger.Mirror.write

    def refuse_one(self: ledger.Mirror, entry: Any) -> None:
        if entry.trial_id == IDS[4, 1]:
            raise ValueError("no such thing")
        write(self, entry)

    monkeypatch.setattr(ledger.Mirror, "write", refuse_one)
    monkeypatch.setattr("study.ledger_thread.PAUSES_S", (0.0,))
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
