"""The launcher: it trains what is missing and nothing else, and says what it did."""

import time

import pytest
from launches import committed, launch, launch_here, write_study

from study.record import Home, stored_ids


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A home in which `tiny` was launched, and what the launch printed."""
    folder = tmp_path_factory.mktemp("launch")
    path = write_study(folder)
    result = launch_here(f"{path}:tiny", "--home", folder / "home", "--no-mirror")
    assert result.returncode == 0, result.stdout + result.stderr
    return path, folder / "home", result.stdout


def test_a_launch_trains_everything_and_says_what_it_did(finished):
    _, home, output = finished
    assert "12 trials declared, 0 already there, 12 to train" in output
    assert "12 declared, 0 already there, 12 finished, 0 diverged, 0 failed" in output
    rows = committed(home)
    assert len(rows) == 12
    assert {row["status"] for row in rows} == {"finished"}
    assert all(row["device"] and row["wall_s"] > 0 and row["torch_version"] and row["code_version"] for row in rows)
    assert (home / "studies/tiny/report/index.html").exists()
    assert (home / "studies/tiny/report/table.md").exists()
    assert not list((home / "packs").glob("*.json"))


def test_relaunching_trains_nothing_and_is_quick(finished):
    """A whole command, with Python's start, and without --in-process: what trains nothing starts no Ray."""
    path, home, _ = finished
    before = stored_ids(Home(home))
    start = time.monotonic()
    result = launch(f"{path}:tiny", "--home", home, "--no-mirror")
    assert result.returncode == 0
    assert time.monotonic() - start < 15
    assert "12 declared, 12 already there, 0 finished, 0 diverged, 0 failed" in result.stdout
    assert stored_ids(Home(home)) == before


def test_a_trial_that_two_studies_of_a_launch_declare_is_trained_once(finished):
    path, home, _ = finished
    result = launch_here(f"{path}:tiny", f"{path}:neighbour", "--home", home, "--no-mirror")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "12 declared, 12 already there" in result.stdout
    assert "8 declared, 4 already there, 4 finished" in result.stdout
    assert len(committed(home)) == len(stored_ids(Home(home))) == 16


def test_adding_seeds_trains_only_the_new_ones(finished):
    path, home, _ = finished
    before = {row["trial_id"]: row["commit_id"] for row in committed(home)}
    write_study(path.parent, seeds=3)
    result = launch_here(f"{path}:tiny", "--home", home, "--no-mirror")
    assert "18 declared, 12 already there, 6 finished" in result.stdout, result.stdout + result.stderr
    after = {row["trial_id"]: row["commit_id"] for row in committed(home)}
    assert before.items() <= after.items()
    assert len(after) == len(before) + 6


def test_only_trains_what_is_chosen(tmp_path):
    path = write_study(tmp_path)
    chosen = ["--only", "kappa=2,4", "--only", "gamma=fixed 4"]
    result = launch_here(f"{path}:tiny", "--home", tmp_path / "home", "--no-mirror", *chosen)
    assert "4 selected, 0 already there, 4 finished" in result.stdout, result.stdout + result.stderr
    assert {row["kappa"] for row in committed(tmp_path / "home")} == {2, 4}
