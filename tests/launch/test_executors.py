"""One launch by each executor, of trials that finish, diverge and fail and of probes, and all that it must leave."""

import contextlib
import math
import shutil
import sqlite3
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from brittle_study import write_brittle
from cell_study import CELL
from launches import ROOT, begun, committed, ending, finish, launch_here, write_study
from probe_studies import write_mixed

from analysis import results
from study.launch.find import find
from study.plan.plan import make_plan
from study.record import Home, read

# MLflow's own, when it is imported and when it migrates its tables.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*Pydantic.*:UserWarning"),
]


PROGRAM = f"""
import sys
import study
from study import launch

assert launch is study.launch and not {{"torch", "pandas", "ray", "pyarrow"}} & set(sys.modules)
{CELL}
done = launch(*sys.argv[2:], cell, home=sys.argv[1], in_process=False, address="local")
print([(one.declared, one.finished) for one in done.studies], done.is_settled, "ray" in sys.modules)
sys.exit(not done)
"""


class Launched(NamedTuple):
    """What a launch of `tiny`, `brittle`, `mixed` and `cell` has left."""

    status: int
    said: str
    home: Path
    listening: list[str]


def studies_in(folder):
    """The first three, each in a file of its own."""
    return [f"{write_study(folder)}:tiny", f"{write_brittle(folder)}:brittle", f"{write_mixed(folder)}:mixed"]


@pytest.fixture(scope="module")
def by_ray(tmp_path_factory):
    """With Ray Tune by a program, whose own study `cell` is; also the addresses where it and its Ray listened meanwhile."""
    folder = tmp_path_factory.mktemp("ray")
    (folder / "program.py").write_text(PROGRAM)
    command = [sys.executable, "program.py", folder / "home", *studies_in(folder)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder), "COLUMNS": "200"}
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with ending(subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **output)) as program:
        begun(folder / "home")
        tree = [psutil.Process(program.pid), *psutil.Process(program.pid).children(recursive=True)]
        sockets = [socket for process in tree for socket in process.net_connections("tcp") if socket.status == "LISTEN"]
        status, said = finish(program)
    return Launched(status, said, folder / "home", [socket.laddr.ip for socket in sockets])


@pytest.fixture(scope="module")
def here(tmp_path_factory, database):
    """In this process, where nothing listens; `cell` lies in a file too, and the mirror's database is there."""
    folder = tmp_path_factory.mktemp("here")
    (folder / "cell.py").write_text(CELL)
    (folder / "home").mkdir()
    shutil.copy(database, folder / "home")
    result = launch_here(*studies_in(folder), folder / "cell.py", "--home", folder / "home")
    return Launched(result.returncode, result.stdout + result.stderr, folder / "home", [])


@pytest.fixture(params=["by_ray", "here"], ids=["Ray Tune", "in process"])
def launched(request):
    return request.getfixturevalue(request.param)


def test_a_trial_that_cannot_be_trained_fails_alone_and_divergence_is_a_result(launched):
    status, said, home, _ = launched
    assert status == 1, said
    assert "2 rows make a trial that another row makes too" in said
    assert "12 declared, 0 already there, 12 finished, 0 diverged, 0 failed" in said
    assert "6 declared, 0 already there, 2 finished, 2 diverged, 2 failed" in said
    assert said.count("this network cannot be trained") >= 2
    rows = committed(home)
    failed = [row for row in rows if row["status"] == "failed"]
    assert all("this network cannot be trained" in row["error"] for row in failed)
    assert all(row["diverged_at"] is not None for row in rows if row["status"] == "diverged")


def test_a_launch_fills_mlflow(launched):
    """End to end with the mirror; what the mirror shows is tested in tests/mirror."""
    _, said, home, _ = launched
    assert f"mlflow ui --backend-store-uri sqlite:///{home}/mlflow.db" in said.replace("\n", " ")
    page = "http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=cells"
    assert f"shows the study at {page}" in said
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
    assert (tagged, running, judged) == ((34,), (0,), (26,))  # 2 of 34 have diverged, 2 failed, and 4 are probes
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


def test_both_executors_leave_the_same_records(by_ray, here):
    """The same trials and statuses, and the same numbers up to what packs of other sizes round differently."""
    rays, ours = dict(numbers_and_words(by_ray.home)), dict(numbers_and_words(here.home))
    assert len(rays) == 34
    assert rays.keys() == ours.keys()
    for trial_id, (numbers, words) in rays.items():
        assert words == ours[trial_id][1]
        assert ours[trial_id][0] == pytest.approx(numbers, rel=1e-4, abs=1e-6, nan_ok=True)


def test_a_study_of_probes_and_trials_is_found_done(launched):
    _, said, home, _ = launched
    assert "8 declared, 0 already there, 8 finished, 0 diverged, 0 failed" in said
    plan = make_plan(find(str(home.parent / "mixed_study.py")), "laptop", Home(home))
    assert (plan.settled, plan.missing) == (8, [])
    by_how = results("mixed", home).groupby("how")
    assert by_how["minima"].count().to_dict() == {"probe": 4, "trial": 0}
    assert by_how["n_active"].count().to_dict() == {"probe": 0, "trial": 4}
    page = (home / "studies/mixed/report/index.html").read_text()
    assert "n_active" in page
    assert "local minima" in page


def test_ray_listens_on_loopback_alone(by_ray):
    assert len(by_ray.listening) > 3, "Ray listens to itself"
    assert all(ip_address(each.removeprefix("::ffff:")).is_loopback for each in by_ray.listening)


def test_a_study_of_a_program_trains_with_ray_whose_workers_have_no_such_module(by_ray):
    """A pack carries its declarations, so a worker needs nothing of `__main__`; and `import study` stays light."""
    assert by_ray.said.splitlines()[-1] == "[(12, 12), (6, 2), (8, 8), (8, 8)] False True", by_ray.said
