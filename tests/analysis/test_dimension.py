"""The dimension of data from the slope of K along a falling γ: exact on linear data, and what is claimed of it."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT, NO, OPEN, YES
from analysis.claims.dimension import dimension_claims, dimension_sheet
from analysis.fit.dimension import descent, descents
from analysis.theory import linear, modes_of_spectrum

D, R = 20, 3
MODES = modes_of_spectrum(np.array([4.0, 2.0, 1.0] + [0.0] * (D - R)))
GAMMAS = np.geomspace(0.35, 1e-4, 40)


def optimum(gammas, beta=1.0):
    """K in nats and log R of the linear optimum at each of these γ."""
    return linear.rate(MODES.zeta2, beta * gammas, 6), np.log(linear.distortion(MODES, beta * gammas, 6))


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
def test_along_linear_optima_the_slopes_are_those_of_theory(beta):
    order = np.random.default_rng(0).permutation(len(GAMMAS))  # points may come in any
    found = descent(np.log(GAMMAS[order]), *optimum(GAMMAS[order], beta), D, beta)
    assert found.dimension == pytest.approx(R, abs=1e-6)
    assert found.objective_slope == pytest.approx((D - beta * R) / 2, rel=1e-6)
    best = linear.objective(MODES, GAMMAS, np.full(len(GAMMAS), beta), 6)
    lower = np.log(GAMMAS) <= np.log(GAMMAS[[0, -1]]).mean()
    assert found.objective_slope == pytest.approx(np.polyfit(np.log(GAMMAS[lower]), best[lower], 1)[0], rel=1e-6)
    assert found.decades == pytest.approx(np.log10(0.35 / 1e-4) / 2, abs=0.1)


def test_before_a_mode_is_found_it_does_not_count():
    """γ rests between the second and the third mode."""
    gammas = np.geomspace(1.95, 1.05, 40)
    found = descent(np.log(gammas), *optimum(gammas), D, 1.0)
    assert math.isnan(found.dimension)  # a fall of less than a factor of 1.6 over its lower half
    gammas = np.geomspace(30.0, 1.05, 40)
    assert 0 < descent(np.log(gammas), *optimum(gammas), D, 1.0).dimension < 2.5


@pytest.mark.parametrize("gammas", [np.full(40, 0.1), np.array([]), np.full(5, np.nan)])
def test_a_gamma_that_never_fell_tells_nothing(gammas):
    assert math.isnan(descent(np.log(gammas), np.zeros_like(gammas), np.zeros_like(gammas), D, 1.0).dimension)


def test_a_gamma_ahead_of_the_distortion_or_behind_it_does_not_count():
    """At first γ is twice R/d, and at last half of it."""
    rates, log_distortion = optimum(GAMMAS)
    away = np.linspace(math.log(2), -math.log(2), len(GAMMAS))
    assert descent(np.log(GAMMAS) + away, rates, log_distortion, D, 1.0).objective_slope == pytest.approx(8.5)


def test_the_noise_of_minibatches_flattens_no_slope():
    rates, log_distortion = optimum(GAMMAS)
    noisy = log_distortion + np.random.default_rng(0).normal(0, 0.3, len(GAMMAS))
    assert descent(np.log(GAMMAS), rates, noisy, D, 1.0).objective_slope == pytest.approx(8.5, rel=0.02)


def records(r: float = R, slope=R, noise=0.0, seeds=4, gammas=GAMMAS, power=1.0, n_active=R, status="finished"):
    """Trials of two β and a few seeds, K with a slope of −`slope`/2, and R that falls as this power of γ."""
    trials, curves = [], []
    for beta, seed in itertools.product((1.0, 2.0), range(seeds)):
        trial = {"trial_id": f"{beta} {seed}", "beta": beta, "seed": seed, "d": D, "intrinsic_dim": r, "status": status}
        trials.append(trial | {"gamma_mode": "learned", "n_active": n_active})
        own = 1 + noise * (seed - (seeds - 1) / 2)
        for step, gamma in enumerate(gammas):
            rate = -own * slope / 2 * np.log(gamma)
            row = {"trial_id": trial["trial_id"], "step": step, "gamma_value": gamma, "rate": rate}
            curves.append(row | {"distortion": D * gamma**power})
    return pd.DataFrame(trials), pd.DataFrame(curves)


def said(**changes):
    claims = dimension_claims("manifold", *records(**changes), ("S3",), ("D9", "D1-7"))
    return [claim.verdict for claim in claims]


def test_where_r_is_known_each_slope_is_judged_by_itself():
    assert said() == [HOLDS, HOLDS]
    assert said(slope=3.5) == [FAILS, HOLDS]
    assert said(slope=2.5) == [FAILS, HOLDS]
    assert said(power=2.0) == [HOLDS, FAILS]
    assert said(power=0.5) == [HOLDS, FAILS]


def test_the_slope_of_j_is_judged_well_below_d_over_r_alone():
    trials, curves = records()
    claims = dimension_claims("manifold", trials.assign(intrinsic_dim=9), curves)  # 2 · 9 is more than half of 20
    assert [claim.comparisons[0].found.value for claim in claims] == pytest.approx([3.0, 8.5 / 5.5])


def test_seeds_that_disagree_and_curves_that_are_short_decide_nothing():
    assert said(noise=0.2) == [INSUFFICIENT] * 2
    assert said(seeds=1) == [INSUFFICIENT] * 2
    assert said(gammas=np.geomspace(0.1, 0.08, 40)) == [INSUFFICIENT] * 2
    assert said(status="diverged") == [INSUFFICIENT] * 2


def test_where_r_is_not_known_the_active_latents_are_asked_about():
    unknown = {"r": math.nan, "n_active": 16}
    assert said(**unknown, slope=17) == [YES]
    assert said(**unknown, slope=24) == [NO]
    assert said(**unknown, slope=19, noise=0.2) == [OPEN]
    (claim,) = dimension_claims("digits", *records(r=math.nan, n_active=16, slope=17), ("S3",), ("D9",))
    assert (claim.kind, [*claim.statements]) == ("question", [])
    assert "r̂ = 17.0 " in claim.measured


def test_seeds_count_once_however_many_beta_they_have():
    trials, curves = records(noise=0.01)
    (rate, _) = dimension_claims("manifold", trials, curves)
    assert rate.comparisons[0].found.n == 4
    assert rate.trials == len(descents(trials, curves)) == 8


def test_the_sheet_has_a_row_for_each_group_and_none_without_a_learned_gamma():
    trials, curves = records(noise=0.01)
    groups = [({"data": "manifold", "β": beta}, own) for beta, own in trials.groupby("beta")]
    sheet = dimension_sheet(groups, curves)
    assert sheet is not None
    assert sheet.frame["β"].tolist() == ["1.0", "2.0"]
    assert sheet.frame["r̂"].str.startswith("3.0").all()
    assert sheet.frame["r"].tolist() == ["3 ± 0", "3 ± 0"]
    fixed = trials.assign(gamma_mode="fixed")
    assert dimension_sheet([({"data": "manifold"}, fixed)], curves) is None
