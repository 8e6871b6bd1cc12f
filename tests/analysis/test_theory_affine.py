"""The landscape over affine decoders: the profile loss, its minima, lines through it, and sparse penalties."""

import math

import numpy as np
import pytest
import torch
from affine_landscape import polished, profile_gradient
from scipy.optimize import minimize

from analysis.theory import affine, conventions, linear, minima, modes_of_spectrum
from models.probes.exact_linear import Moments, expected_loss

TWO = np.array([4.0, 2.0])


@pytest.mark.parametrize(("gamma", "beta"), [(0.3, 1.0), (1.5, 1.0), (0.2, 2.5), (1.0, 0.3)])
def test_the_profile_is_the_least_exact_loss_over_encoder_and_variances(gamma, beta):
    """L-BFGS over the encoder and log σ² with the decoder held: 2J + βκ there is L(W)."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 5)) @ rng.standard_normal((5, 5))
    covariance = x.T @ x / 200
    w = rng.standard_normal((5, 3))
    moments = Moments(torch.from_numpy(covariance), torch.from_numpy(covariance), float(np.trace(covariance)))
    log_gamma = torch.tensor(math.log(gamma), dtype=torch.float64)

    def loss(vector: np.ndarray) -> tuple[float, np.ndarray]:
        leaf = torch.from_numpy(vector).requires_grad_()
        v, s = leaf.split([15, 3])
        value = expected_loss(moments, torch.from_numpy(w), v.view(5, 3), s, log_gamma, beta)
        return value.item(), torch.autograd.grad(value, leaf)[0].numpy()

    found = minimize(loss, np.zeros(18), jac=True, method="L-BFGS-B", options={"ftol": 0, "gtol": 1e-10, "maxcor": 50})
    assert 2 * found.fun + beta * 3 == pytest.approx(float(affine.profile_loss(w, covariance, gamma, beta)), rel=1e-12)
    assert np.exp(found.x[15:]) == pytest.approx(affine.posterior_variance(w, beta * gamma), rel=1e-5)


def test_the_profile_is_defined_for_a_stack_of_decoders():
    stack = np.random.default_rng(0).standard_normal((2, 4, 3, 2))
    values = affine.profile_loss(stack, np.eye(3), 0.5)
    assert values.shape == (2, 4)
    assert values[1, 2] == pytest.approx(float(affine.profile_loss(stack[1, 2], np.eye(3), 0.5)))
    with pytest.raises(ValueError, match=r"needs a covariance \(3, 3\)"):
        affine.profile_loss(stack, np.eye(2), 0.5)


def test_the_gradient_that_the_search_below_uses():
    rng, step = np.random.default_rng(1), 1e-6
    w, covariance = rng.standard_normal((2, 3)), np.diag(TWO)
    shifts = step * np.eye(6).reshape(6, 2, 3)
    up, down = (affine.profile_loss(w + sign * shifts, covariance, 0.3, 1.7) for sign in (1, -1))
    assert profile_gradient(w, covariance, 0.3, 1.7).ravel() == pytest.approx((up - down) / (2 * step), abs=1e-7)


SETTINGS = [(3, 0.1, 6, 24), (2, 0.1, 2, 8), (4, 0.1, 12, 48), (3, 3.0, 3, 6), (3, 2.5, 3, 6), (1, 0.1, 1, 2)]


def found_minima(kappa: int, level: float, inits: int, seed: int) -> tuple[set, set]:
    """The supports and the signed minima that random starts end in; every end is a global minimum."""
    rng, covariance, kept = np.random.default_rng(seed), np.diag(TWO), TWO[:kappa][TWO[:kappa] > level]
    lowest = conventions.eq3(linear.objective(modes_of_spectrum(TWO), level, 1.0, kappa), kappa)
    supports, signed = set(), set()
    for _ in range(inits):
        value, w = polished(rng.standard_normal((2, kappa)), covariance, level)
        assert value == pytest.approx(float(lowest), abs=1e-9)
        scaled = w[: len(kept)] / np.sqrt(kept - level)[:, None]
        assert scaled == pytest.approx(np.round(scaled), abs=1e-3)
        signed.add(tuple(np.round(scaled).astype(int).ravel()))
        supports.add(tuple(np.abs(np.round(scaled)).astype(int).ravel()))
    return supports, signed


STARTS_EACH = 12
"""Random starts for each minimum: if all are as likely, one of 48 is missed with a chance of 48 e⁻¹² = 3e-4."""


@pytest.mark.parametrize(("kappa", "level", "supports", "signed"), SETTINGS)
def test_random_starts_find_every_minimum_and_no_other(kappa, level, supports, signed):
    assert minima.count(TWO, level, kappa) == (supports, signed)
    found = found_minima(kappa, level, STARTS_EACH * signed, seed=kappa)
    assert (len(found[0]), len(found[1])) == (supports, signed)


def test_minima_of_equal_modes_are_not_counted():
    with pytest.raises(ValueError, match="connected"):
        minima.count([2.0, 2.0, 1.0], 0.1, 3)
    for equal, kappa in (([4.0, 2.0, 2.0], 2), ([2.0, 2.0, 1.0], 1)):  # what is kept turns into what is not
        with pytest.raises(ValueError, match="connected"):
            minima.count(equal, 0.1, kappa)
    assert minima.count([4.0, 2.0, 2.0], 0.1, 1) == (1, 2)
    assert minima.count([4.0, 2.0, 1.0, 1.0], 1.0, 4) == (12, 48)


def test_a_kept_mode_turns_into_an_equal_one_without_a_rise():
    """Why [4, 2, 2] at κ = 2 has no count: the second column may point anywhere in a plane."""
    w = np.zeros((50, 3, 2))
    w[:, 0, 0] = math.sqrt(4 - 0.1)
    angle = np.linspace(0, np.pi, 50)
    w[:, 1, 1], w[:, 2, 1] = math.sqrt(2 - 0.1) * np.cos(angle), math.sqrt(2 - 0.1) * np.sin(angle)
    lowest = conventions.eq3(linear.objective(modes_of_spectrum([4.0, 2.0, 2.0]), 0.1, 1.0, 2), 2)
    assert affine.profile_loss(w, np.diag([4.0, 2.0, 2.0]), 0.1) == pytest.approx(float(lowest), abs=1e-12)


def slice_a(ratio: float, lam: float = 1.0, b: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """One output of variance λ, two latents, W(t) = √λ [1 − t, bt], γ = ratio·λ."""
    t = np.linspace(-1.5, 2.5, 40001)
    w = math.sqrt(lam) * np.stack([1 - t, b * t], -1)[:, None, :]
    return t, affine.profile_loss(w, [[lam]], ratio * lam)


def test_one_mode_shared_by_two_latents_splits_the_line_below_a_critical_gamma():
    equation = np.polynomial.Polynomial([-0.5, 2]) * np.polynomial.Polynomial([0.5, 1]) ** 2
    roots = (equation - 2 * np.polynomial.Polynomial([0.25, 1]) ** 2).roots()
    (critical,) = roots[(roots.imag == 0) & (roots.real > 0)].real
    assert critical == pytest.approx(0.931144, abs=1e-6)
    for lam in (1.0, 0.08):
        assert len(minima.minima_along(slice_a(0.98 * critical, lam)[1])) == 2
        assert len(minima.minima_along(slice_a(1.02 * critical, lam)[1])) == 1


def test_a_small_gamma_carves_the_line_of_figure_three():
    counts, places, slopes = [], [], []
    for gamma in (1.0, 0.1, 0.01, 0.001):
        t, values = slice_a(gamma / 0.08, 0.08, 0.8)
        counts.append(len(minima.minima_along(values)))
        places.append(abs(t[values.argmin()]))
        slopes.append(np.abs(np.diff(values) / np.diff(t)).max())
    assert counts == [1, 1, 2, 2]
    assert places == pytest.approx([0.61, 0.67, 0.017, 0.0002], abs=5e-3)
    assert places[3] == pytest.approx(0.0002, abs=1e-4)
    assert slopes == pytest.approx([0.39, 1.4, 3.0, 10.0], rel=0.05)


def slice_b(gamma: float, seed: int, d: int = 20, r: int = 3, kappa: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """A random line through the planted decoder: r modes, kappa latents, of which the first vanishes at t = 1."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((d, r)))
    planted, direction = np.eye(r, kappa), 0.5 * rng.standard_normal((r, kappa))
    direction[:, 0] = 0.0
    direction[0, 0] = -1.0
    direction[:, 1:r] *= 0.5
    t = np.linspace(-3, 3, 6001)
    return t, affine.profile_loss(q @ (planted + t[:, None, None] * direction), q @ q.T, gamma)


