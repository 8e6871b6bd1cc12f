"""The launcher: it trains what is missing and nothing else, and says what it did."""

import contextlib
import math
import sqlite3
import time
from functools import cache
from ipaddress import ip_address

import psutil
import pytest
from brittle_study import write_brittle
from launches import begun, committed, ending, launch, launch_here, start, write_study

from study.record import Home, read, stored_ids

# MLflow's own, when it is imported and when it migrates its tables.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*Pydantic.*:UserWarning"),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A home in which `tiny` was launched, and what the launch printed."""
    folder = tmp_path_factory.mktemp("launch")
    path = write_study(folder)
    result = launch_here(f"{path}:tiny", "--home", folder / "home", "--no-mirror")
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
    """A whole command, with Python's start, and without --in-process: what trains nothing starts no Ray."""
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
    result = launch_here(f"{path}:tiny", f"{path}:neighbour", "--home", home, "--no-mirror")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "12 declared, 12 already there" in result.stdout
    assert "8 declared, 4 already there, 4 finished" in result.stdout
    assert len(committed(home)) == len(stored_ids(Home(home))) == 16


def test_adding_seeds_trains_only_the_new_ones(finished):
    path, home, _ = finished
    before = {row["trial_id"]: row["commit_id"] for row in committed(home)}
    write_study(path.parent, seeds=3)
    result = launch_here(f"{path}:tiny", "--home", home, "--no-mirror")
    assert "18 declared, 12 already there, 6 finished" in result.stdout, result.stdout + result.stderr
    after = {row["trial_id"]: row["commit_id"] for row in committed(home)}
    assert before.items() <= after.items()
    assert len(after) == len(before) + 6


def test_only_trains_what_is_chosen(tmp_path):
    path = write_study(tmp_path)
    chosen = ["--only", "kappa=2,4", "--only", "gamma=fixed 4"]
    result = launch_here(f"{path}:tiny", "--home", tmp_path / "home", "--no-mirror", *chosen)
    assert "4 selected, 0 already there, 4 finished" in result.stdout, result.stdout + result.stderr
    assert {row["kappa"] for row in committed(tmp_path / "home")} == {2, 4}


EXECUTORS = {"Ray Tune": launch, "in process": launch_here}


@pytest.fixture(scope="module")
def left_by(tmp_path_factory):
    """What a launch of `tiny` and `brittle` by an executor said, and the home that it left; each is launched once."""

    @cache
    def left(executor):
        folder = tmp_path_factory.mktemp("executor")
        studies = [f"{write_study(folder)}:tiny", f"{write_brittle(folder)}:brittle"]
        return EXECUTORS[executor](*studies, "--home", folder / "home"), folder / "home"

    return left


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_trial_that_cannot_be_trained_fails_alone_and_divergence_is_a_result(left_by, executor):
    result, home = left_by(executor)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "2 rows make a trial that another row makes too" in result.stdout
    assert "12 declared, 0 already there, 12 finished, 0 diverged, 0 failed" in result.stdout
    assert "6 declared, 0 already there, 2 finished, 2 diverged, 2 failed" in result.stdout
    assert result.stdout.count("this network cannot be trained") >= 2
    rows = committed(home)
    failed = [row for row in rows if row["status"] == "failed"]
    assert all("this network cannot be trained" in row["error"] for row in failed)
    assert all(row["diverged_at"] is not None for row in rows if row["status"] == "diverged")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_launch_fills_mlflow(left_by, executor):
    """End to end with the mirror; what the mirror shows is tested in tests/mirror."""
    result, home = left_by(executor)
    assert f"mlflow ui --backend-store-uri sqlite:///{home}/mlflow.db" in result.stdout.replace("\n", " ")
    page = "http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=cells"
    assert f"shows the study at {page}" in result.stdout
    assert page in (home / "studies/tiny/report/index.html").read_text().replace("&amp;", "&")
    with contextlib.closing(sqlite3.connect(home / "mlflow.db")) as database:
        tagged = database.execute("select count(distinct value) from tags where key = 'trial_id'").fetchone()
        running = database.execute("select count(*) from runs where status = 'RUNNING'").fetchone()
        judged = database.execute(
            "select count(distinct t.run_uuid) from tags t join tags s on t.run_uuid = s.run_uuid "
            "where t.key = 'regime' and s.key = 'trial_id'"
        ).fetchone()
        ends = database.execute(
            "select t.value, m.value from latest_metrics m join tags t on m.run_uuid = t.run_uuid "
            "where m.key = 'curve/neg_elbo' and t.key = 'trial_id'"
        ).fetchall()
    assert (tagged, running, judged) == ((18,), (0,), (14,))  # 2 of 18 have diverged, and 2 failed
    last = {row["trial_id"]: row for row in sorted(read(Home(home), "curves").to_pylist(), key=lambda row: row["step"])}
    for trial_id, neg_elbo in ends:  # of trials of 20 dimensions with β = 1
        assert neg_elbo == pytest.approx(last[trial_id]["objective"] + 10 * math.log(2 * math.pi), rel=1e-4)
    assert len(ends) > 12
    (shown,) = home.glob("mlartifacts/tiny/*/artifacts/report.html")
    assert shown.read_bytes() == (home / "studies/tiny/report/index.html").read_bytes()


OF_A_TRAINING = {"commit_id", "pack_id", "pack_size", "wall_s", "artifacts"}
"""Columns in which two trainings of a trial may differ."""


def numbers_and_words(home):
    """trial_id → its recorded floating-point numbers, and everything else of its row."""
    for row in committed(home):
        numbers = {name: value for name, value in row.items() if isinstance(value, float) and name not in OF_A_TRAINING}
        words = {name: row[name] for name in row.keys() - numbers.keys() - OF_A_TRAINING}
        yield row["trial_id"], (numbers, words)


def test_both_executors_leave_the_same_records(left_by):
    """The same trials and statuses, and the same numbers up to what packs of other sizes round differently."""
    by_ray, here = [dict(numbers_and_words(left_by(executor)[1])) for executor in EXECUTORS]
    assert len(by_ray) == 18
    assert by_ray.keys() == here.keys()
    for trial_id, (numbers, words) in by_ray.items():
        assert words == here[trial_id][1]
        assert here[trial_id][0] == pytest.approx(numbers, rel=1e-4, abs=1e-6, nan_ok=True)


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
