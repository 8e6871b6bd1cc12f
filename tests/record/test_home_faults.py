"""Faults of the home: full, read-only, damaged, shared, or of another engine. Nothing is lost or made twice."""

import shutil
import subprocess
from pathlib import Path

import pytest
from launches import (
    assert_each_trained_to_its_end_once,
    begun,
    command_here,
    committed,
    launch,
    launch_here,
    start,
    write_study,
)

from study.launch.find import find
from study.pack.pack import make_pack
from study.plan.plan import make_plan
from study.record import Home, commit, new_commit_id, part_names
from study.train.declared_columns import declared_row


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own for the home, and a way to mount it otherwise."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options):
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True, check=False
        )
        if made.returncode:
            pytest.skip(f"a small file system needs the right to mount one ({made.stderr.strip()})")

    try:
        mount("size=256k")
        yield folder, mount
    finally:
        subprocess.run(["umount", folder], check=False, capture_output=True)


@pytest.mark.faults
def test_a_full_disk_is_one_sentence_and_nothing_is_lost(tmp_path, small_disk):
    disk, mount = small_disk
    path, home = write_study(tmp_path, seeds=2), disk / "home"
    full = launch(f"{path}:tiny", "--home", home, "--no-mirror", "--pack", 2)
    assert full.returncode == 2, full.stdout + full.stderr
    assert "No space left on device" in full.stderr
    assert len(full.stderr.strip().splitlines()) == 1
    there = len(committed(home))
    assert 0 < there < 12, "the disk was full too early or too late to prove anything"
    mount("remount,size=64m")
    result = launch(f"{path}:tiny", "--home", home, "--no-mirror")
    assert f"12 declared, {there} already there, {12 - there} finished" in result.stdout, result.stdout + result.stderr
    assert_each_trained_to_its_end_once(home, 12)


def test_a_read_only_home_is_one_sentence(tmp_path, small_disk):
    disk, mount = small_disk
    path = write_study(tmp_path)
    mount("remount,size=64m,ro")
    result = command_here(f"{path}:tiny", "--home", disk / "home", "--no-mirror")
    assert result.returncode == 2
    assert "Read-only file system" in result.stderr
    assert "choose another --home" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A study, and a home that holds its results."""
    folder = tmp_path_factory.mktemp("faults")
    path = write_study(folder, seeds=1, steps=40)
    result = launch_here(f"{path}:tiny", "--home", folder / "home", "--no-mirror")
    assert result.returncode == 0, result.stdout + result.stderr
    return path, folder / "home"


@pytest.fixture
def finished(whole, tmp_path):
    """A study, and a copy of that home: a process reads a part of a home once, and remembers it."""
    path, home = whole
    return path, Path(shutil.copytree(home, tmp_path / "home"))


DAMAGE = {
    "truncated": lambda part: part.write_bytes(part.read_bytes()[:-40]),
    "empty": lambda part: part.write_bytes(b""),
    "foreign": lambda part: part.write_text("trial_id,kappa\n1,2\n"),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("table", ["trials", "curves"])
def test_a_damaged_part_is_named_with_a_remedy_that_works(finished, table, damage):
    path, home = finished
    part = home / "records" / table / part_names(Home(home), table)[0]
    DAMAGE[damage](part)
    result = command_here(f"{path}:tiny", "--home", home, "--no-mirror")
    assert result.returncode == 2, result.stdout + result.stderr
    assert f"{part} is not a readable part" in result.stderr
    assert "move it out of the home" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_what_a_moved_part_held_is_trained_again(tmp_path):
    path, home = write_study(tmp_path, seeds=1, steps=40), tmp_path / "home"
    assert launch_here(f"{path}:tiny", "--home", home, "--no-mirror", "--pack", 1).returncode == 0
    names = part_names(Home(home), "trials")
    (home / "records/trials" / names[0]).rename(tmp_path / "moved.parquet")
    (home / "records/trials/notes.txt").write_text("a file of somebody else's")
    result = launch_here(f"{path}:tiny", "--home", home, "--no-mirror")
    assert "6 declared, 5 already there, 1 finished" in result.stdout, result.stdout + result.stderr


def test_a_damaged_manifest_is_named(finished):
    path, home = finished
    manifest = home / "records/manifest.json"
    manifest.write_text('{"parts": {"trials"')
    result = command_here(f"{path}:tiny", "--home", home, "--no-mirror")
    assert result.returncode == 2, result.stdout + result.stderr
    assert f"{manifest} is damaged" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.faults
def test_two_launches_of_a_study_at_once_train_it_once(tmp_path):
    path, home = write_study(tmp_path, steps=1500), tmp_path / "home"
    first = start(path, home, "--no-mirror", "--pack", 2)
    begun(home)
    second = launch(f"{path}:tiny", "--home", home, "--no-mirror")
    assert second.returncode == 2, second.stdout
    assert f"another launch of tiny is at work in {home} (process {first.pid} on" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1
    assert first.wait(timeout=120) == 0
    assert_each_trained_to_its_end_once(home, 12)


def test_results_of_another_engine_version_stay_and_do_not_count(tmp_path, monkeypatch):
    path, home = write_study(tmp_path, seeds=1, steps=40), tmp_path / "home"
    with monkeypatch.context() as older:
        older.setattr("study.declare.identity.ENGINE", 0)
        older.setattr("study.train.declared_columns.ENGINE", 0)
        pack, key = make_pack(make_plan(find(f"{path}:tiny"), "laptop", Home(home)).missing, {}), new_commit_id()
        rows = [declared_row(pack, i, key) | {"status": "finished"} for i in range(len(pack.trials))]
        commit(Home(home), key, {"trials": rows})
    before = {row["trial_id"] for row in committed(home)}
    result = launch_here(f"{path}:tiny", "--home", home, "--no-mirror")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "6 results in this home are of another engine version" in result.stdout
    assert "6 declared, 0 already there, 6 finished" in result.stdout
    rows = committed(home)
    assert len(rows) == 12
    assert {row["trial_id"] for row in rows if row["engine"] == 0} == before
