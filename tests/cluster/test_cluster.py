"""Clusters: cluster.yaml is one that Ray's launcher accepts, and a launch is submitted as a job to a real Ray's head."""

import contextlib
import copy
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
import yaml
from launches import ROOT, command, committed, wait_for, write_study
from launches import launch as run

NEIGHBOUR = """
import os
import study
print("found:", *sorted(set(os.listdir(".")) - {"__pycache__"}))  # its own import may make one here
print("compiled elsewhere:", os.path.exists("__pycache__/stale.pyc"))
print("sent along:", "py_modules" in study.__file__)
"""


def test_the_cluster_declaration_is_valid():
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    validate_config(prepare_config(copy.deepcopy(config)))
    types = config["available_node_types"]
    assert types["head"]["resources"] == {"CPU": 0, "GPU": 0}
    assert types["gpu_worker"]["resources"]["GPU"] == 1
    pinned = next(line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith("ray=="))
    assert f":{pinned.removeprefix('ray==')}-" in config["docker"]["image"]


def test_the_cluster_declaration_for_machines_of_ones_own_is_valid():
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((ROOT / "cluster-local.yaml").read_text())
    prepared = prepare_config(copy.deepcopy(config))
    validate_config(prepared)
    assert len(config["provider"]["worker_ips"]) == config["min_workers"] == config["max_workers"]
    assert set(prepared["available_node_types"]) == {"local.cluster.node"}
    assert any("--num-cpus=0 --num-gpus=0" in command for command in config["head_start_ray_commands"])
    assert "dashboard-host" not in str(config), "a dashboard that listens beyond loopback"


class Head:
    """A Ray head on this machine: the addresses of its dashboard and of Ray itself, and what a client needs to know."""

    def __init__(self, folder):
        ports = free_ports(6)
        self.dashboard, self.gcs = f"http://127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}"
        self.environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "PYTHONPATH": str(ROOT)}
        options = {
            "dashboard-host": "127.0.0.1",
            "dashboard-port": ports[0],
            "port": ports[1],
            "ray-client-server-port": ports[2],
            "dashboard-agent-listen-port": ports[3],
            "runtime-env-agent-port": ports[4],
            "metrics-export-port": ports[5],
            "num-cpus": 2,
            "object-store-memory": 200 * 2**20,
            "temp-dir": folder,
        }
        binaries = Path(sys.executable).parent  # of the environment, in which the job finds what it needs
        self.log = folder / "head.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [binaries / "ray", "start", "--head", "--block", *(f"--{k}={v}" for k, v in options.items())],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | self.environment | {"PATH": f"{binaries}:{os.environ['PATH']}", "PYTHONPATH": ""},
                start_new_session=True,
            )

    def has_started(self):
        from study.cluster.target import Place, dashboard_of
        from study.errors import ClusterError

        deadline = time.monotonic() + 90
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(ClusterError):
                return bool(dashboard_of(Place(self.dashboard)))
            time.sleep(0.3)
        return False

    def end(self):
        """The head and what it started: a job's processes are in groups of their own."""
        started = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=5)
        for process in [*started, self.process]:
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                process.kill()
        self.process.wait()


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@pytest.fixture(scope="module")
def head():
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # a short path: Ray's sockets lie below it
    head = Head(folder)
    try:
        if not head.has_started():
            pytest.skip(f"Ray's dashboard does not start here: {head.log.read_text()[-300:]}")
        yield head
    finally:
        head.end()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A user's folder: a study that imports its neighbour, and what is nobody else's business."""
    folder = tmp_path_factory.mktemp("mine")
    path = write_study(folder)
    path.write_text("import neighbour_module\n" + path.read_text())
    (folder / "neighbour_module.py").write_text(NEIGHBOUR)
    (folder / ".env").write_text("SECRET=1")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/stale.pyc").touch()
    return folder


@contextlib.contextmanager
def started(head, folder, *arguments):
    """A submission under way, ended with the test."""
    with subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=os.environ | head.environment | {"COLUMNS": "100"},
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process, words):
    """The output up to the line with these words, as it comes."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return "".join(lines)
    pytest.fail(f"{words!r} never came: {''.join(lines)}")


