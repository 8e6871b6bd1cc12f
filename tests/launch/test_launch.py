"""The launcher: it trains what is missing and nothing else, and says what it did."""

import sqlite3
import time
from ipaddress import ip_address

import psutil
import pytest
from brittle_study import write_brittle
from launches import begun, committed, ending, launch, launch_here, start, write_study

from study.record import Home, stored_ids

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
    assert "4 chosen, 0 already there, 4 finished" in result.stdout, result.stdout + result.stderr
    assert {row["kappa"] for row in committed(tmp_path / "home")} == {2, 4}


@pytest.fixture(scope="module", params=["Ray Tune", "in process"])
def trained(request, tmp_path_factory):
    """What a launch of `tiny` and `brittle` said, and the home that it left; with Ray, and without."""
    folder = tmp_path_factory.mktemp("executor")
    studies = [f"{write_study(folder)}:tiny", f"{write_brittle(folder)}:brittle"]
    run = launch if request.param == "Ray Tune" else launch_here
    return run(*studies, "--home", folder / "home"), folder / "home"


def test_a_trial_that_cannot_be_trained_fails_alone_and_divergence_is_a_result(trained):
    result, home = trained
    assert result.returncode == 1, result.stdout + result.stderr
    assert "2 rows make a trial that another row makes too" in result.stdout
    assert "12 declared, 0 already there, 12 finished, 0 diverged, 0 failed" in result.stdout
    assert "6 declared, 0 already there, 2 finished, 2 diverged, 2 failed" in result.stdout
    assert result.stdout.count("this network cannot be built") >= 2
    rows = committed(home)
    failed = [row for row in rows if row["status"] == "failed"]
    assert all("this network cannot be built" in row["error"] for row in failed)
    assert all(row["diverged_at"] is not None for row in rows if row["status"] == "diverged")


def test_a_launch_fills_mlflow(trained):
    """End to end with the mirror; what the mirror shows is tested in tests/mirror."""
    result, home = trained
    assert f"mlflow ui --backend-store-uri sqlite:///{home}/mlflow.db" in result.stdout.replace("\n", " ")
    page = "http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=cells"
    assert f"shows the study at {page}" in result.stdout
    assert page in (home / "studies/tiny/report/index.html").read_text().replace("&amp;", "&")
    with sqlite3.connect(home / "mlflow.db") as database:
        tagged = database.execute("select count(distinct value) from tags where key = 'trial_id'").fetchone()
        running = database.execute("select count(*) from runs where status = 'RUNNING'").fetchone()
    assert tagged == (18,)
    assert running == (0,)


OF_AN_EXECUTOR = {"commit_id", "pack_id", "pack_size", "wall_s", "artifacts", "peak_memory"}
"""Columns that may differ between two trainings of a trial."""

KNOWN = {}
"""What the executor that was asked first has left."""


def test_both_executors_leave_the_same_records(trained):
    """The same trials, with the same statuses, and the same numbers but for what packs of other sizes round differently."""
    _, home = trained
    rows = {
        row["trial_id"]: {name: value for name, value in row.items() if name not in OF_AN_EXECUTOR}
        for row in committed(home)
    }
    other = KNOWN or rows
    KNOWN.update(rows)
    assert rows.keys() == other.keys()
    assert len(rows) == 18
    for trial_id, row in rows.items():
        numbers = {name: value for name, value in row.items() if isinstance(value, float)}
        for name, value in numbers.items():
            assert value == pytest.approx(other[trial_id][name], rel=1e-4, abs=1e-6, nan_ok=True), (trial_id, name)
        assert {name: row[name] for name in row.keys() - numbers} == {
            name: other[trial_id][name] for name in row.keys() - numbers
        }


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
