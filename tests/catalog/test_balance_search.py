"""The verdicts of balance_search, on records that are made up: each question can be answered yes, no and not at all."""

from typing import Any

import numpy as np
import pytest

from analysis.claims.claim import NO, OPEN, YES
from analysis.frames.view import View
from study import VAE, Fixed, Objective, PlantedManifold, Training, Trial
from study.catalog.balance_search.claims import FLOOR, claims, drawings, searches, sheets, volume
from study.catalog.balance_search.figures import front
from study.declare.search import search
from study.declare.search_space import Between
from study.pack.pack import make_pack
from study.plan.plan import make_plan, replan, write_plan
from study.record import Home, commit, new_commit_id
from study.train.declared_columns import declared_row

TRIALS = 24


def declared(repeats):
    @search(
        minimise={"n_active": 16.0, "nre_mean_test": 1.0},
        samplers=["tpe", "random"],
        repeats=repeats,
        trials=TRIALS,
        shape={"kappa": [8, 16]},
        free={"beta": Between(0.01, 100)},
        rungs=(5,),
    )
    def balance_search(kappa, beta, steps, seed):
        """Which settings reconstruct with the fewest active dimensions?"""
        return Trial(
            data=PlantedManifold(n=100, n_test=50),
            model=VAE(kappa=kappa, encoder=(8,), decoder=(8,)),
            objective=Objective(gamma=Fixed(1.0), beta=beta),
            training=Training(steps=steps),
            seed=seed,
        )

    return balance_search


def searched(tmp_path, met, repeats=5):
    """A view of searches whose trials meet the balance from the one that `met` names on, by sampler, and never before."""
    home = Home(tmp_path)
    study: Any = declared(repeats)
    plan = make_plan(study, "laptop", home)
    while plan.missing:
        commit_id = new_commit_id()
        rows = []
        for row in plan.rows:
            if row.trial in plan.missing:
                is_met = int(row.axes["number"]) + 1 >= met[row.axes["sampler"]]
                numbers = {"n_active": 3, "nre_mean_test": 0.004} if is_met else {"n_active": 8, "nre_mean_test": 0.02}
                result = {"status": "finished", "scale_residual": 0.01} | numbers
                rows.append(declared_row(make_pack([row.trial], {}), 0, commit_id) | result)
        commit(home, commit_id, {"trials": rows})
        plan = replan(plan, home)
    write_plan(plan, home)
    return View.of("balance_search", home)


@pytest.mark.parametrize(("tpe", "chance", "verdict"), [(5, 18, YES), (6, 18, YES), (7, 18, NO), (5, 12, NO)])
def test_a_third_of_random_searchs_trials_is_asked(tmp_path, tpe, chance, verdict):
    sooner, _ = claims(searched(tmp_path, {"tpe": tpe, "random": chance}))
    assert sooner.verdict == verdict
    assert f"medians {tpe} (" in sooner.measured


def test_a_search_that_never_met_the_balance_counts_one_more_than_its_budget(tmp_path):
    view = searched(tmp_path, {"tpe": 8, "random": TRIALS + 5})
    chance = next(one for one in searches(view) if one.sampler == "random")
    assert chance.met == [TRIALS + 1] * 5
    assert chance.found == 0
    assert claims(view)[0].verdict == OPEN, "nobody knows how long chance would have taken"


def test_the_front_is_judged_at_equal_budget(tmp_path):
    sooner, front_claim = claims(searched(tmp_path, {"tpe": 5, "random": TRIALS + 1}))
    assert sooner.verdict == OPEN
    assert front_claim.verdict == YES
    _, other = claims(searched(tmp_path / "other", {"tpe": TRIALS + 1, "random": 5}))
    assert other.verdict == NO


def test_too_few_searches_say_nothing(tmp_path):
    assert {claim.verdict for claim in claims(searched(tmp_path, {"tpe": 5, "random": 18}, repeats=2))} == {OPEN}


def test_the_volume_is_the_share_of_the_box_that_is_dominated(tmp_path):
    trials = searched(tmp_path, {"tpe": 1, "random": 1}, repeats=1).trials
    at_balance = np.log(0.004 / FLOOR) / -np.log(FLOOR)
    assert volume(trials) == pytest.approx((16 - 3) / 16 * (1 - at_balance))


def test_the_front_leaves_out_what_is_dominated(tmp_path):
    trials = searched(tmp_path, {"tpe": 10, "random": 1}, repeats=1).trials
    assert front(trials) == ([3.0], [0.004])


def test_the_figures_are_drawn(tmp_path):
    view = searched(tmp_path, {"tpe": 5, "random": 18})
    assert [drawing.name for drawing in drawings(view)] == ["fronts", "races"]
    (sheet,) = sheets(view)
    assert list(sheet.frame["trials until then, median"]) == [5, 18]
