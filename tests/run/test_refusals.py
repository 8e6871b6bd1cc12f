"""A home that refuses for a while, and then goes on: what was trained is kept, nothing is trained or stored twice."""

import contextlib
import errno
import time
from pathlib import Path

import pytest
from launches import assert_each_trained_to_its_end_once, committed, start, wait_for, write_study

from study.pack.handover import hand_over
from study.pack.pack import make_pack
from study.record import Backoff, Home, HomeError, commit, journal, part_names, retry, stored_ids, with_retries
from study.run.worker import REFUSED, WAITING, Worker


class Outage:
    """A home behind a link, which for a while leads nowhere but to itself: the kernel then refuses whatever is asked."""

    def __init__(self, folder: Path) -> None:
        (folder / "disk").mkdir()
        self.home = folder / "home"
        self.end()

    def begin(self) -> None:
        self._lead_to("home")

    def end(self) -> None:
        self._lead_to("disk")

    def _lead_to(self, name: str) -> None:
        beside = self.home.with_name("beside")
        beside.symlink_to(name)
        beside.replace(self.home)


@pytest.fixture
def outage(tmp_path):
    return Outage(tmp_path)


@pytest.fixture
def quick(monkeypatch):
    """Pauses and patience of a hundredth of their length."""
    for name in ("PATIENCE_S", "FIRST_PAUSE_S", "LONGEST_PAUSE_S"):
        monkeypatch.setattr(retry, name, getattr(retry, name) / 100)


@pytest.fixture
def lay(make_trial):
    """Lays out a pack of three trials in a home, and tells its name."""
    with contextlib.ExitStack() as stack:

        def lay(home):
            pack = make_pack([make_trial(seed=seed) for seed in range(3)], {})
            stack.enter_context(hand_over(Home(home), [pack], print))
            return pack.pack_id

        yield lay


def train(worker, home):
    """Train the pack to its end, and leave it uncommitted."""
    worker._run = worker._begun(Home(home))
    assert worker._run
    worker._run.advance(60)
    assert worker._run.done


@pytest.mark.usefixtures("quick")
def test_a_trained_pack_outlives_a_refusal_that_passes(outage, lay):
    worker = Worker(str(outage.home), lay(outage.home), "cpu")
    outage.begin()
    assert WAITING in worker.step()  # before it can be read
    outage.end()
    train(worker, outage.home)
    outage.begin()
    said = [worker.step() for _ in range(5)]
    assert [set(result) for result in said] == [{WAITING}] * 5
    assert "Too many levels of symbolic links" in said[0][WAITING]
    outage.end()
    assert worker.step() == {"done": True}
    home = Home(outage.home)
    assert len(stored_ids(home)) == 3
    assert [line["event"] for line in journal(home)] == ["begin", "commit"]
    assert [len(part_names(home, table)) for table in ("trials", "curves", "latents")] == [1, 1, 1]
    assert len(home.names("artifacts")) == 1


@pytest.mark.usefixtures("quick")
def test_a_refusal_that_does_not_pass_ends_the_launch_after_all(outage, lay, monkeypatch):
    monkeypatch.setattr(retry, "PATIENCE_S", 0.05)
    worker = Worker(str(outage.home), lay(outage.home), "cpu")
    outage.begin()
    results = [worker.step()]
    while WAITING in results[-1]:
        results.append(worker.step())
    assert REFUSED in results[-1]
    assert len(results) > 1


