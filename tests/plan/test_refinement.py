"""Refinement: further β inside the brackets of collapses, from records alone."""

import json
import math

import numpy as np
import pytest

from study import VAE, Fixed, LinearSubspace, Objective, Training, Trial, study
from study.errors import OptionError
from study.plan.plan import make_plan, replan, write_plan
from study.plan.refinement import KEPT_ABOVE, between
from study.record import Home, commit, new_commit_id

WIDTH = 0.02
THRESHOLDS = {3: (6.0, 4.0, 2.5), 5: (6.0, 4.0, 2.5, 1.2, 0.5)}
START = [float(f"{beta:.4g}") for beta in np.geomspace(0.3, 9, 6)]
UNIFORM = 1 + math.ceil(math.log(9 / 0.3) / math.log((1 + WIDTH) / (1 - WIDTH)))
"""The β of a grid of equal ratios whose every interval is as narrow."""


@study(kappa=[3, 5], beta=START, seed=range(2))
def coarse(kappa, beta, seed):
    """Where is each mode lost?"""
    return a_trial(kappa, beta, seed)


def a_trial(kappa, beta, seed):
    return Trial(
        data=LinearSubspace(d=6, n=100, n_test=50, eigenvalues=(1.0,)),
        model=VAE(kappa=kappa, encoder=(), decoder=(), post_var="shared"),
        objective=Objective(gamma=Fixed(1.0), beta=beta),
        training=Training(steps=10),
        seed=seed,
    )


def put(home, trials, power=1.0, noise=0.003, status="finished"):
    """Records in which latents have 1 − (β/b)^power active units, and a little noise of each seed's."""
    commit_id = new_commit_id()
    rows, latents = [], []
    for trial in trials:
        drawn = np.random.default_rng(int(trial.trial_id, 16))
        key = {"trial_id": trial.trial_id, "commit_id": commit_id}
        rows.append(key | {"status": status, "attempt": 1})
        for j, threshold in enumerate(THRESHOLDS[trial.model.kappa]):
            units = max(0.0, 1 - (trial.objective.beta / threshold) ** power)
            units = abs(units + drawn.normal(0, noise)) if units else abs(drawn.normal(0, noise))
            latents.append(key | {"stage": "vae", "latent": j, "mean_var": float(units)})
    commit(home, commit_id, {"trials": rows, "latents": latents})


def carried_out(home, power=1.0, **options):
    plan = make_plan(coarse, "laptop", home, refine=WIDTH, **options)
    while plan.missing:
        put(home, plan.missing, power)
        plan = replan(plan, home)
    return plan


def betas(plan, kappa):
    return sorted({float(row.axes["beta"]) for row in plan.declared if row.axes["kappa"] == kappa})


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_every_collapse_ends_between_two_beta_that_are_close_enough(tmp_path, power):
    plan = carried_out(Home(tmp_path), power)
    for kappa, thresholds in THRESHOLDS.items():
        found = betas(plan, kappa)
        for threshold in thresholds:
            ends = threshold * (1 - KEPT_ABOVE) ** (1 / power)  # where its active units fall below what counts as kept
            below, above = max(b for b in found if b < ends * 1.012), min(b for b in found if b > ends / 1.012)
            assert above / below <= 1.024 * (1 + WIDTH) / (1 - WIDTH), (threshold, below, above)


def test_a_quarter_of_the_trials_of_an_even_grid_is_enough(tmp_path):
    """Where active units follow the theory's line."""
    plan = carried_out(Home(tmp_path))
    assert len(betas(plan, 5)) <= UNIFORM / 4
    assert len(betas(plan, 3)) < len(betas(plan, 5)), "a sweep of fewer modes needs fewer"


def test_new_trials_are_the_studys_own_at_every_seed(tmp_path):
    plan = carried_out(Home(tmp_path))
    added = [row for row in plan.declared if row.axes["beta"] not in START]
    assert added
    for row in added:
        assert row.trial == a_trial(row.axes["kappa"], row.axes["beta"], row.axes["seed"])
    assert len({(row.axes["kappa"], row.axes["beta"]) for row in added}) * 2 == len(added)


def test_a_sweep_whose_trials_have_not_all_results_waits(tmp_path):
    home = Home(tmp_path)
    plan = make_plan(coarse, "laptop", home, refine=WIDTH)
    put(home, plan.missing[1:])
    waiting = replan(plan, home)
    assert {row.axes["kappa"] for row in waiting.declared if row.axes["beta"] not in START} == {5}


def test_a_refined_study_stays_refined_and_is_known_to_be(tmp_path):
    home = Home(tmp_path)
    plan = carried_out(home)
    write_plan(plan, home)
    header = json.loads(home.read("studies/coarse/study.json"))
    assert header["refine"] == WIDTH
    assert header["axes"]["beta"] == sorted({row.axes["beta"] for row in plan.declared})
    again = make_plan(coarse, "laptop", home)
    assert {row.trial.trial_id for row in again.rows} == {row.trial.trial_id for row in plan.rows}
    assert not again.missing


def test_a_narrower_width_extends_what_is_there(tmp_path):
    home = Home(tmp_path)
    before = carried_out(home)
    write_plan(before, home)
    finer = make_plan(coarse, "laptop", home, refine=WIDTH / 4)
    assert {row.trial.trial_id for row in before.rows} < {row.trial.trial_id for row in finer.rows}
    assert finer.missing


def test_beta_at_which_every_trial_diverges_are_not_asked_for_again(tmp_path):
    home = Home(tmp_path)
    plan = make_plan(coarse, "laptop", home, refine=WIDTH)
    put(home, plan.missing)
    plan = replan(plan, home)
    while plan.missing:
        assert len(plan.declared) < 1000
        put(home, plan.missing, status="diverged")
        plan = replan(plan, home)
    assert len({row.trial.trial_id for row in plan.declared}) == len(plan.declared)


def test_a_bracket_that_is_narrow_enough_asks_for_nothing():
    assert between([1.0, 1.04], [0.2, 0.0], 0, WIDTH) == []
    assert between([1.0, 1.05], [0.2, 0.0], 0, WIDTH)


@pytest.mark.parametrize("units", [[0.9, 0.9], [0.2, 0.9], [0.011, 0.011], [1.2, 0.5]])
def test_whatever_the_curve_the_next_beta_lie_inside(units):
    asked = between([1.0, 2.0, 6.0], [*units, 0.0], 1, WIDTH)
    assert asked
    assert all(2 < beta < 6 for beta in asked)


@study(kappa=[2], seed=range(2))
def flat(kappa, seed):
    """A study without a sweep."""
    return a_trial(kappa, 1.0, seed)


@pytest.mark.parametrize(
    ("table", "width", "said"),
    [
        (flat, 0.02, "study flat sweeps no axis beta of numbers: leave --refine out"),
        (coarse, 2.0, "--refine 2 is not a relative width: write 0.02"),
        (coarse, 0.0, "--refine 0 is not a relative width"),
        (coarse, 1e-5, "--refine 1e-05 is not a relative width"),
    ],
)
def test_what_cannot_be_refined_is_one_sentence(tmp_path, table, width, said):
    with pytest.raises(OptionError, match=said):
        make_plan(table, "laptop", Home(tmp_path), refine=width)
