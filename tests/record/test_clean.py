"""Sweeping a home: what no study refers to goes, and nothing else, wherever the sweep is killed."""

import io
import os
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from launches import ROOT
from write_kills import StoppedError, stop_after

from study.clean import sweep
from study.record import (
    WORK_LOCK,
    Home,
    HomeError,
    commit,
    compact,
    read,
    read_artifacts,
    write_artifacts,
    write_part,
)
from study.record.garbage import remove

TABLES = ("trials", "curves", "latents", "evaluations")


def put(home, commit_id, trials, status="finished", data_id="used"):
    """A commit as a pack makes it: artifacts, then the other tables, then the trials."""
    arrays = {f"{trial}/weights/w": np.full(50, hash_of(trial)) for trial in trials}
    path = write_artifacts(home, commit_id, arrays)
    key = [{"trial_id": trial, "commit_id": commit_id} for trial in trials]
    rows = [row | {"status": status, "attempt": 1, "artifacts": path, "data_id": data_id, "gamma": 1.0} for row in key]
    staged = [row | {"stage": "vae"} for row in key]
    curves = [row | {"step": step} for row in staged for step in (0, 9)]
    commit(home, commit_id, {"curves": curves, "latents": staged, "evaluations": staged, "trials": rows})


def hash_of(trial):
    return float(sum(map(ord, trial)))


def declare(home, study, trials):
    buffer = io.BytesIO()
    pq.write_table(pa.table({"trial_id": list(trials), "seed": list(range(len(trials)))}), buffer)
    home.write(f"studies/{study}/plan.parquet", buffer.getvalue())
    home.write(f"studies/{study}/study.json", b"{}")
    home.write(f"studies/{study}/report/index.html", b"<html>")


def fill(home):
    """Two studies that refer to a0 … a3 and b0; beside them everything that a home can hold for nobody."""
    declare(home, "first", ["a0", "a1", "a2", "a3", "untrained"])
    declare(home, "second", ["b0", "a3"])
    put(home, "f1", ["a0"], status="failed")
    put(home, "c1", ["a0", "a1", "x0"])
    put(home, "c2", ["a2", "a3", "b0"])
    compact(home, at_least=2, alone=True)
    put(home, "c3", ["a0", "x1"], data_id="unused")  # a0 lost against c1
    put(home, "c4", ["x2", "x3"], data_id="unused")
    write_artifacts(home, "dead", {"a9/weights/w": np.ones(9)})
    dead = {"trial_id": "a1", "commit_id": "dead", "stage": "vae"}
    write_part(home, "curves", "dead.parquet", [dead | {"step": 0}])
    write_part(home, "latents", "merged-dead.parquet", [dead])
    for data_id in ("used", "unused"):
        write_part(home, "datasets", f"{data_id}.parquet", [{"data_id": data_id, "data": "x"}])
    home.write("packs/left.json", b"{}")
    for folder in ("records", "records/curves", "artifacts", "studies/first", "studies/first/report", "packs"):
        home.write(f"{folder}/.thing.0a1b2c3d", b"half")


STUDY_FILES = ("plan.parquet", "report/index.html", "study.json")
REFERRED = ("a0", "a1", "a2", "a3", "b0")


def seen(home, trials=REFERRED):
    """All that a reader sees of these trials, weights included."""
    content = {}
    for table in TABLES:
        rows = read(home, table).to_pylist()
        content[table] = sorted(str(sorted(row.items(), key=str)) for row in rows if row["trial_id"] in trials)
    for row in read(home, "trials", ["trial_id", "artifacts"]).to_pylist():
        if row["trial_id"] in trials:
            weights = read_artifacts(home, row["artifacts"], row["trial_id"], "weights")
            content[row["trial_id"]] = [*weights["w"]]
    return content


def files(home):
    return {
        path: home.read(path)
        for folder in ("records", "artifacts", "packs", "studies")
        for path in _below(home, folder)
    }


def _below(home, folder):
    return [file.path for file in home.stored(folder, deep=True) if not file.path.endswith(".lock")]


def age(home, seconds=7200):
    """Make every file of a local home as old as that."""
    for path in _below(home, "records") + _below(home, "artifacts") + _below(home, "packs") + _below(home, "studies"):
        if home.local:
            os.utime(home.local / path, (time.time() - seconds, time.time() - seconds))


@pytest.fixture(params=["disk", "memory"])
def home(request, tmp_path, monkeypatch):
    if request.param == "memory":  # which does not tell how old a file is
        monkeypatch.setattr("study.clean.YOUNG_S", 0.0)
    home = Home(tmp_path / "home" if request.param == "disk" else f"memory://{tmp_path}")
    fill(home)
    age(home)
    return home


