"""Collapse thresholds: what is planted is found, and the intervals mean what they say."""

import time
from functools import cache
from typing import Any

import numpy as np
import pytest
from planted_sweeps import planted_sweep
from scipy.optimize import minimize_scalar

from analysis.fit import BETWEEN, FITTED, INSUFFICIENT, LEFT, RIGHT, Estimator, Sweep, thresholds, total_collapse
from analysis.fit.hinge import Form, fit_hinges, hinge
from analysis.fit.resample import resampled, seed_draws
from analysis.fit.thresholds import FORMS

BETAS = np.geomspace(0.3, 9, 24)
ESTIMATORS: dict[Estimator, float] = {"active units": 0.03, "rate": 0.05, "half rate": 0.05, "spectral": 0.05}
"""What a threshold of a realistic sweep may be off by."""


def exact_sweep(planted, n_seeds=6, gamma=1.0, betas=BETAS):
    """The closed forms themselves, alike for all seeds."""
    ratio = betas / np.asarray(planted, float)[:, None]
    units = np.maximum(1 - ratio, 0)
    rate = np.maximum(-0.5 * np.log(ratio), 0)
    norm = np.sqrt(gamma * np.asarray(planted, float)[:, None] * units)
    units, rate, norm = (np.repeat(part[..., None], n_seeds, -1) for part in (units, rate, norm))
    return Sweep(betas, units, rate, norm)


def one_hinge(x, y, form):
    weight = np.ones((1, len(x)))
    found = fit_hinges(x, weight, y[None], y[None] ** 2, form)
    return float(found.knot[0]), float(found.slope[0]), float(found.rss[0])


@pytest.mark.parametrize("form", [Form(intercept=1.0), Form(slope=0.5), Form()])
def test_a_hinge_fit_is_the_global_minimum(form):
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0.2, 5, 9))

    def loss(knot, y):
        shape = np.maximum(knot - x, 0)
        slope = form.slope or (
            form.intercept / knot if form.intercept else max(shape @ y, 0) / max(shape @ shape, 1e-12)
        )
        return float(((y - slope * shape) ** 2).sum())

    for _ in range(40):
        y = np.abs(hinge(x, rng.uniform(1.5, 4.5), 0.4) + 0.3 * rng.normal(size=9))
        knot, slope, rss = one_hinge(x, y, form)
        if np.isnan(knot):  # a level is better than any hinge
            assert form.free_slope
            level = float(((y - y.mean()) ** 2).sum())
            assert all(loss(knot, y) >= level - 1e-9 for knot in np.geomspace(x[1] + 1e-9, 1e4, 1001))
            continue
        assert rss == pytest.approx(((y - hinge(x, knot, slope)) ** 2).sum(), abs=1e-12)
        grid = np.geomspace(x[1] + 1e-9 if form.free_slope else x[0] + 1e-9, 50, 1001)
        start = int(np.argmin([loss(knot, y) for knot in grid]))
        around = (grid[max(start - 1, 0)], grid[min(start + 1, 1000)])
        searched: Any = minimize_scalar(loss, args=(y,), bounds=around, method="bounded", options={"xatol": 1e-12})
        assert rss <= searched.fun + 1e-9


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_exact_hinges_are_recovered_also_with_a_threshold_on_the_grid(estimator):
    planted = [7.0, BETAS[15], 1.3]
    for threshold, truth in zip(thresholds(exact_sweep(planted), estimator), planted, strict=True):
        assert threshold.verdict == FITTED
        assert threshold.estimate == pytest.approx(truth, rel=1e-7)
        assert (threshold.low, threshold.high) == pytest.approx((truth, truth), rel=1e-6)
        assert threshold.rms < 1e-7
        assert threshold.curve == pytest.approx(threshold.measured, abs=1e-7)


def test_planted_thresholds_are_recovered_with_slope_and_decoder_variance():
    planted = np.array([6.0, 4.0, 2.5, 1.2])
    sweep = planted_sweep(np.random.default_rng(0), planted, gamma=0.7).sweep
    for estimator, tolerance in ESTIMATORS.items():
        found = thresholds(sweep, estimator)
        assert [threshold.estimate for threshold in found] == pytest.approx(planted, rel=tolerance)
        assert all(threshold.verdict == FITTED and threshold.n_seeds == 6 for threshold in found)
        assert all(threshold.low < threshold.estimate < threshold.high for threshold in found)
        slopes = [threshold.slope for threshold in found if threshold.slope is not None]
        assert len(slopes) == (4 if FORMS[estimator].free_slope else 0)
        truth = 0.5 if estimator == "rate" else 0.7
        assert [slope.value for slope in slopes] == pytest.approx([truth] * len(slopes), rel=0.05)
        assert all(slope.low < slope.value < slope.high for slope in slopes)


