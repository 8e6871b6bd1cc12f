"""What lies between minima of the affine VAE: rotations rise to the heights in closed form, and lower ways to saddles."""

import math

import numpy as np
import pytest
from affine_landscape import polished, profile_gradient
from scipy.optimize import minimize

from analysis.theory import affine, conventions, linear, minima, modes_of_spectrum

TWO = np.array([4.0, 2.0])


def turn(angle: np.ndarray) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.moveaxis(np.array([[cos, -sin], [sin, cos]]), -1, 0)


@pytest.mark.parametrize("level", [1e-3, 0.1, 1.0])
def test_the_rise_on_a_rotation_is_half_way(level):
    path = turn(np.linspace(0, np.pi / 2, 2001))
    both = np.diag(np.sqrt(TWO - level)) @ path
    rise = np.ptp(affine.profile_loss(both, np.diag(TWO), level))
    assert rise == pytest.approx(float(minima.rotation_rise(4.0, 2.0)), abs=1e-9)
    one = np.diag([0.0, math.sqrt(2.0 - level)]) @ path
    rise = np.ptp(affine.profile_loss(one, np.diag(TWO), level))
    assert rise == pytest.approx(float(minima.rotation_rise(2.0, level)), abs=1e-9)


def test_rises_have_the_measured_heights():
    levels = np.array([1e-3, 1e-2, 0.1, 1.0])
    assert minima.rotation_rise(2.0, levels) == pytest.approx([6.216, 3.922, 1.707, 0.118], abs=5e-4)
    assert minima.empty_slot_saddle(2.0, levels) == pytest.approx([5.830, 3.546, 1.406, 0.0815], abs=5e-4)
    assert minima.swap_saddle(4.0, 2.0) == pytest.approx(0.0598, abs=5e-5)
    for rise in (minima.rotation_rise, minima.swap_saddle):
        assert rise(3.0, 3.0) == pytest.approx(0.0, abs=1e-15)
        assert (rise(3.0, [3.1, 2.9]) > 0).all()


def saddle_of(variances: tuple[float, float], level: float) -> np.ndarray:
    """The decoder whose two columns share both modes, alike but for a sign, so that γI + WWᵀ is the m of the closed forms."""
    m = np.sqrt(variances) * np.sqrt(variances).mean()
    if m[1] < level:  # the second mode stays out
        m = level + np.array([np.roots([1, 2 * level - variances[0] / 2, level**2 - variances[0] * level]).max(), 0.0])
    a, b = np.sqrt((m - level) / 2)
    return np.array([[a, a], [b, -b]])


PAIRS = [
    ((4.0, 2.0), 0.1),
    ((4.0, 2.0), 1e-3),
    ((2.0, 0.0), 1e-2),
    ((2.0, 0.5), 1.0),
    ((4.0, 2.0), 2.05),
    ((4.0, 2.0), 2.9),
]


@pytest.mark.parametrize(("variances", "level"), PAIRS)
def test_the_saddle_is_stationary_curves_down_once_and_leads_to_both_minima(variances, level):
    covariance, w = np.diag(variances), saddle_of(variances, level)
    assert np.abs(profile_gradient(w, covariance, level)).max() < 1e-10
    steps = 1e-5 * np.eye(w.size).reshape(w.size, *w.shape)
    rows = [(profile_gradient(w + h, covariance, level) - profile_gradient(w - h, covariance, level)) for h in steps]
    curvature, along = np.linalg.eigh(np.array([row.ravel() / 2e-5 for row in rows]))
    assert (curvature < 0).tolist() == [True] + [False] * (w.size - 1)
    downhill = along[:, 0].reshape(w.shape)
    kept = int(linear.active_modes(variances, level, 2))
    lowest = float(conventions.eq3(linear.objective(modes_of_spectrum(variances), level, 1.0, 2), 2))
    ends = []
    for way in (1, -1):
        value, end = polished(w + way * 1e-3 * downhill, covariance, level)
        assert value == pytest.approx(lowest, abs=1e-9)
        ends.append(np.abs(end))
    assert ends[0] == pytest.approx(ends[1][:, ::-1], abs=1e-3)  # the latents are exchanged
    assert np.abs(ends[0] - ends[1]).max() > 0.1
    rise = float(affine.profile_loss(w, covariance, level)) - lowest
    of_slot = minima.empty_slot_saddle(variances[0], level, variances[1])
    expected = minima.swap_saddle(*variances) if kept == 2 else of_slot
    assert rise == pytest.approx(float(expected), abs=1e-12)


def test_no_way_is_lower_than_the_saddle():
    """On every way the norms of two columns meet: random starts on that surface find nothing below the closed form."""
    rng, covariance = np.random.default_rng(2), np.diag([4.0, 2.0, 0.5])
    for level, expected in ((0.1, minima.swap_saddle(4.0, 2.0)), (3.0, minima.empty_slot_saddle(4.0, 3.0, 2.0))):
        lowest = float(conventions.eq3(linear.objective(modes_of_spectrum([4.0, 2.0, 0.5]), level, 1.0, 2), 2))

        def on_the_surface(vector: np.ndarray, level: float = level) -> float:
            w, norms = vector.reshape(3, 2), np.linalg.norm(vector.reshape(3, 2), axis=0)
            return float(affine.profile_loss(w * norms.mean() / norms, covariance, level))

        found = [minimize(on_the_surface, rng.standard_normal(6), method="BFGS").fun for _ in range(12)]
        assert min(found) - lowest == pytest.approx(float(expected), abs=1e-6)


def test_an_unkept_mode_lowers_the_saddle_only_close_to_its_threshold():
    alone = minima.empty_slot_saddle(4.0, 2.1)
    assert minima.empty_slot_saddle(4.0, 2.1, 1.0) == alone > minima.empty_slot_saddle(4.0, 2.1, 2.0)
    edge = [minima.empty_slot_saddle(4.0, 2.1, mu) for mu in np.linspace(1.5, 2.1, 400)]
    assert np.diff(edge).max() <= 0  # without a jump
    assert np.diff(edge).min() > -1e-3
    assert minima.empty_slot_saddle(4.0, 2.0, 2.0) == pytest.approx(minima.swap_saddle(4.0, 2.0), abs=1e-12)