def test_counting_changes_no_byte(home):
    before = files(home)
    found = sweep(home)
    assert found.anything
    assert files(home) == before
    assert found.trials == 4
    assert found.kept == set(REFERRED)
    assert set(found.cut) == {"artifacts/c1.safetensors"}
    assert found.cut_bytes == 50 * 8


def test_what_nothing_refers_to_goes_and_the_rest_stays(home):
    before = seen(home)
    counted = sweep(home)
    size = sum(map(len, files(home).values()))
    sweep(home, delete=True, alone=True)
    assert seen(home) == before
    assert {row["trial_id"] for row in read(home, "trials").to_pylist()} == set(REFERRED)
    left = files(home)
    assert sorted(path for path in left if not path.startswith("records")) == [
        "artifacts/c1.safetensors",
        "artifacts/c2.safetensors",
        *[f"studies/{study}/{file}" for study in ("first", "second") for file in STUDY_FILES],
    ]
    assert [path for path in left if path.startswith("records/datasets")] == ["records/datasets/used.parquet"]
    for table in TABLES:
        assert len(home.names(f"records/{table}")) == 1
    assert not read_artifacts(home, "artifacts/c1.safetensors", "x0", "weights")
    assert not sweep(home).anything
    told = size - counted.stays
    assert told == pytest.approx(counted.row_bytes + counted.cut_bytes + sum(
        file.size for kind in counted.files.values() for file in kind
    ) + len(home.read("records/manifest.json")), rel=0.02)  # fmt: skip


def test_a_swept_home_goes_on(home):
    sweep(home, delete=True, alone=True)
    put(home, "c9", ["x2", "a0"])
    rows = {row["trial_id"]: row["commit_id"] for row in read(home, "trials").to_pylist()}
    assert rows["x2"] == "c9"
    assert rows["a0"] == "c1"
    compact(home, at_least=1, alone=True)
    assert {row["trial_id"] for row in read(home, "curves").to_pylist()} == {*REFERRED, "x2"}


@pytest.mark.parametrize("forgotten", [frozenset(), frozenset({"second"})])
def test_a_sweep_killed_anywhere_loses_nothing_and_the_next_one_finishes(tmp_path, forgotten, monkeypatch):
    monkeypatch.setattr("study.clean.YOUNG_S", 0.0)
    kept = ("a0", "a1", "a2", "a3") if forgotten else REFERRED
    finished, calls = False, 0
    while not finished:
        home = Home(f"memory://{tmp_path}/{calls}")
        fill(home)
        before = seen(home, kept)
        with pytest.MonkeyPatch.context() as patch:
            stop_after(home, patch, calls, ("write", "delete", "drop"))
            try:
                sweep(home, forgotten, delete=True, alone=True)
                finished = True
            except StoppedError:
                pass
        assert seen(home, kept) == before, calls
        again = forgotten.intersection(home.folders("studies"))
        sweep(home, again, delete=True, alone=True)
        assert seen(home, kept) == before, calls
        assert {row["trial_id"] for row in read(home, "trials").to_pylist()} == set(kept), calls
        assert not sweep(home).anything, calls
        assert len(_below(home, "records")) == 6, calls
        calls += 1
    assert calls > 20


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_what_was_written_just_now_may_be_a_launch_at_work(tmp_path, kind):
    home = Home(tmp_path if kind == "disk" else f"memory://{tmp_path}/young")
    fill(home)
    found = sweep(home, delete=True, alone=True)
    assert found.young > 5
    assert home.exists("packs/left.json")
    assert home.exists("records/curves/dead.parquet")
    assert home.exists("artifacts/dead.safetensors")
    assert {row["trial_id"] for row in read(home, "trials").to_pylist()} == set(REFERRED)
    assert not home.exists("artifacts/c4.safetensors")  # its commit is over, and its trials were swept


@pytest.mark.parametrize("day", [-86_400, 86_400])
def test_what_is_young_is_told_by_the_clock_of_the_place(tmp_path, monkeypatch, day):
    """A sweeper whose clock is a day ahead would take every file for an old one, and a day behind for a young one."""
    home, clock = Home(tmp_path), time.time
    fill(home)
    monkeypatch.setattr("study.record.home.time.time", lambda: clock() + day)
    young = sweep(home, delete=True)
    assert young.young > 5
    assert home.exists("packs/left.json")
    monkeypatch.undo()
    age(home)
    monkeypatch.setattr("study.record.home.time.time", lambda: clock() + day)
    assert sweep(home, delete=True).young == 0
    assert not home.exists("packs/left.json")


