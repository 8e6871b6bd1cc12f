"""Trials that kill their worker, break its device or take too much memory: they alone fail, or train in smaller packs."""

import pytest
from launches import (
    assert_each_trained_to_its_end_once,
    committed,
    launch,
)

from models.streams import stream_seed

OWN = '''
import os
import resource
import signal

import torch
from torch import nn

from study import Fixed, Objective, Own, PlantedManifold, Training, Trial, study


class Killer(nn.Module):
    """With one of its seeds it kills the process that builds it."""

    def __init__(self, d, kappa, guilty):
        super().__init__()
        if torch.initial_seed() == guilty:
            os.kill(os.getpid(), signal.SIGKILL)
        self.mu, self.log_var, self.out = nn.Linear(d, kappa), nn.Linear(d, kappa), nn.Linear(kappa, d)

    def encode(self, x):
        return self.mu(x), self.log_var(x)

    def decode(self, z):
        return self.out(z)


def leave_a_gigabyte():
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        with open("/proc/self/statm") as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + 2**30, resource.RLIM_INFINITY))


class Glutton(nn.Module):
    """Takes 100 MB a trial on the way to its answer, of the GB that it leaves the process that trains it."""

    def __init__(self, d, kappa):
        super().__init__()
        self.mu, self.log_var, self.out = nn.Linear(d, kappa), nn.Linear(d, kappa), nn.Linear(kappa, d)

    def encode(self, x):
        return self.mu(x), self.log_var(x)

    def decode(self, z):
        if self.training and len(z) == 32:  # not in a rehearsal, which trains on fewer rows
            leave_a_gigabyte()
        much = z.mean() * torch.ones(12_500_000)
        return self.out(z) + 0 * much.square().mean()


def trial(model, seed):
    return Trial(
        data=PlantedManifold(n=100, n_test=50),
        model=model,
        objective=Objective(gamma=Fixed(1.0)),
        training=Training(steps=3, batch=32, lr=1e-3),
        seed=seed,
    )


@study(seed=range(8))
def murder(seed):
    """One trial of eight kills its worker every time."""
    return trial(Own.of(Killer, kappa=2, guilty=GUILTY), seed)


@study(seed=range(16))
def gluttony(seed):
    """Sixteen trials that do not fit into memory together."""
    return trial(Own.of(Glutton, kappa=2), seed)
'''


@pytest.mark.faults
def test_a_trial_that_kills_its_worker_every_time_fails_alone(tmp_path):
    (tmp_path / "own.py").write_text(OWN.replace("GUILTY", str(stream_seed(5, "weights"))))
    home = tmp_path / "home"
    result = launch(f"{tmp_path}/own.py:murder", "--home", home, "--no-mirror", "--pack", 8)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "7 finished, 0 diverged, 1 failed" in result.stdout
    (failed,) = [row for row in committed(home) if row["status"] == "failed"]
    assert failed["seed"] == 5
    assert "worker process died twice" in failed["error"]
    assert "failed: seed=5: its worker process died twice" in result.stdout
    assert_each_trained_to_its_end_once(home, 7)


@pytest.mark.faults
def test_a_trial_that_breaks_the_device_for_its_worker_fails_alone(tmp_path):
    """After such a fault CUDA answers the process every call with it: others would fail with the guilty one."""
    broken = OWN.replace("os.kill(os.getpid(), signal.SIGKILL)", 'raise RuntimeError("CUDA error: device-side assert")')
    (tmp_path / "own.py").write_text(broken.replace("GUILTY", str(stream_seed(5, "weights"))))
    home = tmp_path / "home"
    result = launch(f"{tmp_path}/own.py:murder", "--home", home, "--no-mirror", "--pack", 2)
    assert result.returncode == 1, result.stdout + result.stderr
    (failed,) = [row for row in committed(home) if row["status"] == "failed"]
    assert failed["seed"] == 5
    assert failed["error"] == "RuntimeError: CUDA error: device-side assert"
    assert result.stdout.count("a worker died: its pack of 2 trials is trained again") == 1
    assert_each_trained_to_its_end_once(home, 7)


@pytest.mark.faults
def test_out_of_memory_halves_the_pack_and_goes_on(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    home = tmp_path / "home"
    result = launch(f"{tmp_path}/own.py:gluttony", "--home", home, "--no-mirror", "--pack", 16)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "a pack of 16 trials cannot be trained (out of memory" in " ".join(result.stdout.split())
    rows = committed(home)
    assert {row["status"] for row in rows} == {"finished"}
    assert max(row["pack_size"] for row in rows) < 16
    assert_each_trained_to_its_end_once(home, 16)
