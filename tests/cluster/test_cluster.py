"""A launch is submitted as a job to a real Ray's head, and followed, stopped and found again there."""

import contextlib
import os
import signal
import subprocess
import time

import pytest
from launches import command, committed, wait_for, write_study
from launches import launch as run
from many_commands import answer
from ray_head import ray_head

NEIGHBOUR = """
import os
import study
print("found:", *sorted(set(os.listdir(".")) - {"__pycache__"}))  # its own import may make one here
print("compiled elsewhere:", os.path.exists("__pycache__/stale.pyc"))
print("sent along:", "py_modules" in study.__file__)
"""


@pytest.fixture(scope="module")
def head():
    with ray_head() as head:
        yield head


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
def started(head, folder, *arguments, **environment):
    """A submission under way, ended with the test."""
    with subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=os.environ | head.environment | {"COLUMNS": "100"} | environment,
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


def test_studies_that_are_launched_together_are_one_job_whose_output_is_shown_as_it_comes(head, folder):
    """Studies of the user's own, a home beside them: the job brings both home although its own folder is a temporary one.

    By Ray's own address, which knows its dashboard, from the environment; `--attach` finds the job by any of its studies.
    """
    options = ["--scale", "laptop", "--no-mirror", "--only", "kappa=4", "--only", "gamma=learned"]
    names, address = ["tiny_study.py:tiny", "tiny_study.py:neighbour"], {"RAY_ADDRESS": head.gcs}
    with started(head, folder, *names, *options, **address) as process:
        before = read_until(process, "12 trials declared, 2 selected, 0 already there, 2 to train")
        assert process.poll() is None, "the output came only at the end"
        after, _ = process.communicate(timeout=120)
    assert "tiny, neighbour at laptop scale" in before
    submitted = f"on the Ray cluster at {head.dashboard}, submitted as tiny-and-1-more-"
    assert (before + after).count(submitted) == before.count(submitted) == 1
    assert f"home {folder}/runs" in before
    assert before.rindex("submitted as") < before.rindex("sent along: True")
    in_job = before[before.rindex("Running entrypoint") :].splitlines()
    assert [line for line in in_job if line.startswith("found:")] == ["found: neighbour_module.py tiny_study.py"]
    assert "compiled elsewhere: False" in in_job
    assert process.returncode == 0, before + after
    assert after.count("2 selected, 0 already there, 2 finished, 0 diverged, 0 failed") == 2
    assert [row["status"] for row in committed(folder / "runs")] == ["finished"] * 2
    again = run("--attach", "neighbour", "--address", head.dashboard, cwd=folder, **head.environment)
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count("2 selected, 0 already there, 2 finished") == 2


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
    """Nor is part of a name a name."""
    result = run("--attach", "neighbou", "--address", head.dashboard, cwd=tmp_path, **head.environment)
    assert result.returncode == 2
    assert "knows no launch neighbou: it knows" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_attaching_without_a_cluster_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, refusal = answer(["--attach", "nothing"])
    assert status == 2
    assert refusal == "error: --attach nothing needs the cluster that it runs on: give --address, or set RAY_ADDRESS\n"


def test_a_cluster_that_wants_a_token_says_so(head):
    result = run("grid_gamma", "--address", head.gcs, "--home", "/shared", RAY_AUTH_MODE="disabled")
    assert result.returncode == 2
    assert "asks for its token: set RAY_AUTH_MODE=token" in result.stderr
    assert "Traceback" not in result.stderr