def test_a_full_disk_is_not_waited_for_before_a_training_and_only_briefly_after_it(lay, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("study.run.worker.BRIEF_S", 0.2)
    begun = Worker(str(tmp_path), lay(tmp_path), "cpu")
    train(begun, tmp_path)
    fresh = Worker(str(tmp_path), lay(tmp_path), "cpu")
    monkeypatch.setattr("study.record.home._write_and_rename", full)
    monkeypatch.setattr(Path, "open", full)
    assert REFUSED in fresh.step()
    results = [begun.step()]
    while WAITING in results[-1]:
        results.append(begun.step())
    assert REFUSED in results[-1]
    assert len(results) > 1


def test_a_commit_that_was_carried_out_though_its_answer_was_lost_is_not_made_twice(tmp_path, monkeypatch):
    home, write = Home(tmp_path), Home.write
    rows = {"trials": [{"trial_id": name, "commit_id": "c1", "status": "finished"} for name in "ab"]}

    def unanswered(self, path, content):
        write(self, path, content)
        monkeypatch.undo()
        raise HomeError("no answer")

    monkeypatch.setattr(Home, "write", unanswered)
    with pytest.raises(HomeError):
        commit(home, "c1", rows)
    assert commit(home, "c1", rows) == ["a", "b"]
    assert [row.trial_id for row in stored_ids(home)] == ["a", "b"]
    again = {"trials": [{**row, "commit_id": "c2"} for row in rows["trials"]]}
    assert commit(home, "c2", again) == []


@pytest.mark.parametrize(
    ("fault", "may_pass"),
    [
        (OSError("AWS Error SLOW_DOWN during PutObject operation"), True),
        (OSError("AWS Error EXPIRED_TOKEN during PutObject operation"), True),
        (PermissionError("Forbidden"), True),  # an object store's, whose role may come back
        (TimeoutError(), True),
        (OSError(errno.ESTALE, "Stale file handle"), True),
        (OSError(errno.EIO, "Input/output error"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (OSError(errno.EROFS, "Read-only file system"), False),
        (PermissionError(errno.EACCES, "Permission denied"), False),
    ],
)
def test_what_only_a_person_can_fix_is_distinguished_from_what_may_pass(tmp_path, fault, may_pass):
    with pytest.raises(HomeError) as refused, Home(tmp_path)._refusal("write to"):
        raise fault
    assert refused.value.may_pass is may_pass


def test_pauses_grow_and_end_when_patience_does(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(retry.time, "monotonic", lambda: now[0])
    refusal = HomeError("not now")
    refusal.may_pass = True
    waiting, pauses = Backoff(), []
    while (pause := waiting.pause(refusal)) is not None:
        pauses.append(pause)
        now[0] += pause
    assert now[0] == pytest.approx(retry.PATIENCE_S)
    assert 0.25 <= pauses[0] <= 0.5
    assert 15 <= max(pauses) <= 30
    waiting.reset()
    assert (waiting.pause(refusal) or 99) <= 0.5  # what comes after a success is the first of a row again


@pytest.mark.usefixtures("quick")
def test_the_driver_outlasts_what_passes_and_tells_of_it():
    refusal, told = HomeError("throttled"), []
    refusal.may_pass = True
    answers = iter([refusal, refusal, "done"])

    def action():
        answer = next(answers)
        if isinstance(answer, HomeError):
            raise answer
        return answer

    assert with_retries(action, told.append) == "done"
    assert told == ["throttled", "throttled"]


@pytest.mark.faults
def test_a_launch_outlives_a_home_that_refuses_for_longer_than_a_moment(outage, tmp_path):
    """Every pack in training meets the outage at its end, waits, and is stored when the home is back."""
    path, log = write_study(tmp_path, seeds=2, steps=3000), tmp_path / "log"
    said = "trying again for up to 10 minutes"
    with log.open("w") as output:
        process = start(path, outage.home, "--no-mirror", "--pack", 2, output=output)
    wait_for(lambda: committed(outage.home), "commit", 240)
    outage.begin()
    wait_for(lambda: said in log.read_text(), "word of the outage", 240)
    time.sleep(20)  # a moment's patience would be over
    assert process.poll() is None, log.read_text()
    outage.end()
    assert process.wait(timeout=240) == 0, log.read_text()
    assert "12 declared, 0 already there, 12 finished" in log.read_text()
    assert log.read_text().count(said) < 4, "it says so again and again"
    assert_each_trained_to_its_end_once(outage.home, 12)
    begins = [trial for line in journal(Home(outage.home)) if line["event"] == "begin" for trial in line["trials"]]
    assert len(begins) == len(set(begins)) == 12, "a pack was trained twice"
