"""Seeds below their cell: the means follow the records, whoever adds seeds."""

import time

import pytest
from recorded_home import commit_trials, launched, run_ids, runs, write_plan

from study.record import Home

# MLflow's own, when it is imported and when it migrates its tables.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*Pydantic.*:UserWarning"),
]


def test_seeds_are_grouped_under_the_means_of_their_cell(home: Home) -> None:
    commit_trials(home, [(4, 0), (4, 1), (8, 0)])
    assert launched(home) is None
    cells = {run.info.run_name: run for run in runs(home, "cell")}
    assert set(cells) == {"κ=4", "κ=8"}
    assert {run.info.status for run in cells.values()} == {"FINISHED"}
    assert cells["κ=4"].data.params == {"kappa": "4"}
    assert cells["κ=4"].data.metrics["distortion_test"] == (1.25 + 2.25) / 2
    assert [cells[name].data.metrics["seeds"] for name in ("κ=4", "κ=8")] == [2, 1]
    assert cells["κ=8"].data.tags["mlflow.note.content"].startswith("Means over the 1 of 2 seeds")
    for run in runs(home, "trial"):
        cell = cells[f"κ={run.data.params['kappa']}"]
        assert run.data.tags["mlflow.parentRunId"] == cell.info.run_id
        assert run.info.run_id in cell.data.tags["mlflow.note.content"]


def test_a_cell_stays_right_when_seeds_are_added(home: Home) -> None:
    commit_trials(home, [(4, 0)])
    assert launched(home) is None
    (before,) = runs(home, "cell")
    commit_trials(home, [(4, 1)])
    assert launched(home) is None
    (after,) = runs(home, "cell")
    assert after.info.run_id == before.info.run_id
    assert (before.data.metrics["distortion_test"], after.data.metrics["distortion_test"]) == (1.25, 1.75)


@pytest.mark.parametrize("day", [-86_400, 86_400])
def test_new_means_show_whatever_the_clock_of_the_launch_that_writes_them(home: Home, monkeypatch, day) -> None:
    commit_trials(home, [(4, 0)])
    assert launched(home) is None
    clock = time.time
    monkeypatch.setattr("study.mirror.cells.time.time", lambda: clock() + day)
    commit_trials(home, [(4, 1)])
    assert launched(home) is None
    (after,) = runs(home, "cell")
    assert (after.data.metrics["seeds"], after.data.metrics["distortion_test"]) == (2, 1.75)


def test_a_seed_that_diverged_is_named_and_not_averaged(home: Home) -> None:
    commit_trials(home, [(4, 0)])
    commit_trials(home, [(4, 1)], "diverged")
    assert launched(home) is None
    (cell,) = runs(home, "cell")
    assert (cell.data.metrics["seeds"], cell.data.metrics["distortion_test"]) == (1, 1.25)
    assert "(diverged)" in cell.data.tags["mlflow.note.content"]


def test_a_table_that_is_extended_renames_its_runs_in_place(home: Home) -> None:
    write_plan(home, seeds=[0])
    commit_trials(home, [(4, 0), (8, 0)])
    assert launched(home) is None
    before = run_ids(home)
    assert runs(home, "cell") == []  # one seed: there is nothing to average
    assert {run.info.run_name for run in runs(home, "trial")} == {"κ=4", "κ=8"}
    write_plan(home, gamma="fixed 4")
    commit_trials(home, [(4, 1)])
    assert launched(home) is None
    assert {run.info.run_name for run in runs(home, "trial")} == {
        "κ=4 · learned · s0",
        "κ=8 · learned · s0",
        "κ=4 · learned · s1",
    }
    assert before.items() <= run_ids(home).items()
    parents = {run.info.run_id for run in runs(home, "cell")}
    assert {run.data.tags["mlflow.parentRunId"] for run in runs(home, "trial")} == parents
