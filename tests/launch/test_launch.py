"""The launcher: it trains what is missing and nothing else, and says what it did."""

import time
from ipaddress import ip_address

import psutil
import pytest
from launches import begun, committed, ending, launch, start, write_study

from study.record import Home, stored_ids


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A home in which `tiny` was launched, and what the launch printed."""
    folder = tmp_path_factory.mktemp("launch")
    path = write_study(folder)
    result = launch(f"{path}:tiny", "--home", folder / "home", "--no-mirror")
    assert result.returncode == 0, result.stdout + result.stderr
    return path, folder / "home", result.stdout


def test_a_launch_trains_everything_and_says_what_it_did(finished):
    _, home, output = finished
    assert "12 trials declared, 0 already there, 12 to train" in output
    assert "12 declared, 0 already there, 12 finished, 0 diverged, 0 failed" in output
    rows = committed(home)
    assert len(rows) == 12
    assert {row["status"] for row in rows} == {"finished"}
    assert all(row["device"] and row["wall_s"] > 0 and row["torch_version"] and row["code_version"] for row in rows)
    assert (home / "studies/tiny/report/index.html").exists()
    assert (home / "studies/tiny/report/table.md").exists()
    assert not list((home / "packs").glob("*.json"))


def test_relaunching_trains_nothing_and_is_quick(finished):
    path, home, _ = finished
    before = stored_ids(Home(home))
    start = time.monotonic()
    result = launch(f"{path}:tiny", "--home", home, "--no-mirror")
    assert result.returncode == 0
    assert time.monotonic() - start < 15
    assert "12 declared, 12 already there, 0 finished, 0 diverged, 0 failed" in result.stdout
    assert stored_ids(Home(home)) == before


def test_a_trial_that_two_studies_of_a_launch_declare_is_trained_once(finished):
    path, home, _ = finished
    result = launch(f"{path}:tiny", f"{path}:neighbour", "--home", home, "--no-mirror")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "12 declared, 12 already there" in result.stdout
    assert "8 declared, 4 already there, 4 finished" in result.stdout
    assert len(committed(home)) == len(stored_ids(Home(home))) == 16


def test_adding_seeds_trains_only_the_new_ones(finished):
    path, home, _ = finished
    before = {row["trial_id"]: row["commit_id"] for row in committed(home)}
    write_study(path.parent, seeds=3)
    result = launch(f"{path}:tiny", "--home", home, "--no-mirror")
    assert "18 declared, 12 already there, 6 finished" in result.stdout, result.stdout + result.stderr
    after = {row["trial_id"]: row["commit_id"] for row in committed(home)}
    assert before.items() <= after.items()
    assert len(after) == len(before) + 6


def test_only_trains_what_is_chosen(tmp_path):
    path = write_study(tmp_path)
    chosen = ["--only", "kappa=2,4", "--only", "gamma=fixed 4"]
    result = launch(f"{path}:tiny", "--home", tmp_path / "home", "--no-mirror", *chosen)
    assert "4 chosen, 0 already there, 4 finished" in result.stdout, result.stdout + result.stderr
    assert {row["kappa"] for row in committed(tmp_path / "home")} == {2, 4}


BROKEN = '''
import torch
from torch import nn

from study import Fixed, Objective, Own, PlantedManifold, Training, Trial, study


class Brittle(nn.Module):
    def __init__(self, d, kappa, fault=False):
        super().__init__()
        if fault:
            raise RuntimeError("this network cannot be built")
        self.mu, self.log_var, self.out = nn.Linear(d, kappa), nn.Linear(d, kappa), nn.Linear(kappa, d)

    def encode(self, x):
        return self.mu(x), self.log_var(x)

    def decode(self, z):
        return self.out(z)


@study(fault=[False, True], lr=[3e-3, 1e30], seed=range(2))
def brittle(fault, lr, seed):
    """One trial in four cannot be built, one in four diverges."""
    return Trial(
        data=PlantedManifold(n=100, n_test=50),
        model=Own.of(Brittle, kappa=2, fault=fault and seed == 1),
        objective=Objective(gamma=Fixed(1.0)),
        training=Training(steps=30, batch=32, lr=lr),
        seed=seed,
    )
'''


def test_a_trial_that_cannot_be_trained_fails_alone_and_divergence_is_a_result(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text(BROKEN)
    result = launch(f"{path}:brittle", "--home", tmp_path / "home", "--no-mirror")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "2 rows make a trial that another row makes too" in result.stdout
    assert "6 declared, 0 already there, 2 finished, 2 diverged, 2 failed" in result.stdout
    assert result.stdout.count("this network cannot be built") >= 2
    rows = committed(tmp_path / "home")
    failed = [row for row in rows if row["status"] == "failed"]
    assert all("this network cannot be built" in row["error"] for row in failed)
    assert all(row["diverged_at"] is not None for row in rows if row["status"] == "diverged")


def test_the_launcher_fills_mlflow(tmp_path):
    """End to end with the mirror; what the mirror shows is tested in test_ledger."""
    import sqlite3

    path, home = write_study(tmp_path), tmp_path / "home"
    result = launch(f"{path}:tiny", "--home", home)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"mlflow ui --backend-store-uri sqlite:///{home}/mlflow.db" in result.stdout.replace("\n", " ")
    page = "http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=cells"
    assert f"shows the study at {page}" in result.stdout
    assert page in (home / "studies/tiny/report/index.html").read_text().replace("&amp;", "&")
    with sqlite3.connect(home / "mlflow.db") as database:
        tagged = database.execute("select count(distinct value) from tags where key = 'trial_id'").fetchone()
        running = database.execute("select count(*) from runs where status = 'RUNNING'").fetchone()
    assert tagged == (12,)
    assert running == (0,)


def test_a_launch_listens_on_loopback_alone(tmp_path):
    path, home = write_study(tmp_path, steps=3000), tmp_path / "home"
    with ending(start(path, home, "--no-mirror")) as launched:
        begun(home)
        tree = [psutil.Process(launched.pid), *psutil.Process(launched.pid).children(recursive=True)]
        sockets = [socket for process in tree for socket in process.net_connections("tcp") if socket.status == "LISTEN"]
    assert len(sockets) > 3, "Ray listens to itself"
    assert not [
        socket.laddr for socket in sockets if not ip_address(socket.laddr.ip.removeprefix("::ffff:")).is_loopback
    ]