def test_a_commit_while_a_store_without_a_lock_is_swept_is_kept(tmp_path, monkeypatch):
    home = Home(f"memory://{tmp_path}/late")
    fill(home)

    def late(home, found):
        put(home, "late", ["untrained"])
        remove(home, found)

    monkeypatch.setattr("study.clean.remove", late)
    sweep(home, delete=True, alone=True)
    assert {row["trial_id"] for row in read(home, "trials").to_pylist()} == {*REFERRED, "untrained"}
    assert len(seen(home, ["untrained"])["curves"]) == 2


def test_a_launch_at_work_is_not_disturbed(tmp_path):
    home = Home(tmp_path)
    fill(home)
    before = files(home)
    with home.lock(WORK_LOCK, shared=True):
        assert sweep(home).anything
        with pytest.raises(HomeError, match="a launch is at work"):
            sweep(home, delete=True, alone=True)
        assert before.items() <= files(home).items()
    age(home)
    assert sweep(home, delete=True, alone=True).anything


def test_a_store_without_a_lock_is_swept_only_by_who_is_alone(tmp_path):
    home = Home(f"memory://{tmp_path}/shared")
    fill(home)
    before = files(home)
    with pytest.raises(HomeError, match="--alone"):
        sweep(home, delete=True)
    assert files(home) == before


def test_a_forgotten_study_leaves_what_others_refer_to(home):
    sweep(home, frozenset({"second"}), delete=True, alone=True)
    assert home.folders("studies") == ["first"]
    assert {row["trial_id"] for row in read(home, "trials").to_pylist()} == {"a0", "a1", "a2", "a3"}
    age(home)
    sweep(home, frozenset({"first"}), delete=True, alone=True)
    assert read(home, "trials").num_rows == 0
    assert not home.names("artifacts")
    declare(home, "third", ["z"])
    age(home)
    assert not sweep(
        home, delete=True, alone=True
    ).anything  # the parts that hold no row any more are published all the same
    put(home, "c9", ["z"])
    assert read(home, "curves").num_rows == 2


@pytest.mark.parametrize("delete", [False, True])
def test_a_plan_that_cannot_be_read_is_not_taken_for_an_empty_one(home, delete):
    home.write("studies/second/plan.parquet", b"torn")
    before = files(home)
    with pytest.raises(HomeError, match=r"second/plan\.parquet is not a readable plan"):
        sweep(home, delete=delete)
    assert files(home) == before


def test_a_home_without_studies_is_not_emptied(tmp_path):
    home = Home(tmp_path / "home")
    put(home, "c1", ["a"])
    with pytest.raises(HomeError, match="holds no studies"):
        sweep(home, delete=True, alone=True)
    assert read(home, "trials").num_rows == 1
    nowhere = Home(tmp_path / "nowhere")
    with pytest.raises(HomeError, match="holds no studies"):
        sweep(nowhere, delete=True, alone=True)
    assert not (tmp_path / "nowhere").exists()


def run(*arguments):
    command = [sys.executable, "-m", "study.clean", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)


def test_the_command_counts_first_and_deletes_when_told(tmp_path):
    home = Home(tmp_path)
    fill(home)
    age(home)
    before = files(home)
    dry = run("--home", tmp_path)
    assert dry.returncode == 0, dry.stderr
    assert "rows of 4 trials that no study declares" in dry.stdout
    assert "weights and pictures within 1 file, 400 bytes" in dry.stdout
    assert "packs that nothing trains: 1 file, 2 bytes" in dry.stdout
    assert "stays: 5 trials" in dry.stdout
    assert "MLflow's runs of these trials stay" in dry.stdout
    assert dry.stdout.splitlines()[-1] == "nothing was removed: --delete does it"
    assert files(home) == before
    done = run("--home", tmp_path, "--delete", "--forget", "second")
    assert done.returncode == 0, done.stderr
    assert "forgotten: the study second" in done.stdout
    assert "stays: 4 trials" in done.stdout
    clean = run("--home", tmp_path)
    assert clean.stdout.startswith("to remove: 0 bytes; stays: 4 trials"), clean.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--forget", "frist"], "there is no study frist in"),
        (["--forget", "../home"], "there is no study ../home"),
        (["--forget", ""], "there is no study"),
        (["--deleet"], "No such option: --deleet"),
    ],
)
def test_a_wrong_command_is_one_sentence_and_changes_nothing(tmp_path, arguments, words):
    home = Home(tmp_path)
    declare(home, "first", ["a"])
    before = files(home)
    result = run("--home", tmp_path, "--delete", *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert files(home) == before
