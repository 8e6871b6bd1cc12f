"""A launch that is interrupted, and a pack that is killed, go on from where they were."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from launches import (
    assert_each_trained_to_its_end_once,
    begun,
    committed,
    finish,
    launch,
    start,
    wait_for,
    write_study,
)

from study.record import Home, checkpoints, journal, read, read_artifacts


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