@pytest.mark.parametrize("seed", [0, 1, 5, 6, 7])
def test_lines_through_a_planted_decoder_gain_a_minimum_as_gamma_falls(seed):
    gammas = (1.0, 0.3, 0.1, 0.03, 0.01, 1e-3)
    lines = [slice_b(gamma, seed) for gamma in gammas]
    counts = [len(minima.minima_along(values)) for _, values in lines]
    places = [abs(t[values.argmin()]) for t, values in lines]
    assert counts[0] == 1
    assert min(counts[4:]) >= 2
    assert (np.diff(places) <= 0).all()
    if seed == 0:
        assert counts == [1, 1, 1, 2, 2, 2]
        assert places == pytest.approx([0.025, 0.005, 0.001, 0, 0, 0], abs=5e-4)


def test_a_flat_floor_is_one_minimum_and_an_end_is_none():
    assert minima.minima_along([3, 1, 1, 2, 0]).tolist() == [2]
    assert minima.minima_along([0, 1, 2]).tolist() == []
    assert minima.minima_along([2, 1, 2, 1, 2]).tolist() == [1, 3]


def test_the_sparse_penalty_is_the_least_price_over_the_column():
    norms = np.geomspace(1e-9, 1e3, 200001)
    for gamma in (1e-3, 0.1, 2.0):
        for c in (0.01, 0.5, 3.0):
            least = (np.log(gamma + norms) + c / norms).min()
            assert affine.sparse_penalty(c, gamma) == pytest.approx(float(least), abs=1e-8)
        assert affine.sparse_penalty(0.0, gamma) == pytest.approx(math.log(gamma))
    step = 1e-7
    slope = (affine.sparse_penalty(0.5 + step, 0.1) - affine.sparse_penalty(0.5 - step, 0.1)) / (2 * step)
    assert slope == pytest.approx(1 / affine.column_norm2(0.5, 0.1), rel=1e-6)


