"""Packs trained in the launch's own process: no Ray, and the same care for what is trained and for what fails."""

import signal
import subprocess
import sys

import pytest
import torch
from brittle_study import BRITTLE, write_brittle
from event_log import EventLog
from launches import (
    assert_each_trained_to_its_end_once,
    committed,
    ending,
    launch_here,
    start,
    wait_for,
    write_study,
)

from study.pack.cost import CPU_CORE
from study.pack.handover import hand_over
from study.pack.pack import make_pack
from study.record import Home, HomeError, journal, retry
from study.run.executor import ExecutorLostError
from study.run.in_process import InProcess, opened
from study.run.worker import Worker
from study.train.pack_run import PackRun


def packs_begun(home):
    return [len(line["trials"]) for line in journal(Home(home)) if line["event"] == "begin"]


def test_a_guilty_trial_is_found_by_halving_its_pack_and_the_others_are_trained(tmp_path, monkeypatch):
    def raising(self, seconds):
        if any(trial.seed == 2 for trial in self.pack.trials):
            raise ArithmeticError("not this one")
        return advance(self, seconds)

    advance = PackRun.advance
    monkeypatch.setattr(PackRun, "advance", raising)
    path, home = write_study(tmp_path, seeds=4, steps=20), tmp_path / "home"
    chosen = ["--only", "kappa=2", "--only", "gamma=learned"]
    result = launch_here(f"{path}:tiny", "--home", home, "--no-mirror", "--pack", 4, *chosen)
    assert "4 selected, 0 already there, 3 finished, 0 diverged, 1 failed" in result.stdout
    assert packs_begun(home) == [4, 2, 2, 1, 1]
    failed = [row for row in committed(home) if row["status"] == "failed"]
    assert [(row["seed"], row["error"]) for row in failed] == [(2, "ArithmeticError: not this one")]


def test_the_traceback_of_a_network_of_the_users_own_is_shown_once(tmp_path):
    home = tmp_path / "home"
    result = launch_here(f"{write_brittle(tmp_path)}:brittle", "--home", home, "--no-mirror")
    assert result.returncode == 1, result.stdout
    assert "a pack of 2 trials cannot be trained (RuntimeError: this network cannot be trained)" in result.stdout
    assert {row["error"] for row in committed(home) if row["status"] == "failed"} == {
        "RuntimeError: this network cannot be trained"
    }
    listed = (home / "studies/brittle/report/failures.csv").read_text()
    assert listed.count("failed,,RuntimeError: this network cannot be trained") == 2
    assert listed.count("diverged,") == 2
    assert result.stderr.count("Traceback (most recent call last)") == 1
    assert result.stderr.strip().splitlines()[-1] == "RuntimeError: this network cannot be trained"
    assert 'raise RuntimeError("this network cannot be trained")' in result.stderr.replace("'", '"')


def test_a_network_that_leaves_the_program_fails_and_the_launch_goes_on(tmp_path):
    path, home = tmp_path / "leaving.py", tmp_path / "home"
    path.write_text(BRITTLE.replace('raise RuntimeError("this network cannot be trained")', "raise SystemExit(3)"))
    result = launch_here(f"{path}:brittle", "--home", home, "--no-mirror")
    assert "2 finished, 2 diverged, 2 failed" in result.stdout
    assert {row["error"] for row in committed(home) if row["status"] == "failed"} == {"SystemExit: 3"}


def test_out_of_memory_halves_a_pack_until_it_fits(tmp_path, monkeypatch):
    def cramped(self, seconds):
        if len(self.pack.trials) > 3:
            raise MemoryError
        return advance(self, seconds)

    advance = PackRun.advance
    monkeypatch.setattr(PackRun, "advance", cramped)
    path, home = write_study(tmp_path, steps=20), tmp_path / "home"
    result = launch_here(f"{path}:tiny", "--home", home, "--no-mirror", "--pack", 4, "--only", "kappa=2")
    assert result.returncode == 0, result.stdout
    assert "a pack of 4 trials cannot be trained (out of memory (MemoryError: )): trying it again" in result.stdout
    assert packs_begun(home) == [4, 2, 2]
    assert "Traceback" not in result.stderr
    assert_each_trained_to_its_end_once(home, 4)


