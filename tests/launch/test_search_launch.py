"""A search through the launcher: its rounds are trained, and MLflow shows every row that has come to the table."""

import contextlib
import sqlite3

import pytest
from launches import command_here, committed, launch, launch_here

SEARCH = '''
from study import VAE, AdamW, Between, Learned, Objective, Optimal, PlantedManifold, Training, Trial, search


@search(
    minimise={"n_active": 4.0, "nre_mean_test": 1.0},
    samplers=["tpe", "random"],
    trials=6,
    batch=3,
    alike=3,
    rungs=(5, 10),
    shape={"kappa": [2, 4]},
    free={"gamma": [Learned(), Optimal()], "beta": Between(0.01, 100), "decay": Between(1e-4, 1)},
)
def hunt(kappa, gamma, beta, decay, steps, seed):
    """Can it be found?"""
    return Trial(
        data=PlantedManifold(n=100, n_test=50),
        model=VAE(kappa=kappa, encoder=(8,), decoder=(8,)),
        objective=Objective(gamma=gamma, beta=beta),
        training=Training(steps=steps, batch=32, optimiser=AdamW(weight_decay=decay)),
        seed=seed,
    )
'''

ROWS = 2 * 2 * (3 + 2)
"""Samplers, rounds, and of each round the three that are asked and the two that climb."""

ROUND = 2 * 3


# MLflow's own, when it is imported and when it migrates its tables.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:.*Pydantic.*:UserWarning")
@pytest.mark.parametrize("launch", [launch_here, pytest.param(launch, marks=pytest.mark.faults)])
def test_a_search_trains_its_rounds_and_is_shown_whole(tmp_path, tracked, launch):
    path, home = tmp_path / "mine.py", tracked
    path.write_text(SEARCH)
    planned = command_here(f"{path}:hunt", "--home", home, "--plan").stdout
    counts = f"{ROWS} trials declared, {ROUND} selected so far, 0 already there, {ROUND} to train in this round"
    assert counts in planned
    assert "for this round, " in planned
    assert f"for {ROWS - ROUND} trials of later rounds, at most" in planned
    first = launch(f"{path}:hunt", "--home", home)
    assert first.returncode == 0, first.stdout + first.stderr
    assert len(committed(home)) == ROWS
    assert counts in first.stdout
    assert f" {ROWS}/{ROWS} trials" in first.stdout
    assert f"{ROWS} declared, 0 already there, " in first.stdout
    with contextlib.closing(sqlite3.connect(home / "mlflow.db")) as database:
        shown = database.execute("SELECT COUNT(*) FROM tags WHERE key = 'kind' AND value = 'trial'").fetchone()
    assert shown == (ROWS,)
    again = launch(f"{path}:hunt", "--home", home, "--no-mirror")
    assert f"{ROWS} declared, {ROWS} already there" in again.stdout
