"""Launches as a person makes them: in a process of their own, with Ray under it, or in the test's own process."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from unittest import mock

from many_commands import answer

from study.record import RESULTS, Home, journal, read, stored_ids

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


def command_here(*arguments, cwd=ROOT, **environment):
    """What `launch` returns, of the same command carried out in the test's own process, where no Python has to start."""
    with contextlib.chdir(cwd), mock.patch.object(sys, "path", [*sys.path]):
        status, out, err = answer(arguments, {"COLUMNS": "100"} | environment)
    assert isinstance(status, int), err
    return subprocess.CompletedProcess(arguments, status, out, err)


def launch_here(*arguments, cwd=ROOT, **environment):
    """`command_here` with --in-process: no Ray starts, and everything else is as it is with Ray."""
    return command_here(*arguments, "--in-process", cwd=cwd, **environment)


def start(path, home, *options, output=subprocess.DEVNULL, **environment):
    """A launch in a process group of its own, as a shell starts it."""
    return subprocess.Popen(
        command(f"{path}:tiny", "--home", home, *options),
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"} | environment,
        start_new_session=True,
        # A test run in the background ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@contextlib.contextmanager
def ending(process):
    """A launch that ends with the block, whatever becomes of the test."""
    with process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def finish(process):
    """Wait for a launch, and return its exit status and what it printed."""
    output, _ = process.communicate(timeout=240)
    return process.returncode, output


def write_study(folder, seeds=2, steps=200, lr="3e-3"):
    path = folder / "tiny_study.py"
    path.write_text(STUDY.format(seeds=seeds, steps=steps, lr=lr))
    return path


def committed(home):
    return read(Home(home), "trials").to_pylist()


def wait_for(condition, what, patience_s=90):
    """The condition's value once it is true."""
    deadline = time.monotonic() + patience_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"no {what} within {patience_s} s"
        time.sleep(0.05)
    return value


def begun(home):
    """The journal's lines about trainings that began, once there are any."""
    return wait_for(lambda: [line for line in journal(Home(home)) if line["event"] == "begin"], "training", 400)


def assert_each_trained_to_its_end_once(home, count):
    """`count` results: none lost, none stored twice, and none trained again after it was committed.

    The records alone cannot tell a second training, whose rows readers leave out: the trainer's journal can.
    """
    rows = [row for row in committed(home) if row["status"] in RESULTS]
    assert len(rows) == count
    stored = Counter(row.trial_id for row in stored_ids(Home(home)) if row.status in RESULTS)
    assert stored == Counter(row["trial_id"] for row in rows)
    last_begun, done = {}, set()
    for line in journal(Home(home)):
        if line["event"] == "commit":
            done |= set(line["trials"])
            continue
        assert not done & set(line["trials"]), "a committed trial was trained again"
        last_begun |= dict.fromkeys(line["trials"], line["pack_id"])
    for row in rows:
        assert last_begun[row["trial_id"]] == row["pack_id"], "a training began after the one that was committed"