@pytest.fixture(scope="module")
def studies():
    rng = np.random.default_rng(0)
    return [planted_sweep(rng) for _ in range(250)]


@pytest.fixture(scope="module")
def fits_of(studies):
    """Estimator → the thresholds fitted to the studies, and the truths; several tests ask for the same."""
    return cache(lambda estimator: _fits(studies, estimator))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_intervals_cover_the_truth(estimator, fits_of):
    """95 % intervals of 250 studies of three modes: between 90 and 98 % hold the planted threshold."""
    fits, truths = fits_of(estimator)
    covered = np.mean([fit.low <= truth <= fit.high for fit, truth in zip(fits, truths, strict=True)])
    assert len(fits) > 700
    assert 0.90 <= covered <= 0.98


def test_intervals_of_the_decoder_variance_cover_it(fits_of):
    slopes = [fit.slope for fit in fits_of("spectral")[0] if fit.slope is not None]
    assert 0.90 <= np.mean([slope.low <= 1.0 <= slope.high for slope in slopes]) <= 0.98


@pytest.mark.parametrize("design", [{"n_seeds": 5}, {"n_seeds": 12}, {"n_betas": 48}, {"misfit": 0.5}, {"misfit": 2.0}])
def test_intervals_of_other_designs_cover_the_truth(design):
    rng = np.random.default_rng(1)
    fits, truths = _fits([planted_sweep(rng, **design) for _ in range(200)], "active units")
    assert 0.89 <= np.mean([fit.low <= truth <= fit.high for fit, truth in zip(fits, truths, strict=True)]) <= 0.98


def test_seeds_alone_would_make_intervals_too_narrow(fits_of):
    """The percentile interval of six seeds, which is ±1.96 times the bootstrap's own spread, misses one truth in three."""
    fits, truths = fits_of("active units")
    spread = [1.96 * np.sqrt(5 / 6) * fit.fit.seed_error for fit in fits]
    off = [abs(np.log(fit.estimate / truth)) for fit, truth in zip(fits, truths, strict=True)]
    assert np.mean(np.array(off) <= spread) < 0.75


def _fits(studies, estimator):
    pairs = [
        (threshold, truth)
        for study in studies
        for threshold, truth in zip(thresholds(study.sweep, estimator), study.thresholds, strict=True)
        if threshold.verdict == FITTED
    ]
    return [threshold for threshold, _ in pairs], [truth for _, truth in pairs]


def test_misfit_that_all_seeds_share_widens_the_interval():
    rng = np.random.default_rng(3)
    for _ in range(20):
        study = planted_sweep(rng, np.array([3.0]), noise=0.0)
        [threshold] = thresholds(study.sweep)
        assert threshold.fit.seed_error < 1e-9
        assert threshold.fit.misfit_error > 0
        assert threshold.low < threshold.estimate < threshold.high


def test_the_systematic_term_stands_beside_the_interval():
    """A β that is 1.5 % off everywhere leaves no trace in a sweep."""
    off = exact_sweep([3.0], betas=BETAS * 1.015)
    [threshold] = thresholds(Sweep(BETAS, off.active_units))
    assert not threshold.low <= 3.0 <= threshold.high
    assert abs(threshold.estimate / 3.0 - 1) < threshold.systematic == 0.02


@pytest.mark.parametrize(
    ("planted", "verdict", "bracket"),
    [
        (0.2, LEFT, (0.0, BETAS[0])),
        (0.33, BETWEEN, (BETAS[0], BETAS[1])),
        (0.38, BETWEEN, (BETAS[1], BETAS[2])),
        (20.0, RIGHT, (BETAS[-1], np.inf)),
    ],
)
def test_a_threshold_outside_the_sweep_is_censored(planted, verdict, bracket):
    for estimator in ESTIMATORS:
        [threshold] = thresholds(exact_sweep([planted]), estimator)
        assert threshold.verdict == verdict
        assert (threshold.low, threshold.high) == threshold.bracket == pytest.approx(bracket)
        assert threshold.low < planted < threshold.high
        assert np.isnan(threshold.estimate)
        assert np.isnan(threshold.rms)


def test_the_collapse_of_the_first_mode_is_total():
    study = planted_sweep(np.random.default_rng(4), np.array([5.0, 2.0]))
    collapse = total_collapse(study.sweep)
    assert collapse.mode == 0
    assert collapse.estimate == pytest.approx(5.0, rel=0.03)
    low, high = collapse.bracket
    assert low < 5.0 < high
    majority = np.median(study.sweep.active_units[0], axis=-1) > 0.01
    assert low == BETAS[majority].max()
    assert high == BETAS[np.searchsorted(BETAS, low) + 1]