def test_ctrl_c_keeps_what_is_committed_and_the_same_command_goes_on(tmp_path):
    path, home = write_study(tmp_path, steps=500), tmp_path / "home"
    options = ["--in-process", "--no-mirror", "--pack", 1]
    with ending(start(path, home, *options, output=subprocess.PIPE)) as process:
        wait_for(lambda: committed(home), "commit")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "of 12 trials have a result" in output
    assert "Traceback" not in output
    before = {row["trial_id"]: row["commit_id"] for row in committed(home)}
    assert 0 < len(before) < 12
    result = launch_here(f"{path}:tiny", "--home", home, "--no-mirror")
    assert result.returncode == 0, result.stdout + result.stderr
    assert_each_trained_to_its_end_once(home, 12)
    assert before.items() <= {row["trial_id"]: row["commit_id"] for row in committed(home)}.items()


def test_a_breakpoint_in_a_network_of_the_users_own_stops_this_process(tmp_path, monkeypatch):
    stops = []
    monkeypatch.setattr(sys, "breakpointhook", lambda: stops.append(sys._getframe(1).f_locals["x"].shape[-1]))
    path = tmp_path / "stopping.py"
    path.write_text(BRITTLE.replace("return self.mu(x)", "breakpoint()\n        return self.mu(x)"))
    result = launch_here(f"{path}:brittle", "--home", tmp_path / "home", "--no-mirror", "--only", "fault=False")
    assert "4 selected, 0 already there, 2 finished, 2 diverged" in result.stdout, result.stdout + result.stderr
    assert set(stops) == {20}


@pytest.fixture
def round_of(make_trial, tmp_path):
    """Hands packs to an executor in this process, and returns what the listener heard and which packs failed."""

    def train(count=2):
        home, log = Home(tmp_path / "home"), EventLog()
        packs = [make_pack([make_trial(seed=seed)], {}) for seed in range(count)]
        with hand_over(home, packs, print), opened(print) as executor:
            return log, executor.run(packs, home, log)

    return train


def test_every_pack_is_heard_of_from_its_progress_to_its_commit(round_of):
    log, failures = round_of()
    assert failures == {}
    assert [verb for verb, _ in log.events if verb != "progress"] == ["committed", "committed"]
    assert {pack_id for pack_id, _ in log.of("progress")} == set(log.of("committed"))


def test_a_home_that_refuses_for_a_moment_is_waited_for(round_of, monkeypatch):
    for name in ("FIRST_PAUSE_S", "LONGEST_PAUSE_S"):
        monkeypatch.setattr(retry, name, 0.01)
    refusals = [HomeError("throttled") for _ in range(3)]

    def commit(self, home, known):
        if refusals:
            refusal = refusals.pop()
            refusal.may_pass = True
            raise refusal
        return commit_at_last(self, home, known)

    commit_at_last = PackRun.commit
    monkeypatch.setattr(PackRun, "commit", commit)
    log, failures = round_of(count=1)
    assert failures == {}
    assert log.of("waiting") == ["throttled"] * 3
    assert len(log.of("committed")) == 1


def test_a_home_that_refuses_for_good_ends_the_round(round_of, monkeypatch):
    def refuse(*_):
        raise HomeError("it is gone")

    monkeypatch.setattr(PackRun, "__init__", refuse)
    with pytest.raises(HomeError, match="it is gone"):
        round_of()


def test_a_device_that_answers_no_more_ends_the_executor_for_good(round_of, monkeypatch):
    def fail(_):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(Worker, "_advance", fail)
    with pytest.raises(ExecutorLostError, match="the device no longer answers this process") as lost:
        round_of()
    assert lost.value.for_good


def test_the_threads_of_torch_are_as_they_were(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    try:
        torch.set_num_threads(2)
        with opened(print) as executor:
            assert isinstance(executor, InProcess)
            assert torch.get_num_threads() == 1
            assert [(pool.device, pool.workers) for pool in executor.pools] == [(CPU_CORE, 1)]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
