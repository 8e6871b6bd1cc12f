"""Saturation of the active dimensions: published numbers, planted curves, and the limits of few data."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq, curve_fit

from analysis.fit import FITTED, INSUFFICIENT, RIGHT, saturation
from analysis.fit.curves import CURVES, EXPONENTIAL, HYPERBOLIC, LOGARITHM, POWER, SMOOTH_HINGE
from analysis.fit.search import best_fits

TABLE_1 = np.array([50.0, 100, 200, 400, 784]), np.array([10.0, 15, 20, 22, 22])
"""Active units of MNIST at five κ. Source: table 1 of "On the regularization balance" (004)."""

IDEAL = np.array([1.0, 2, 3, 4, 6, 10, 20])


def selected(found):
    assert found.selected is not None
    return found.selected


@pytest.fixture(scope="module")
def table():
    return saturation(*TABLE_1)


def test_table_1_saturates_exponentially(table):
    assert (table.verdict, table.selected.curve.name) == (FITTED, "E")
    assert table.variance == 1 / 12
    fit = table.selected
    assert table.estimate == fit.parameters["r"] == pytest.approx(22.0886, abs=5e-5)
    assert fit.errors["r"] == pytest.approx(0.14, abs=5e-3)
    assert (table.low, table.high) == pytest.approx((21.64, 22.54), abs=5e-3)
    assert fit.parameters["k0"] == pytest.approx(85.471, abs=5e-4)
    assert fit.errors["k0"] == pytest.approx(1.9, abs=0.05)
    k0 = np.array(fit.kappa_95_interval) / math.log(20)
    assert k0 == pytest.approx([79.6, 91.7], abs=0.05)
    assert fit.kappa_95 == pytest.approx(256, abs=0.5)
    assert fit.fitted == pytest.approx([9.78, 15.23, 19.96, 21.88, 22.09], abs=5e-3)
    assert fit.at(TABLE_1[0]) == pytest.approx(fit.fitted)
    assert fit.residual == pytest.approx(TABLE_1[1] - fit.fitted)
    assert fit.loo_rmse == pytest.approx(0.28, abs=5e-3)
    assert fit.rmse == pytest.approx(0.157, abs=5e-4)
    assert fit.p_value > 0.5


@pytest.mark.parametrize(
    ("name", "parameters", "rss"),
    [
        ("E", {"r": 22.0886, "k0": 85.471}, 0.1239),
        ("M", {"r": 24.99, "k0": 65.77}, 3.466),
        ("H", {"r": 21.333, "a": 0.16}, 7.667),
        ("H1", {"r": 17.8}, 108.8),
        ("const", {"r": 17.8}, 108.8),
        ("LH", {"r": 22, "b": 5 / math.log(2), "a": 10 - 5 * math.log2(50)}, 0.0),
        ("log-linear", {}, 12.34),
        ("power", {}, 19.63),
    ],
)
def test_table_1_by_every_curve(table, name, parameters, rss):
    fit = table.fit(name)
    assert fit.rss == pytest.approx(rss, rel=5e-4, abs=1e-9)
    for key, value in parameters.items():
        assert fit.parameters[key] == pytest.approx(value, rel=3e-4)


@pytest.mark.parametrize(("name", "chi2", "aicc"), [("E", 1.49, 11.5), ("LH", 0.0, 30.0), ("M", 41.6, 51.6)])
def test_table_1_by_the_scale_of_rounding(table, name, chi2, aicc):
    assert table.fit(name).chi2 == pytest.approx(chi2, abs=0.05)
    assert table.fit(name).aicc == pytest.approx(aicc, abs=0.05)


@pytest.mark.parametrize(("name", "aicc"), [("E", 11.51), ("M", 28.17), ("H", 32.14), ("H1", 25.40), ("const", 25.40)])
def test_table_1_by_the_scale_of_the_residuals(table, name, aicc):
    assert table.fit(name).aicc_own == pytest.approx(aicc, abs=5e-3)


def test_table_1_rejects_the_ideal(table):
    assert table.fit("H").chi2 == pytest.approx(92, abs=0.05)
    assert table.fit("H1").p_value < 1e-100
    assert table.fit("H").p_value < 1e-15


def test_few_points_admit_few_numbers(table):
    """Five κ: three free numbers leave nothing to tell the scale; four κ admit two numbers, three κ one."""
    assert all(math.isnan(table.fit(name).aicc_own) for name in ("LH", "smooth hinge"))
    kappa, counts = TABLE_1
    for n, q in ((4, 2), (3, 1)):
        fits = saturation(kappa[:n], counts[:n]).fits
        admitted = {fit.curve.name for fit in fits if math.isfinite(fit.aicc)}
        assert admitted == {curve.name for curve in CURVES if curve.q <= q}


def test_data_without_noise_are_ideal():
    """min(κ, 3) in three seeds."""
    found = saturation(IDEAL, np.repeat(np.minimum(IDEAL, 3)[:, None], 3, 1))
    assert (found.verdict, selected(found).curve.name) == (FITTED, "H1")
    assert found.estimate == pytest.approx(3, abs=1e-6)
    assert selected(found).rss == pytest.approx(0, abs=1e-12)
    assert 2.5 < found.low < 3 < found.high < 3.5
    assert selected(found).kappa_95 == pytest.approx(2.85)


def test_planted_saturations_are_recovered_from_counts():
    """Integer counts of five seeds about r (1 − exp(−κ/k0)): E is found, and the interval holds r as often as it says."""
    rng = np.random.default_rng(0)
    kappa = np.array([4.0, 8, 12, 16, 24, 32, 48, 64])
    covered, names = [], []
    for _ in range(40):
        r, k0 = rng.uniform(8, 20), rng.uniform(6, 14)
        counts = np.round(-r * np.expm1(-kappa / k0)[:, None] + 0.5 * rng.normal(size=(8, 5)))
        found = saturation(kappa, counts)
        names.append(selected(found).curve.name)
        low, high = found.fit("E").plateau
        covered.append(low <= r <= high)
        if names[-1] == "E":
            assert found.verdict == FITTED
            assert found.estimate == pytest.approx(r, rel=0.15)
    assert 0.90 <= np.mean(covered) <= 1.0
    assert names.count("E") >= 36


def test_seeds_tell_the_scale_where_they_spread():
    rng = np.random.default_rng(1)
    counts = 10 + np.minimum(IDEAL, 3)[:, None] + 2 * rng.normal(size=(7, 4))
    assert saturation(IDEAL, counts).variance == pytest.approx(np.mean(counts.var(1, ddof=1) / 4))
    counts[2, 1:] = np.nan  # one κ with a single seed tells nothing of the spread
    counts[3] = np.nan
    found = saturation(IDEAL, counts)
    assert found.kappa.tolist() == [1, 2, 3, 6, 10, 20]
    assert found.counts[2] == counts[2, 0]
    assert found.variance == pytest.approx(np.mean(counts[[0, 1, 4, 5, 6]].var(1, ddof=1) / 4))


@pytest.mark.parametrize("curve", [EXPONENTIAL, HYPERBOLIC, SMOOTH_HINGE, LOGARITHM, POWER])
def test_the_search_finds_what_a_solver_finds(curve):
    rng = np.random.default_rng(2)
    kappa = np.array([2.0, 4, 8, 16, 32, 64, 128])
    starts = {"r": 12.0, "k0": 15.0, "a": 0.6, "b": 0.5, "s": 3.0}
    for _ in range(5):
        y = -12 * np.expm1(-kappa / 15) + 0.3 * rng.normal(size=7)
        found = best_fits(curve, kappa, y, np.ones((1, 7)))
        natural = curve.natural(found.factors[0], found.scale[0], found.width[0])
        assert found.rss[0] == pytest.approx(((y - curve.value(kappa, *natural)) ** 2).sum(), rel=1e-6)
        solved, _ = curve_fit(curve.value, kappa, y, p0=[starts[name] for name in curve.names], maxfev=20000)
        rss = float(((y - curve.value(kappa, *solved)) ** 2).sum())
        assert found.rss[0] <= rss * (1 + 1e-5)


def test_a_profile_interval_is_where_the_best_fit_at_a_given_plateau_is_good_enough():
    """Against a root found by a solver: F(1, 3) = 10.128 at five points and two numbers."""
    kappa, counts = TABLE_1
    fit = saturation(kappa, counts).fit("M")

    def excess(r):
        def at(kappa, k0):
            return r * kappa / (kappa + k0)

        (k0,), _ = curve_fit(at, kappa, counts, p0=[60.0])
        return float(((counts - at(kappa, k0)) ** 2).sum()) - fit.rss * (1 + 10.12796 / 3)

    assert fit.plateau == pytest.approx((brentq(excess, 18, 24.9), brentq(excess, 25.1, 35)), rel=1e-5)


@pytest.mark.parametrize("counts", [IDEAL, 3 + 5 * np.log(IDEAL), 2 * np.sqrt(IDEAL)])
def test_a_plateau_that_was_not_reached_is_censored(counts):
    found = saturation(IDEAL, counts)
    assert found.verdict == RIGHT
    assert found.low > 0


def test_no_latent_active_anywhere_is_a_plateau_at_zero():
    found = saturation(IDEAL, np.zeros(7))
    assert (found.verdict, found.estimate, found.low) == (FITTED, 0, 0)


@pytest.mark.parametrize("counts", [[9, 7, 4, 4, 2, 1, 0], [5, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 7], [4] * 7])
def test_any_counts_are_fitted_by_every_curve(counts):
    """Counts that fall, a single one, a level: no curve fits them badly enough to fail."""
    found = saturation(IDEAL, np.array(counts, float))
    assert found.verdict in (FITTED, RIGHT)
    assert found.low <= found.estimate <= found.high
    level = float(np.var(counts) * 7)
    for fit in found.fits:
        assert fit.rss == pytest.approx((fit.residual**2).sum())
        assert fit.rss <= 1.1 * level + 0.1 or fit.curve.name == "H1"
        assert fit.parameters.get("r", 0) >= 0


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_widths_are_not_enough(n):
    found = saturation(IDEAL[:n], IDEAL[:n])
    assert found.verdict == INSUFFICIENT
    assert np.isnan([found.estimate, found.low, found.high]).all()
    assert found.selected is None


def test_the_order_of_widths_does_not_matter(table):
    kappa, counts = TABLE_1
    turned = saturation(kappa[::-1], counts[::-1])
    assert (turned.estimate, turned.low, turned.high) == (table.estimate, table.low, table.high)


def test_nonsense_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="as many different, positive κ"):
        saturation(IDEAL, np.zeros(6))
    with pytest.raises(ValueError, match="as many different, positive κ"):
        saturation(np.array([1.0, 1.0, 2.0]), np.zeros(3))
    with pytest.raises(ValueError, match="as many different, positive κ"):
        saturation(np.array([0.0, 1.0, 2.0]), np.zeros(3))
    with pytest.raises(ValueError, match="a count of -1 latents is none"):
        saturation(IDEAL[:3], np.array([1.0, -1.0, 2.0]))
