"""What each half of the rate does: closed forms against minima that are searched for, from either side."""

import numpy as np
import pytest
from scipy.optimize import brentq, minimize

from analysis.theory import linear
from analysis.theory.kl_halves import Halves

RATIOS = [2.2, 3.0, 4.0, 8.0]

KEPT = np.array([1.5, 0.4, -2.5])
"""A start, (u, θ, log σ²), on the side where a mode of ζ² = 2 or so is kept."""


def written_out(point, zeta2, level, halves):
    """2γ J of one mode: (ζ − uθ)² + u²σ² + g(α θ² + δ(σ² − 1 − log σ²)), θ² = E μ²."""
    u, theta, log_var = point
    var = np.exp(log_var)
    rate = halves.mean * theta**2 + halves.variance * (var - 1 - log_var)
    return (np.sqrt(zeta2) - u * theta) ** 2 + u**2 * var + level * rate


def searched(zeta2, level, halves, start):
    """The minimum that BFGS finds from a start: its loss, and its (u, θ, log σ²)."""
    found = minimize(written_out, start, (zeta2, level, halves), method="BFGS", options={"gtol": 1e-9})
    return found.fun, found.x


@pytest.mark.parametrize(
    "halves", [Halves(1, 1), Halves(1, 2), Halves(3, 2), Halves(3, 1), Halves(8, 1), Halves(0.5, 3)]
)
def test_a_kept_mode_is_the_minimum_that_a_search_finds(halves):
    zeta2 = 2.5
    for share in (0.05, 0.3, 0.7, 0.95):
        level = share * float(halves.kept_level(zeta2))
        loss, (u, theta, log_var) = searched(zeta2, level, halves, KEPT)
        assert loss == pytest.approx(float(halves.loss(zeta2, level)), rel=1e-6)
        assert theta**2 == pytest.approx(float(halves.mean_power(zeta2, level)), rel=1e-3, abs=1e-5)
        assert np.exp(log_var) == pytest.approx(float(halves.posterior_variance(zeta2, level)), rel=1e-3)
        assert 1 - u * theta / np.sqrt(zeta2) == pytest.approx(float(halves.shrinkage(zeta2, level)), rel=1e-3)


def test_whole_halves_are_the_rate_that_theory_knows():
    levels = np.geomspace(0.05, 8, 40)
    whole = Halves()
    assert whole.posterior_variance(4.0, levels) == pytest.approx(linear.posterior_variance([4.0], levels, 1)[:, 0])
    assert whole.mean_power(4.0, levels) == pytest.approx(linear.active_units([4.0], levels, 1)[:, 0])
    rates, lossy = linear.rates([4.0], levels, 1)[:, 0], linear.distortions([4.0], levels, 1)[:, 0]
    assert whole.least_loss(4.0, levels) == pytest.approx(lossy + 2 * levels * rates)
    assert whole.lost_level([4.0, 1.0]) == pytest.approx([4.0, 1.0])


@pytest.mark.parametrize(
    ("ratio", "lost", "power"),
    [(2.2, 1.00624, 0.10873), (3, 1.09264, 0.21500), (4, 1.24272, 0.20113), (8, 1.88244, 0.11771)],
)
def test_a_mode_is_lost_by_a_jump_where_a_scan_over_the_variance_says_so(ratio, lost, power):
    """The level at which min over σ of 1 − (1 − √(αg) σ)₊² + δg(σ² − 1 − 2 log σ) reaches the 1 of a lost mode."""
    halves, sigma = Halves(ratio, 1.0), np.geomspace(1e-3, 0.97, 400_001)

    def left(share):
        g = share / ratio
        return (-(np.maximum(1 - np.sqrt(share) * sigma, 0) ** 2) + g * (sigma**2 - 1 - 2 * np.log(sigma))).min()

    assert halves.is_first_order
    scanned = brentq(left, 1.0 + 1e-6, float(halves.kept_level(1.0)) * ratio - 1e-6, xtol=1e-9)
    level = float(halves.lost_level(1.0))
    assert ratio * level == pytest.approx(scanned, rel=1e-5)
    assert ratio * level == pytest.approx(lost, abs=2e-5)
    assert float(halves.mean_power(1.0, level)) == pytest.approx(power, abs=2e-5)
    assert float(halves.loss(1.0, level)) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("ratio", RATIOS)
