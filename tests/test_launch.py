"""The launcher, run as a person runs it: in a process of its own, with Ray Tune under it."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from study.record import Home, read, stored_ids

ROOT = Path(__file__).parents[1]

STUDY = '''
from study import VAE, Fixed, Learned, Objective, PlantedManifold, Training, Trial, study


@study(gamma=[Fixed(4.0), Learned()], kappa=[2, 3, 4], seed=range({seeds}))
def tiny(gamma, kappa, seed):
    """A study that trains in seconds."""
    return Trial(
        data=PlantedManifold(n=300, n_test=100),
        model=VAE(kappa=kappa, encoder=(8,), decoder=(8,)),
        objective=Objective(gamma=gamma),
        training=Training(steps={steps}, batch=32, lr={lr}),
        seed=seed,
    )


@study(gamma=[Learned(), Fixed(9.0)], kappa=[3, 4], seed=range(2))
def neighbour(gamma, kappa, seed):
    """A study that shares half of its trials with the other."""
    return tiny.table("laptop").function(gamma, kappa, seed)
'''


def command(*arguments):
    return [sys.executable, "-m", "study.launch", *map(str, arguments)]


def launch(*arguments, cwd=ROOT, **environment):
    """Run the launcher to its end; its output on failure is the test's message."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"COLUMNS": "100"} | environment,
        timeout=300,
        check=False,
    )


def write_study(folder, seeds=2, steps=200, lr="3e-3"):
    path = folder / "tiny_study.py"
    path.write_text(STUDY.format(seeds=seeds, steps=steps, lr=lr))
    return path


def committed(home):
    return read(Home(home), "trials").to_pylist()


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


def test_a_trial_that_two_studies_declare_is_trained_once(finished):
    path, home, _ = finished
    result = launch(f"{path}:neighbour", "--home", home, "--no-mirror")
    assert result.returncode == 0, result.stdout + result.stderr
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


def start(path, home, *options):
    """A launch in a process group of its own, as a shell starts it."""
    return subprocess.Popen(
        command(f"{path}:tiny", "--home", home, "--pack", 1, *options),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        start_new_session=True,
        # A test run in the background ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_for_commits(home, count, patience_s=90):
    deadline = time.monotonic() + patience_s
    while len(committed(home)) < count:
        assert time.monotonic() < deadline, f"no {count} commits within {patience_s} s"
        time.sleep(0.1)


def test_kill_9_at_any_moment_loses_nothing_and_repeats_nothing(tmp_path):
    """The whole process group is killed again and again while it trains; a last launch then finishes the study."""
    path, home = write_study(tmp_path, seeds=3, steps=1500), tmp_path / "home"
    moments = random.Random(0)
    seen: dict[str, str] = {}
    for more in (0, 0, 1, 2, 3):  # killed while it starts, before its first commit, and after so many new ones
        process = start(path, home, "--no-mirror")
        if more:
            wait_for_commits(home, len(seen) + more)
        time.sleep(moments.uniform(0.0, 1.0 if more else 6.0))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        now = {row["trial_id"]: row["commit_id"] for row in committed(home)}
        assert seen.items() <= now.items(), "a committed trial was lost or trained again"
        seen = now
    assert len(seen) > 0, "the kills came too early to prove anything"
    result = launch(f"{path}:tiny", "--home", home, "--no-mirror")
    assert result.returncode == 0, result.stdout + result.stderr
    rows = committed(home)
    assert len(rows) == len(stored_ids(Home(home))) == 18
    assert seen.items() <= {row["trial_id"]: row["commit_id"] for row in rows}.items()
    curves = read(Home(home), "curves", ["trial_id"]).to_pylist()
    per_trial = {row["trial_id"]: 0 for row in rows}
    for row in curves:
        per_trial[row["trial_id"]] += 1
    assert len(set(per_trial.values())) == 1


def test_ctrl_c_leaves_with_130_and_a_relaunch_goes_on(tmp_path):
    path, home = write_study(tmp_path, seeds=3, steps=3000), tmp_path / "home"
    process = start(path, home)
    wait_for_commits(home, 1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it too
    assert process.wait(timeout=60) == 130
    there = len(committed(home))
    assert 0 < there < 18
    result = launch(f"{path}:tiny", "--home", home, "--no-mirror")
    assert f"18 declared, {there} already there, {18 - there} finished" in result.stdout, result.stdout + result.stderr


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