def test_a_launch_runs_as_a_job_and_shows_its_output_as_it_comes(head, folder):
    """A study of the user's own, a home beside it: the job brings both home although its own folder is a temporary one."""
    options = ["--address", head.dashboard, "--scale", "laptop", "--no-mirror"]
    with started(head, folder, "tiny_study.py:tiny", *options) as process:
        before = read_until(process, "12 trials declared, 0 already there, 12 to train")
        assert process.poll() is None, "the output came only at the end"
        after, _ = process.communicate(timeout=120)
    assert f"at laptop scale on the Ray cluster at {head.dashboard}, submitted as tiny-" in before
    assert f"home {folder}/runs" in before
    assert before.rindex("submitted as") < before.rindex("sent along: True")
    in_job = before[before.rindex("Running entrypoint") :].splitlines()
    assert [line for line in in_job if line.startswith("found:")] == ["found: neighbour_module.py tiny_study.py"]
    assert "compiled elsewhere: False" in in_job
    assert process.returncode == 0, before + after
    assert "12 declared, 0 already there, 12 finished, 0 diverged, 0 failed" in after
    assert {row["status"] for row in committed(folder / "runs")} == {"finished"}
    assert len(committed(folder / "runs")) == 12


def test_a_second_submission_finds_everything_already_there(head, folder):
    """By Ray's own address this time, from the environment: it knows its dashboard."""
    options = ["--scale", "laptop", "--no-mirror", "--only", "kappa=2,4", "--only", "gamma=fixed 4"]
    result = run("tiny_study.py:tiny", *options, cwd=folder, RAY_ADDRESS=head.gcs, **head.environment)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"on the Ray cluster at {head.dashboard}, submitted as tiny-" in result.stdout
    assert "4 chosen, 4 already there, 0 finished" in result.stdout


def test_studies_that_are_launched_together_are_one_job_that_is_found_by_any_of_them(head, folder):
    """Both trials that are chosen of either study are there, from the first submission."""
    options = ["--scale", "laptop", "--no-mirror", "--only", "kappa=4", "--only", "gamma=learned"]
    names = ["tiny_study.py:tiny", "tiny_study.py:neighbour"]
    result = run(*names, *options, "--address", head.dashboard, cwd=folder, **head.environment)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "tiny, neighbour at laptop scale" in result.stdout
    assert result.stdout.count("submitted as tiny-and-1-more-") == 1
    assert result.stdout.count("2 chosen, 2 already there, 0 finished") == 2
    again = run("--attach", "neighbour", "--address", head.dashboard, cwd=folder, **head.environment)
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count("2 chosen, 2 already there, 0 finished") == 2
    unknown = run("--attach", "neighbou", "--address", head.dashboard, cwd=folder, **head.environment)
    assert unknown.returncode == 2
    assert "knows no launch neighbou" in unknown.stderr


def test_the_jobs_exit_status_is_the_launchers(head, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import study\nfrom study.launch.__main__ import main\n"
        "if 'py_modules' in study.__file__:\n    raise OSError('not here')\n" + write_study(tmp_path).read_text()
    )
    options = ["--scale", "laptop", "--address", head.dashboard]
    result = run("mine.py:tiny", *options, cwd=tmp_path, **head.environment)
    assert result.returncode == 2, result.stdout + result.stderr
    assert "error: mine.py, line 4, raised OSError: not here" in result.stdout


@pytest.mark.faults
def test_ctrl_c_stops_the_job_in_good_order(head, tmp_path):
    write_study(tmp_path, seeds=3, steps=3000)
    options = ["--address", head.dashboard, "--scale", "laptop", "--pack", "1", "--no-mirror"]
    with started(head, tmp_path, "tiny_study.py:tiny", *options) as process:
        wait_for(lambda: committed(tmp_path / "runs"), "commit")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert output.count("18 trials declared") == 1, "what had been shown was shown again"
    assert "of 18 trials have a result" in output
    assert "was stopped: the same command goes on from there" in output
    there = len(committed(tmp_path / "runs"))
    time.sleep(5)
    assert len(committed(tmp_path / "runs")) == there < 18