def test_missing_trials_are_left_out():
    study = planted_sweep(np.random.default_rng(5), np.array([5.0, 2.0]))
    units = study.sweep.active_units.copy()
    lost = np.random.default_rng(6).random(units.shape[1:]) < 0.15
    lost[7] = True  # a β that diverged in every seed
    units[:, lost] = np.nan
    for threshold, truth in zip(thresholds(Sweep(BETAS, units)), (5.0, 2.0), strict=True):
        assert threshold.estimate == pytest.approx(truth, rel=0.03)
        assert threshold.n.tolist() == (~lost).sum(1).tolist()
        assert np.isnan(threshold.measured[7])
        assert threshold.measured[0] == pytest.approx(np.nanmean(units[threshold.mode, 0]))


def test_one_seed_gives_an_estimate_and_no_interval():
    [threshold] = thresholds(exact_sweep([3.0], n_seeds=1))
    assert threshold.verdict == INSUFFICIENT
    assert threshold.estimate == pytest.approx(3.0)
    assert np.isnan([threshold.low, threshold.high]).all()


def test_no_measurement_gives_nothing():
    [threshold] = thresholds(Sweep(BETAS, np.full((1, 24, 6), np.nan)))
    assert threshold.verdict == INSUFFICIENT
    assert np.isnan([threshold.estimate, threshold.low, threshold.high]).all()


def test_a_mode_that_never_follows_a_hinge_still_gives_a_value():
    """Activity that rises with β has no falling line: the fit fails, and says so."""
    rising = np.repeat((0.02 + 0.9 * (BETAS / 9) ** 3)[None, :, None], 6, -1)
    rising[:, -1] = 0.0
    [threshold] = thresholds(Sweep(BETAS, rising, rate=rising), "rate")
    assert threshold.verdict in (FITTED, INSUFFICIENT)
    assert threshold.bracket == pytest.approx((BETAS[-2], BETAS[-1]))


def test_the_order_of_seeds_does_not_matter():
    sweep = planted_sweep(np.random.default_rng(7)).sweep
    turned = Sweep(sweep.betas, sweep.active_units[..., ::-1])
    for one, other in zip(thresholds(sweep), thresholds(turned), strict=True):
        assert (one.low, one.estimate, one.high) == pytest.approx((other.low, other.estimate, other.high))


def test_the_bootstrap_of_few_seeds_is_exact():
    """Its variance of a mean is (n−1)/n times the usual one."""
    values = np.array([1.0, 4.0, 2.0, 8.0, 5.0, 7.0])
    counts, probability = seed_draws(6)
    assert counts.shape == (462, 6)
    assert probability.sum() == pytest.approx(1)
    means = counts @ values / 6
    assert probability @ means == pytest.approx(values.mean())
    assert probability @ (means - values.mean()) ** 2 == pytest.approx(values.var(ddof=1) / 6 * 5 / 6)
    counts, probability = seed_draws(8)
    assert counts.shape == (1000, 8)
    assert (counts.sum(1) == 8).all()


def test_every_beta_is_left_out_by_as_many_blocks():
    for betas, block in ((BETAS, 2), (np.geomspace(0.3, 9, 48), 3), (np.array([1.0, 2.0, 4.0]), 1)):
        sets = resampled(betas, 3)
        assert sets.block == block
        assert (1 - sets.kept).sum(0).tolist() == [block] * len(betas)


def test_six_modes_take_a_moment():
    sweep = planted_sweep(np.random.default_rng(8), np.array([8.0, 6.0, 4.0, 2.5, 1.2, 0.6])).sweep
    durations = []
    for _ in range(3):
        begin = time.perf_counter()
        thresholds(sweep)
        durations.append(time.perf_counter() - begin)
    assert min(durations) < 0.3


def test_nonsense_is_refused_in_a_sentence():
    units = np.zeros((2, 24, 6))
    with pytest.raises(ValueError, match="must be positive and ascend"):
        Sweep(BETAS[::-1], units)
    with pytest.raises(ValueError, match="transpose"):
        Sweep(BETAS, units.transpose(1, 0, 2))
    with pytest.raises(ValueError, match="rate has shape"):
        Sweep(BETAS, units, rate=units[:1])
    with pytest.raises(ValueError, match="give it rate and decoder_norm"):
        thresholds(Sweep(BETAS, units), "spectral")
    with pytest.raises(ValueError, match="choose one of 'active units', 'rate'"):
        thresholds(Sweep(BETAS, units), "kl")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="without latents"):
        total_collapse(Sweep(BETAS, units[:0]))
