"""Faults on one machine: whatever is killed, full, damaged or doubled, no result is lost and none is made twice.

Counted from the journal that the trainer writes. `make test-faults` adds the long proofs.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from launches import (
    ROOT,
    assert_each_trained_to_its_end_once,
    begun,
    command,
    committed,
    ending,
    launch,
    start,
    wait_for,
    write_study,
)
from shared_store import known_everywhere

from models.streams import stream_seed
from study.record import RESULTS, Home, checkpoints, journal, read, read_artifacts, stored_ids


def finish(process):
    """Wait for a launch, and return its exit status and what it printed."""
    output, _ = process.communicate(timeout=240)
    return process.returncode, output


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def test_a_killed_worker_costs_its_pack_and_the_study_completes_by_itself(tmp_path):
    path, home = write_study(tmp_path, steps=2500), tmp_path / "home"
    process = start(path, home, "--no-mirror", "--pack", 4, output=subprocess.PIPE)
    first = begun(home)[0]
    os.kill(first["process"], signal.SIGKILL)
    status, output = finish(process)
    assert status == 0, output
    assert "(raylet)" not in output
    assert "a worker died: its pack of 4 trials is trained again" in output
    assert_each_trained_to_its_end_once(home, 12)
    tries = [line for line in journal(Home(home)) if line["event"] == "begin" and line["trials"] == first["trials"]]
    assert len(tries) == 2, "the killed pack was not trained again as it was"


def launched_to_lose(victim, path, home):
    """Status and output of a launch whose Ray loses one of its processes after the first commit."""
    process = start(path, home, "--no-mirror", "--pack", 2, output=subprocess.PIPE)
    wait_for(lambda: committed(home), "commit")
    driver = parent_of(parent_of(begun(home)[0]["process"]))
    children = Path(f"/proc/{driver}/task/{driver}/children").read_text().split()
    os.kill(next(int(pid) for pid in children if victim in Path(f"/proc/{pid}/cmdline").read_text()), signal.SIGKILL)
    return finish(process)


@pytest.mark.faults
def test_a_ray_that_dies_is_started_again(tmp_path):
    """The kernel, short of memory, may well choose Ray itself."""
    path, home = write_study(tmp_path, steps=2500), tmp_path / "home"
    status, output = launched_to_lose("/raylet", path, home)
    assert status == 0, output
    assert "Ray's raylet on this machine died: starting it again" in output
    assert_each_trained_to_its_end_once(home, 12)


@pytest.mark.faults
def test_a_ray_without_its_gcs_ends_the_launch_and_a_relaunch_goes_on(tmp_path):
    """Nothing can be asked of such a Ray any more, not even to shut down."""
    path, home = write_study(tmp_path, steps=2500), tmp_path / "home"
    status, output = launched_to_lose("/gcs_server", path, home)
    assert status == 1, output
    assert "Ray's gcs_server on this machine died: launch again to go on" in output
    result = launch(f"{path}:tiny", "--home", home, "--no-mirror")
    assert result.returncode == 0, result.stdout + result.stderr
    assert_each_trained_to_its_end_once(home, 12)


@pytest.mark.faults
def test_kill_9_at_any_moment_loses_nothing_and_repeats_nothing(tmp_path):
    """The whole process group is killed again and again while it starts and trains; a last launch finishes the study."""
    kills = 20
    trials = 6 * (kills - 1)
    path, home = write_study(tmp_path, seeds=kills - 1, steps=1500), tmp_path / "home"
    moments = random.Random(kills)
    seen: dict[str, str] = {}
    for kill in range(kills):
        process = start(path, home, "--pack", 1, "--no-mirror")
        if kill % 4:  # every fourth is killed while it starts
            wanted = len(seen) + moments.choice([1, 1, 2])
            wait_for(lambda wanted=wanted: len(committed(home)) >= wanted, "commit")
        time.sleep(moments.uniform(0.0, 0.7 if kill % 4 else 7.0))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        now = {row["trial_id"]: row["commit_id"] for row in committed(home)}
        assert seen.items() <= now.items(), "a committed trial was lost or trained again"
        seen = now
    assert 0 < len(seen) < trials, "the kills came too early or too late to prove anything"
    result = launch(f"{path}:tiny", "--home", home, "--no-mirror")
    assert result.returncode == 0, result.stdout + result.stderr
    assert_each_trained_to_its_end_once(home, trials)
    assert seen.items() <= {row["trial_id"]: row["commit_id"] for row in committed(home)}.items()
    lengths = read(Home(home), "curves", ["trial_id"]).to_pandas()["trial_id"].value_counts()
    assert len(lengths) == trials
    assert lengths.nunique() == 1, "rows of a killed attempt are counted"


STAGED = '''
from study import VAE, Fixed, Learned, Objective, PlantedManifold, Training, Trial, study


@study(seed=range(4))
def tiny(seed):
    """Chains of three: an autoencoder, a VAE on its codes, a second VAE on draws of that one."""
    small = dict(encoder=(8,), decoder=(8,))
    first = Trial(
        data=PlantedManifold(n=300, n_test=100),
        model=VAE(kappa=6, post_var="none", **small),
        objective=Objective(gamma=Fixed(0.5), beta=0),
        training=Training(steps=1500, batch=32),
        seed=seed,
    )
    learned = Objective(gamma=Learned())
    second = first.model_copy(update={"model": VAE(kappa=4, **small), "objective": learned, "after": first})
    return second.model_copy(update={"model": VAE(kappa=4, skip="concat", **small), "after": second})
'''


@pytest.mark.faults
def test_kill_9_between_the_stages_of_a_trial_loses_none_of_them(tmp_path):
    """Killed while the first, the second and the third stages are at work; the chains go on where they were."""
    path, home = tmp_path / "tiny_study.py", tmp_path / "home"
    path.write_text(STAGED)
    seen: dict[str, str] = {}
    for wanted in (1, 5, 9):
        process = start(path, home, "--pack", 1, "--no-mirror")
        wait_for(lambda wanted=wanted: len(committed(home)) >= wanted, "commit")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        now = {row["trial_id"]: row["commit_id"] for row in committed(home)}
        assert seen.items() <= now.items(), "a committed stage was lost or trained again"
        seen = now
    assert len(seen) < 12, "the kills came too late to prove anything"
    result = launch(f"{path}:tiny", "--home", home, "--no-mirror")
    assert result.returncode == 0, result.stdout + result.stderr
    assert_each_trained_to_its_end_once(home, 12)
    stages = {row["trial_id"]: row["stage"] for row in committed(home)}
    assert sorted(stages.values()) == ["autoencoder"] * 4 + ["second vae"] * 4 + ["vae"] * 4


@pytest.mark.faults
def test_ctrl_c_leaves_with_130_and_a_relaunch_goes_on(tmp_path):
    path, home = write_study(tmp_path, seeds=3, steps=3000), tmp_path / "home"
    process = start(path, home, "--pack", 1, output=subprocess.PIPE)
    wait_for(lambda: committed(home), "commit")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it too
    status, output = finish(process)
    assert status == 130, output
    assert "stopping (Ctrl-C again leaves at once)" in output
    assert "the same command goes on from there" in output
    there = len(committed(home))
    assert 0 < there < 18
    result = launch(f"{path}:tiny", "--home", home, "--no-mirror")
    assert f"18 declared, {there} already there, {18 - there} finished" in result.stdout, result.stdout + result.stderr
    assert_each_trained_to_its_end_once(home, 18)


@pytest.mark.faults
def test_a_second_ctrl_c_leaves_at_once_and_loses_nothing(tmp_path):
    path, home = write_study(tmp_path, seeds=3, steps=3000), tmp_path / "home"
    process = start(path, home, "--pack", 1, output=subprocess.PIPE)
    wait_for(lambda: committed(home), "commit")
    workers = {line["process"] for line in begun(home)}
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout
    with process.stdout:
        while "stopping" not in process.stdout.readline():
            pass
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=5) == 130
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "end of the workers", 30)
    there = len(committed(home))
    result = launch(f"{path}:tiny", "--home", home, "--no-mirror")
    assert f"18 declared, {there} already there, {18 - there} finished" in result.stdout, result.stdout + result.stderr
    assert_each_trained_to_its_end_once(home, 18)


LONG = '''
from study import VAE, Fixed, Learned, Objective, PlantedManifold, Training, Trial, study


@study(gamma=[Fixed(4.0), Learned()], seed=range(2))
def tiny(gamma, seed):
    """One pack that trains for some seconds."""
    return Trial(
        data=PlantedManifold(n=300, n_test=100),
        model=VAE(kappa=3, encoder=(8,), decoder=(8,)),
        objective=Objective(gamma=gamma),
        training=Training(steps=8000, batch=32),
        seed=seed,
    )
'''
OF_AN_ATTEMPT = ("commit_id", "pack_id", "attempt", "wall_s", "artifacts")


def numbers(home):
    """All that a home's tables and weights hold of its trials, without what two attempts differ in."""
    content = {}
    for table in ("trials", "curves", "latents", "evaluations"):
        for row in read(Home(home), table).to_pylist():
            line = {name: value for name, value in row.items() if name not in OF_AN_ATTEMPT}
            content.setdefault((table, row["trial_id"]), []).append(line)
    for row in committed(home):
        weights = read_artifacts(Home(home), row["artifacts"], row["trial_id"], "weights")
        content["weights", row["trial_id"]] = {name: array.tobytes() for name, array in weights.items()}
    return content


