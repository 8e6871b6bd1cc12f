"""The mirror, killed again and again: one run a trial in the end, and no wrong number in it."""

import contextlib
import io
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from launches import ROOT, assert_each_trained_to_its_end_once, committed, start, write_study
from mirror_audit import assert_shows_the_records, of_kind, query_rows, runs_of
from recorded_home import free_port, kill, serving, wait_until

from study.record import Home, commit, journal, new_commit_id

STUDY = "many"
KAPPAS, SEEDS = range(2, 27), range(8)


def write_many(home: Home) -> int:
    """A study of some hundred trials, no two of which share a number, in twelve commits; how many they are."""
    trials = [{"trial_id": f"trial-{k}-{s}", "kappa": k, "seed": s} for k in KAPPAS for s in SEEDS]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(trials), buffer)
    home.write(f"studies/{STUDY}/plan.parquet", buffer.getvalue())
    header = {"name": STUDY, "caption": "Which?", "axes": {"kappa": list(KAPPAS), "seed": list(SEEDS)}}
    home.write(f"studies/{STUDY}/study.json", json.dumps(header).encode())
    numbers = random.Random(0)
    for start_at in range(12):
        commit_many(home, trials[start_at::12], numbers)
    return len(trials)


def commit_many(home: Home, trials: list[dict], numbers: random.Random) -> None:
    key = new_commit_id()
    tables: dict[str, list] = {"trials": [], "curves": [], "evaluations": []}
    for trial in trials:
        own = {"trial_id": trial["trial_id"], "commit_id": key}
        declaration = {"kind": "Trial", "model": {"kind": "VAE", "kappa": trial["kappa"]}, "seed": trial["seed"]}
        declaration["training"] = {"kind": "Training", "steps": 1000, "lr": numbers.random()}
        final = {name: numbers.random() for name in ("distortion_test", "rate_test", "gamma")}
        result = {"status": "finished", "wall_s": numbers.random(), "steps": 1000, "n_active": numbers.randrange(9)}
        tables["trials"].append({**trial, **own, **final, **result, "declaration": json.dumps(declaration)})
        for step in range(0, 1000, 13):
            point = {name: numbers.random() for name in ("distortion", "rate", "gamma", "grad_z")}
            tables["curves"].append({**own, "stage": "vae", "step": step, **point})
        tables["evaluations"].append({**own, "metric": "mmd", "value": numbers.random(), "version": 1})
    commit(home, key, tables)


def mirroring(home: Home, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "study.ledger", "--home", str(home), "--artifacts", "none", *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run_to_its_end(home: Home, *options: str) -> None:
    process = mirroring(home, *options)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output


def runs_made(home: Home) -> int:
    return query_rows(home, "SELECT count(*) FROM runs")[0][0] if query_rows(home, "SELECT 1 FROM sqlite_master") else 0


@pytest.mark.faults
def test_a_mirror_killed_at_any_moment_ends_with_one_run_a_trial_and_no_wrong_number(tmp_path: Path) -> None:
    """Killed while MLflow's database is made, while the mirror starts, and between any two of its writes."""
    home, moments, made = Home(tmp_path), random.Random(1), [0]
    trials = write_many(home)
    for attempt in range(20):
        process = mirroring(home)
        if attempt < 6 and attempt % 2 == 0:  # while the database is made
            making = tmp_path / ".mlflow.db.making" / "mlflow.db"
            wait_until(lambda place=making: place.exists() or runs_made(home) > 0)
            time.sleep(moments.uniform(0.0, 1.5))
        elif attempt % 4 == 0:  # while it starts
            time.sleep(moments.uniform(0.0, 4.0))
        else:  # while it writes
            wanted = made[-1] + moments.randrange(1, 10)
            wait_until(lambda wanted=wanted: runs_made(home) >= wanted)
            time.sleep(moments.uniform(0.0, 0.06))
        assert process.poll() is None, process.communicate()[0]
        process.kill()
        process.communicate()
        made.append(runs_made(home))
    assert made == sorted(made)
    assert len(set(made)) > 10, "the kills came too early to prove anything"
    assert len(of_kind(runs_of(home, STUDY), "trial")) < trials, "the kills came too late to prove anything"
    run_to_its_end(home)
    assert_shows_the_records(home, STUDY, trials)
    before = runs_of(home, STUDY)
    run_to_its_end(home)
    assert runs_of(home, STUDY) == before, "writing it again changed something"


@contextlib.contextmanager
def at_work(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A launch that is killed, with all that it started, when nobody looks at it any more."""
    try:
        yield process
    finally:
        kill(process)


@pytest.mark.faults
def test_launches_and_mirrors_killed_side_by_side_leave_one_run_a_trial(tmp_path: Path) -> None:
    """Each launch is killed with the mirror it writes, and so is the command that would write it beside the launch."""
    path, home, moments = write_study(tmp_path, seeds=6, steps=1500), Home(tmp_path / "home"), random.Random(2)
    for wanted in (1, 4, 8, 12):
        with at_work(start(path, home, "--pack", 1)):
            wait_until(lambda wanted=wanted: len(committed(home)) >= wanted, 240)
            for _ in range(2):
                beside = mirroring(home)
                time.sleep(moments.uniform(1.0, 5.0))
                beside.kill()
                beside.communicate()
    assert len(committed(home)) < 36, "the kills came too late to prove anything"
    with at_work(start(path, home, "--pack", 1)) as launched:
        assert launched.wait(timeout=400) == 0
    run_to_its_end(home)
    assert_each_trained_to_its_end_once(home, 36)
    assert_shows_the_records(home, "tiny", 36)


@pytest.mark.faults
def test_a_server_killed_over_and_over_neither_holds_up_nor_fails_a_launch(tmp_path: Path) -> None:
    """A launch mirrors over HTTP to a server that is killed and started again beside it; a later command completes it."""
    path, home = write_study(tmp_path, seeds=4, steps=9000), Home(tmp_path / "home")
    port, moments, kills = free_port(), random.Random(3), 0
    options = ("--tracking-uri", f"http://127.0.0.1:{port}")
    with serving(home, port):
        launching = start(path, home, "--pack", 1, *options, output=subprocess.PIPE)
        wait_until(lambda: runs_made(home) > 3, 240)
    with at_work(launching) as launched:
        while len(committed(home)) < 24:
            with serving(home, port):
                time.sleep(moments.uniform(0.0, 4.0))
            kills += 1
        output, _ = launched.communicate(timeout=400)
        waited_s = time.time() - journal(home)[-1]["at"]
    assert launched.returncode == 0, output
    assert kills >= 2, "the launch was over too soon to prove anything"
    assert_each_trained_to_its_end_once(home, 24)
    # An answer that the launch waited for would take ten seconds to fail to come.
    assert statistics.median(idle_s(home)) < 5
    assert waited_s < 120
    with serving(home, port):
        run_to_its_end(home, *options)
    assert_shows_the_records(home, "tiny", 24)


def idle_s(home: Home) -> list[float]:
    """Seconds between a worker's commit and the beginning of its next pack."""
    last: dict[int, float] = {}
    pauses = []
    for line in journal(home):
        if line["event"] == "commit":
            last[line["process"]] = line["at"]
        elif line["process"] in last:
            pauses.append(line["at"] - last[line["process"]])
    return pauses
