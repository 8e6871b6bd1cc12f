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
    finish,
    launch,
    start,
    wait_for,
    write_study,
)
from shared_store import known_everywhere

from study.record import RESULTS, Home, journal, read, stored_ids


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def test_a_killed_worker_costs_its_pack_and_the_study_completes_by_itself(tmp_path):
    path, home = write_study(tmp_path, steps=1500), tmp_path / "home"
    process = start(path, home, "--no-mirror", "--pack", 4, "--only", "kappa=2,3", output=subprocess.PIPE)
    first = begun(home)[0]
    os.kill(first["process"], signal.SIGKILL)
    status, output = finish(process)
    assert status == 0, output
    assert "(raylet)" not in output
    assert "a worker died: its pack of 4 trials is trained again" in output
    assert_each_trained_to_its_end_once(home, 8)
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