def test_between_two_levels_either_side_has_a_minimum_of_its_own(ratio):
    halves, zeta2 = Halves(ratio, 1.0), 2.0
    first, last = float(halves.stable_level(zeta2)), float(halves.kept_level(zeta2))
    assert first < float(halves.lost_level(zeta2)) < last == pytest.approx(first * ratio**2 / (4 * (ratio - 1)))
    near = np.array([1e-3, 1e-3, -1e-3])
    for level, kept, lost in (
        (0.98 * first, True, False),
        ((first + last) / 2, True, True),
        (1.02 * last, False, True),
    ):
        at = np.array([0.9, np.sqrt(0.12), -2.0]) if ratio > 4 else KEPT
        assert (searched(zeta2, level, halves, at)[1][0] > 0.1) == kept
        assert (abs(searched(zeta2, level, halves, near)[1][0]) < 1e-2) == lost


@pytest.mark.parametrize("halves", [Halves(1, 1), Halves(2, 1), Halves(1, 5)])
def test_without_a_jump_a_mode_fades_out_where_it_is_lost(halves):
    level = float(halves.lost_level(3.0))
    assert not halves.is_first_order
    assert level == float(halves.stable_level(3.0)) == float(halves.kept_level(3.0)) == pytest.approx(3 / halves.mean)
    assert float(halves.shrinkage(3.0, 1.001 * level)) == 1
    near = float(halves.mean_power(3.0, (1 - 1e-6) * level))
    assert 0 < near < 2e-3


@pytest.mark.parametrize("halves", [Halves(0, 1), Halves(1, 0)])
def test_without_either_half_the_loss_can_be_brought_to_nothing_at_every_level(halves):
    assert np.isinf(halves.lost_level([4.0, 1.0])).all()
    assert np.isinf(halves.kept_level(1.0))
    for level in (0.1, 1.0, 30.0):
        assert float(halves.least_loss(1.0, level)) == 0
        theta = 1e4 if halves.mean == 0 else 1e-4
        point = np.array([theta / (theta**2 + 1), theta, 0.0])
        if halves.variance == 0:
            point = np.array([1 / theta, theta, 4 * np.log(theta)])
        assert written_out(point, 1.0, level, halves) < 1e-4


def test_modes_share_nothing_whatever_the_halves_count():
    """Three modes, two latents, all weights at once: the sum of what the two strongest modes are left with by themselves."""
    spectrum, halves, level = np.array([4.0, 2.0, 0.7]), Halves(3.0, 1.0), 0.4

    def loss(flat):
        u, w, log_var = flat[:6].reshape(3, 2), flat[6:12].reshape(3, 2), flat[12:]
        codes = w.T @ (spectrum[:, None] * w)
        distortion = spectrum.sum() + np.trace(u @ (codes + np.diag(np.exp(log_var))) @ u.T)
        rate = halves.mean * np.trace(codes) + halves.variance * (np.exp(log_var) - 1 - log_var).sum()
        return distortion - 2 * np.trace(u @ w.T * spectrum) + level * rate

    rng = np.random.default_rng(0)
    found = min(minimize(loss, rng.standard_normal(14), method="BFGS").fun for _ in range(6))
    expected = halves.least_loss(spectrum[:2], level).sum() + spectrum[2]
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("weights", [(0.0, 0.0), (-1.0, 1.0), (1.0, float("nan"))])
def test_halves_that_count_nothing_at_all_are_refused(weights):
    with pytest.raises(ValueError, match="one of them positive"):
        Halves(*weights)
