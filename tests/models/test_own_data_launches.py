"""Data of the user's own, all the way: declared in a study's file, planned, trained, loaded again."""

import subprocess
import sys

import numpy as np
import pytest
from launches import launch_here
from ring_source import RING

from models.data.load import load
from study import load as load_network

pytestmark = pytest.mark.every_python

STUDY = (
    RING
    + '''

import torch
from torch import nn

from study import Fixed, Learned, Objective, Own, OwnData, Training, Trial, study


class Line(nn.Module):
    def __init__(self, d, kappa):
        super().__init__()
        self.mu, self.log_var, self.out = nn.Linear(d, kappa), nn.Linear(d, kappa), nn.Linear(kappa, d)

    def encode(self, x):
        return self.mu(x), self.log_var(x)

    def decode(self, z):
        return self.out(z)


@study(noise=[0.0, 0.1], gamma=[Fixed(0.1), Learned()], seed=range(2))
def rings(noise, gamma, seed):
    """Data and a network of the user's own."""
    return Trial(
        data=OwnData.of(ring, d=3, n=300, intrinsic_dim=1, noise=noise),
        model=Own.of(Line, kappa=2),
        objective=Objective(gamma=gamma),
        training=Training(steps=40, batch=32, lr=1e-2),
        seed=seed,
    )
'''
)


def test_data_and_a_network_of_the_users_own_go_all_the_way(tmp_path):
    from analysis import results

    (tmp_path / "mine.py").write_text(STUDY)
    result = launch_here("mine.py:rings", "--home", "home", "--no-mirror", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "8 declared, 0 already there, 8 finished" in result.stdout
    frame = results("rings", tmp_path / "home")
    assert set(frame["d"]) == {3}
    assert set(frame["n_train"]) == {300}
    assert set(frame["intrinsic_dim"]) == {1}
    assert frame["data_id"].nunique() == 2
    assert np.isfinite(frame["distortion_test"]).all()
    (tmp_path / "mine.py").unlink()  # the records hold the source
    network = load_network(frame["trial_id"][0], tmp_path / "home")
    trial = vars(network)["trial"]
    assert type(network.network).__name__ == "Line"
    assert load(trial.data).total_variance == pytest.approx(frame["total_variance"][0])
    assert (tmp_path / "home/studies/rings/report/index.html").exists()


def test_a_fault_of_the_data_is_told_before_anything_is_trained(tmp_path):
    (tmp_path / "mine.py").write_text(STUDY.replace("n=300, intrinsic", "n=299, intrinsic"))
    result = launch_here("mine.py:rings", "--home", "home", "--no-mirror", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        "error: ring returned 300 training examples, not n = 299: declare n=300 (8 trials)"
    ]
    assert not (tmp_path / "home").exists()


FLAT = (
    RING
    + """
from study import VAE, Fixed, Objective, OwnData, Training, Trial, study


@study(seed=range(3))
def flat(seed):
    'Own data, and a network that needs no torch to be declared.'
    return Trial(
        data=OwnData.of(ring, d=3, n=300),
        model=VAE(kappa=2),
        objective=Objective(gamma=Fixed(1.0)),
        training=Training(steps=3),
        seed=seed,
    )
"""
)


def test_a_plan_of_own_data_needs_no_torch(tmp_path):
    (tmp_path / "flat.py").write_text(FLAT)
    code = (
        "import sys; from study.launch.find import find; n = len(find('flat.py').table('laptop').rows());"
        "print(n, 'torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert result.stdout.split() == ["3", "False"]