@pytest.mark.faults
def test_a_closed_terminal_does_not_stop_the_job(head, tmp_path):
    write_study(tmp_path, steps=2000)
    options = ["--address", head.dashboard, "--scale", "laptop", "--no-mirror"]
    with started(head, tmp_path, "tiny_study.py:tiny", *options) as process:
        read_until(process, "12 trials declared")
        process.send_signal(signal.SIGHUP)
    assert len(committed(tmp_path / "runs")) == 0
    result = run("--attach", "tiny", "--address", head.dashboard, cwd=tmp_path, **head.environment)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "12 trials declared" in result.stdout, "what came before is shown again"
    assert "12 declared, 0 already there, 12 finished" in result.stdout
    assert len(committed(tmp_path / "runs")) == 12


def test_attaching_to_what_is_not_there_is_one_sentence(head, tmp_path):
    result = run("--attach", "nothing", "--address", head.dashboard, cwd=tmp_path, **head.environment)
    assert result.returncode == 2
    assert "knows no launch nothing: it knows" in result.stderr
    result = run("--attach", "nothing", cwd=tmp_path)
    assert result.returncode == 2
    assert (
        result.stderr
        == "error: --attach nothing needs the cluster that it runs on: give --address, or set RAY_ADDRESS\n"
    )


def test_a_cluster_that_wants_a_token_says_so(head):
    result = run("grid_gamma", "--address", head.gcs, "--home", "/shared", RAY_AUTH_MODE="disabled")
    assert result.returncode == 2
    assert "asks for its token: set RAY_AUTH_MODE=token" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_cluster_without_a_node_to_train_on_is_waited_for_and_then_refused(monkeypatch):
    from study.errors import ClusterError
    from study.run import wait_for_nodes as waiting

    clock = iter(range(0, 100_000, 10))
    monkeypatch.setattr(waiting.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(waiting.time, "sleep", lambda _: None)
    answers = iter([{}, {"memory": 1.0}, {}, {"CPU": 8.0, "GPU": 1.0}])
    said = []
    wait = waiting.Wait("CPU", lambda: next(answers, {}), said.append)
    assert wait.over() == {"CPU": 8.0, "GPU": 1.0}
    sentence = "the Ray cluster has no node with a CPU to train on"
    assert said == [f"{sentence}: waiting for one, 15 min at most"]
    with pytest.raises(ClusterError, match=f"{sentence}: start a worker, and launch again"):
        wait.over()
    assert len(said) == 2, "the second time is news again"


def test_a_machine_that_is_part_of_no_cluster_says_so(monkeypatch):
    from study.errors import ClusterError
    from study.run import ray_connection as connection

    def refuse(**_):
        raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setattr(connection.ray, "init", refuse)
    with (
        pytest.raises(ClusterError, match="no Ray of this machine can be joined"),
        connection.connected("auto", print),
    ):
        pass


@pytest.fixture
def elsewhere(monkeypatch):
    """A client of a cluster of other machines, and the job's home and mirror there."""
    from types import SimpleNamespace

    from study.cluster import submit

    monkeypatch.setattr(submit, "list_nodes", lambda address: [SimpleNamespace(node_ip="203.0.113.7")])
    return SimpleNamespace(get_address=lambda: "http://203.0.113.7:8265")


@pytest.mark.parametrize("home", ["./runs", "~/runs"])
def test_a_home_of_this_machine_is_refused_for_a_cluster_of_others(elsewhere, home):
    from study.cluster.submit import _home_there
    from study.errors import ClusterError

    with pytest.raises(ClusterError, match="every node of the cluster reaches"):
        _home_there(home, None, elsewhere)


@pytest.mark.parametrize("home", ["s3://bucket/runs", "/shared/runs"])
def test_a_home_that_nodes_share_is_taken_as_it_is(elsewhere, home):
    from study.cluster.submit import _home_there

    assert _home_there(home, None, elsewhere) == home


def test_an_mlflow_database_is_never_left_in_a_jobs_folder():
    from study.cluster.submit import Request, _mirror_there
    from study.errors import ClusterError

    def mirror(home, uri):
        return _mirror_there(Request({"grid_gamma": "grid_gamma"}, home, "paper", uri, True, []), None, home)

    assert mirror("/shared", None) == ([], "")
    assert mirror("s3://bucket", "http://mlflow:5000")[0] == ["--tracking-uri", "http://mlflow:5000"]
    assert mirror("s3://bucket", None)[0] == ["--no-mirror"]
    for relative in ("sqlite:///mlflow.db", "mlruns"):
        with pytest.raises(ClusterError, match="relative to a folder of this machine"):
            mirror("s3://bucket", relative)