@pytest.mark.faults
@pytest.mark.parametrize("killed", ["worker", "launch"])
def test_a_killed_pack_goes_on_from_its_checkpoint_to_the_same_numbers(tmp_path, monkeypatch, killed):
    """Its worker, and the retry goes on; or everything, and the next launch does: to the last bit, on the same device."""
    path = tmp_path / "tiny_study.py"
    path.write_text(LONG)
    whole, home = tmp_path / "whole", tmp_path / "home"
    undisturbed = launch(f"{path}:tiny", "--home", whole, "--no-mirror", "--pack", 4)
    assert undisturbed.returncode == 0, undisturbed.stdout + undisturbed.stderr
    assert not checkpoints(Home(whole)), "a pack of seconds left a checkpoint"
    monkeypatch.setenv("COLLAPSAR_CHECKPOINT_S", "0.5")
    output = subprocess.PIPE if killed == "worker" else subprocess.DEVNULL
    process = start(path, home, "--no-mirror", "--pack", 4, output=output)
    wait_for(lambda: checkpoints(Home(home)), "checkpoint")
    if killed == "worker":
        os.kill(begun(home)[0]["process"], signal.SIGKILL)
        status, output = finish(process)
    else:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        again = launch(f"{path}:tiny", "--home", home, "--no-mirror")  # would make other packs, if it were to choose
        status, output = again.returncode, again.stdout + again.stderr
    assert status == 0, output
    lines = journal(Home(home))
    assert [line["event"] for line in lines] == ["begin", "begin", "resume", "commit"]
    assert lines[2]["step"] > 0
    assert lines[0]["trials"] == lines[2]["trials"]
    assert len(numbers(whole)) == 4 * 5
    assert numbers(home) == numbers(whole)
    assert not Home(home).names("checkpoints")


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