def test_the_sparse_penalty_tends_to_the_logarithm():
    """The error is γ Σ 1/c: 5e-3, 5e-5, 5e-7 for codes with Σ 1/c = 50."""
    c = np.array([0.05, 0.1, 0.1, 0.2, 0.2])
    for gamma, error in ((1e-4, 5e-3), (1e-6, 5e-5), (1e-8, 5e-7)):
        assert (affine.sparse_penalty(c, gamma) - np.log(c) - 1).sum() == pytest.approx(error, rel=5e-3)
    small = np.array([1e-8, 1e-10])
    assert 1 / affine.column_norm2(small, 1.0) == pytest.approx(small**-0.5, rel=1e-3)
    assert affine.sparse_limit([0.5, 0.0, 2.0], 1e-3, d=20) == pytest.approx(18 * math.log(1e-3) + 2 + 3)


def test_the_price_of_codes_is_the_profile_loss_of_their_decoder():
    """With orthonormal directions the best columns reach (d − k) log γ + Σ (log c + 1) + κ as γ → 0."""
    rng, gamma = np.random.default_rng(2), 1e-9
    q, _ = np.linalg.qr(rng.standard_normal((7, 2)))
    c = np.array([0.5, 2.0, 0.0])
    columns = np.column_stack([q * np.sqrt(affine.column_norm2(c[:2], gamma)), np.zeros(7)])
    covariance = (q * c[:2]) @ q.T
    limit = affine.sparse_limit(c, gamma, d=7)
    assert affine.profile_loss(columns, covariance, gamma) == pytest.approx(limit, abs=1e-7)


def test_learning_gamma_makes_the_reconstruction_a_logarithm():
    for distortion, d in ((0.3, 4), (20.0, 7)):
        grid = distortion / d * np.exp(np.linspace(-0.1, 0.1, 2001))
        assert affine.profiled_reconstruction(distortion, d) == pytest.approx(
            float((distortion / grid + d * np.log(grid)).min()), abs=1e-10
        )
