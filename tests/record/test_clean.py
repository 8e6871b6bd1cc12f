"""Cleaning a home: what no study refers to goes, and nothing else, wherever the cleaning is killed."""

import time

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from littered_home import (
    DECLARED,
    STUDY_FILES,
    TABLES,
    content_of,
    declare_study,
    files_below,
    files_of,
    litter,
    make_old,
    put_commit,
)
from write_kills import StoppedError, stop_after

from study.clean import clean
from study.record import WORK_LOCK, Home, HomeError, compact, read, read_artifacts
from study.record.garbage import remove


@pytest.fixture(autouse=True)
def empty_memory():
    """The store in memory looks through all it holds for every listing."""
    yield
    MemoryFileSystem.store.clear()


@pytest.fixture(params=["disk", "memory"])
def home(request, tmp_path, monkeypatch):
    if request.param == "memory":  # which does not tell how old a file is
        monkeypatch.setattr("study.clean.YOUNG_S", 0.0)
    home = Home(tmp_path / "home" if request.param == "disk" else f"memory://{tmp_path}")
    litter(home)
    make_old(home)
    return home


def test_counting_changes_no_byte(home):
    before = files_of(home)
    found = clean(home)
    assert found
    assert files_of(home) == before
    assert found.trials == 4
    assert found.kept == set(DECLARED)
    assert set(found.shared) == {"artifacts/c1.safetensors"}
    assert found.shared_bytes == 50 * 8


def test_what_nothing_refers_to_goes_and_the_rest_stays(home):
    before = content_of(home)
    counted = clean(home)
    size = sum(map(len, files_of(home).values()))
    clean(home, delete=True, alone=True)
    assert content_of(home) == before
    assert {row["trial_id"] for row in read(home, "trials").to_pylist()} == set(DECLARED)
    left = files_of(home)
    assert sorted(path for path in left if not path.startswith("records")) == [
        "artifacts/c1.safetensors",
        "artifacts/c2.safetensors",
        *[f"studies/{study}/{file}" for study in ("first", "second") for file in STUDY_FILES],
    ]
    assert [path for path in left if path.startswith("records/datasets")] == ["records/datasets/used.parquet"]
    for table in TABLES:
        assert len(home.names(f"records/{table}")) == 1
    assert not read_artifacts(home, "artifacts/c1.safetensors", "x0", "weights")
    assert not clean(home)
    freed = size - counted.staying_bytes - len(home.read("records/manifest.json"))
    assert freed == pytest.approx(counted.size, rel=0.02)


def test_a_cleaned_home_goes_on(home):
    clean(home, delete=True, alone=True)
    put_commit(home, "c9", ["x2", "a0"])
    rows = {row["trial_id"]: row["commit_id"] for row in read(home, "trials").to_pylist()}
    assert rows["x2"] == "c9"
    assert rows["a0"] == "c1"
    compact(home, at_least=1, alone=True)
    assert {row["trial_id"] for row in read(home, "curves").to_pylist()} == {*DECLARED, "x2"}


@pytest.mark.parametrize("forgotten", [frozenset(), frozenset({"second"})])
def test_a_cleaning_killed_anywhere_loses_nothing_and_the_next_one_finishes(tmp_path, forgotten, monkeypatch):
    monkeypatch.setattr("study.clean.YOUNG_S", 0.0)
    kept = ("a0", "a1", "a2", "a3") if forgotten else DECLARED
    files, first = fsspec.filesystem("memory"), f"{tmp_path}/littered"
    litter(Home(f"memory://{first}"))
    before = content_of(Home(f"memory://{first}"), kept)
    finished, calls = False, 0
    while not finished:
        files.copy(first, f"{tmp_path}/{calls}", recursive=True)
        home = Home(f"memory://{tmp_path}/{calls}")
        with pytest.MonkeyPatch.context() as patch:
            stop_after(home, patch, calls, ("write", "delete", "drop"))
            try:
                clean(home, forgotten, delete=True, alone=True)
                finished = True
            except StoppedError:
                pass
        assert content_of(home, kept) == before, calls
        again = forgotten.intersection(home.folders("studies"))
        clean(home, again, delete=True, alone=True)
        assert content_of(home, kept) == before, calls
        assert {row["trial_id"] for row in read(home, "trials").to_pylist()} == set(kept), calls
        assert not clean(home), calls
        assert len(files_below(home, "records")) == 6, calls
        files.rm(f"{tmp_path}/{calls}", recursive=True)
        calls += 1
    assert calls > 20


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_what_was_written_just_now_may_be_a_launch_at_work(tmp_path, kind):
    home = Home(tmp_path if kind == "disk" else f"memory://{tmp_path}/young")
    litter(home)
    found = clean(home, delete=True, alone=True)
    assert found.young > 5
    assert home.exists("packs/left.json")
    assert home.exists("records/curves/dead.parquet")
    assert home.exists("artifacts/dead.safetensors")
    assert {row["trial_id"] for row in read(home, "trials").to_pylist()} == set(DECLARED)
    assert not home.exists("artifacts/c4.safetensors")  # its commit is over, and nothing refers to its trials