class Glutton(nn.Module):
    """Takes 100 MB a trial on the way to its answer, of the GB that it leaves its process."""

    def __init__(self, d, kappa):
        super().__init__()
        self.mu, self.log_var, self.out = nn.Linear(d, kappa), nn.Linear(d, kappa), nn.Linear(kappa, d)
        with open("/proc/self/statm") as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
        if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
            resource.setrlimit(resource.RLIMIT_AS, (taken + 2**30, resource.RLIM_INFINITY))

    def encode(self, x):
        return self.mu(x), self.log_var(x)

    def decode(self, z):
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


DYING = """
import os
import signal
import sys
from pathlib import Path

from study.run import ray_tune as schedule
from study.cli import run
from study.launch.__main__ import app

once = Path(sys.argv.pop())


class Dying(schedule._PackTrainable):
    def reset_config(self, new_config):
        if hasattr(self, "_worker") and not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().reset_config(new_config)


schedule._PackTrainable = Dying
run(app, "python -m study.launch")
"""


@pytest.mark.faults
def test_a_worker_that_dies_between_two_packs_does_not_hang_the_launch(tmp_path):
    """Tune never starts a trial again whose worker died when it was handed over: the launch would wait for ever."""
    path, home = write_study(tmp_path, seeds=1), tmp_path / "home"
    options = command(f"{path}:tiny", "--home", home, "--no-mirror", "--pack", 1)[3:]
    dying = subprocess.Popen(
        [sys.executable, "-c", DYING, *options, tmp_path / "once"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    with ending(dying):
        status, output = finish(dying)
    assert (tmp_path / "once").exists(), "no worker was handed a second pack"
    assert status == 0, output
    assert output.count("a worker died: its pack of 1 trial is trained again") == 1
    assert_each_trained_to_its_end_once(home, 6)


@pytest.mark.faults
def test_two_launches_a_day_apart_share_a_store_without_locks(tmp_path):
    """Two clusters train one study at once into one object store, the clock of each a day off: nothing is seen twice."""
    path, home = write_study(tmp_path, seeds=1, steps=800), f"shelf://{tmp_path}/home"
    known = known_everywhere(tmp_path)
    with contextlib.ExitStack() as stack:
        pair = [
            start(path, home, "--no-mirror", "--pack", 2, output=subprocess.PIPE, CLOCK_AHEAD_S=str(day), **known)
            for day in (86_400, -86_400)
        ]
        for process in pair:
            stack.enter_context(ending(process))
        for process in pair:
            status, output = finish(process)
            assert status == 0, output
            assert "6 declared, 0 already there, 6 finished, 0 diverged, 0 failed" in output
    events = journal(Home(home))
    moments = [event["at"] for event in events]
    assert max(moments) - min(moments) > 86_400, "one of the two trained nothing, so this proves nothing"
    stored = [row for row in stored_ids(Home(home)) if row.status in RESULTS]
    first = {row.trial_id: row.commit_id for row in reversed(stored)}
    assert len(first) == 6
    assert {row["trial_id"]: row["commit_id"] for row in committed(home)} == first
    for table in ("trials", "curves", "latents"):
        rows = read(Home(home), table, ["trial_id", "commit_id"]).to_pylist()
        assert {(row["trial_id"], row["commit_id"]) for row in rows} == set(first.items())