@pytest.mark.parametrize("day", [-86_400, 86_400])
def test_what_is_young_is_judged_by_the_clock_of_the_place(tmp_path, monkeypatch, day):
    """A cleaner whose clock is a day ahead would take every file for an old one, and a day behind for a young one."""
    home, clock = Home(tmp_path), time.time
    litter(home)
    monkeypatch.setattr("study.record.home.time.time", lambda: clock() + day)
    young = clean(home, delete=True)
    assert young.young > 5
    assert home.exists("packs/left.json")
    monkeypatch.undo()
    make_old(home)
    monkeypatch.setattr("study.record.home.time.time", lambda: clock() + day)
    assert clean(home, delete=True).young == 0
    assert not home.exists("packs/left.json")


def test_a_commit_while_a_store_without_a_lock_is_cleaned_is_kept(tmp_path, monkeypatch):
    home = Home(f"memory://{tmp_path}/late")
    litter(home)

    def late(home, found):
        put_commit(home, "late", ["untrained"])
        remove(home, found)

    monkeypatch.setattr("study.clean.remove", late)
    clean(home, delete=True, alone=True)
    assert {row["trial_id"] for row in read(home, "trials").to_pylist()} == {*DECLARED, "untrained"}
    assert len(content_of(home, ["untrained"])["curves"]) == 2


def test_a_launch_at_work_is_not_disturbed(tmp_path):
    home = Home(tmp_path)
    litter(home)
    before = files_of(home)
    with home.lock(WORK_LOCK, shared=True):
        assert clean(home)
        with pytest.raises(HomeError, match="a launch is at work"):
            clean(home, delete=True, alone=True)
        assert before.items() <= files_of(home).items()
    make_old(home)
    assert clean(home, delete=True, alone=True)


def test_a_store_without_a_lock_is_cleaned_only_with_alone(tmp_path):
    home = Home(f"memory://{tmp_path}/shared")
    litter(home)
    before = files_of(home)
    with pytest.raises(HomeError, match="--alone"):
        clean(home, delete=True)
    assert files_of(home) == before


def test_a_forgotten_study_leaves_what_others_refer_to(home):
    clean(home, frozenset({"second"}), delete=True, alone=True)
    assert home.folders("studies") == ["first"]
    assert {row["trial_id"] for row in read(home, "trials").to_pylist()} == {"a0", "a1", "a2", "a3"}
    make_old(home)
    clean(home, frozenset({"first"}), delete=True, alone=True)
    assert read(home, "trials").num_rows == 0
    assert not home.names("artifacts")
    declare_study(home, "third", ["z"])
    make_old(home)
    assert not clean(home, delete=True, alone=True)  # the parts that hold no row any more are published all the same
    put_commit(home, "c9", ["z"])
    assert read(home, "curves").num_rows == 2


@pytest.mark.parametrize("delete", [False, True])
def test_a_plan_that_cannot_be_read_is_not_taken_for_an_empty_one(home, delete):
    home.write("studies/second/plan.parquet", b"torn")
    before = files_of(home)
    with pytest.raises(HomeError, match=r"second/plan\.parquet is not a readable plan"):
        clean(home, delete=delete)
    assert files_of(home) == before


def test_a_home_without_studies_is_not_emptied(tmp_path):
    home = Home(tmp_path / "home")
    put_commit(home, "c1", ["a"])
    with pytest.raises(HomeError, match="holds no studies"):
        clean(home, delete=True, alone=True)
    assert read(home, "trials").num_rows == 1
    nowhere = Home(tmp_path / "nowhere")
    with pytest.raises(HomeError, match="holds no studies"):
        clean(nowhere, delete=True, alone=True)
    assert not (tmp_path / "nowhere").exists()
