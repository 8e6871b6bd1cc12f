"""Closed forms against L-BFGS on the exact expected loss: two random problems of each of twelve kinds."""

import numpy as np
import pytest
import torch
from linear_problems import Problem, problems, random_sigma2
from numpy.typing import ArrayLike

from analysis.theory import Modes, fixed_sigma, learned_gamma, linear, modes_of_moments
from models.probes.exact_linear import Moments, minimise

PROBLEMS = problems(24)
NUMBERED = list(enumerate(PROBLEMS))

of_every_kind = pytest.mark.parametrize(
    "numbered",
    [NUMBERED[:12], pytest.param(NUMBERED[12:], marks=pytest.mark.slow)],
    ids=["one of each kind", "another of each kind"],
)


def gamma_of(i: int, p: Problem) -> float:
    """A decoder variance at which some modes are kept, seldom all and seldom none."""
    return float(p.modes.zeta2[0] * np.exp(np.random.default_rng([1, i]).uniform(-4.0, 0.3)) / p.beta)


def apart(found: float, expected: ArrayLike) -> float:
    """Relative where J is large, in nats where it is small."""
    value = np.asarray(expected).item()
    return abs(found - value) / max(1.0, abs(value))


def code_variances(p: Problem, encoder: torch.Tensor) -> np.ndarray:
    """Var_x E[z_j|x] of each latent, largest first."""
    w = encoder.numpy()
    return np.sort(np.einsum("ij,ik,kj->j", w, p.a, w))[::-1]


def test_the_problems_are_of_every_kind():
    ranks = [(np.linalg.matrix_rank(p.a), len(p.a), p.modes.d2) for p in PROBLEMS]
    deficient = [rank < d0 for rank, d0, _ in ranks]
    narrow = [p.kappa < min(rank, d2) for p, (rank, _, d2) in zip(PROBLEMS, ranks, strict=True)]
    nonlinear = [p.modes.explained < 0.99 for p in PROBLEMS]
    same = [np.array_equal(p.a, p.cross) for p in PROBLEMS]
    for kind in (deficient, narrow, nonlinear, same):
        assert 6 <= sum(kind) <= 18
    kept = [int(linear.active_modes(p.modes.zeta2, p.beta * gamma_of(i, p), p.kappa)) for i, p in NUMBERED]
    assert kept.count(0) >= 1
    assert len(set(kept)) >= 4
    assert sum(k < min(p.kappa, p.modes.rank) for k, p in zip(kept, PROBLEMS, strict=True)) >= 10


@of_every_kind
def test_the_minimum_for_the_priors_own_variance(numbered: list[tuple[int, Problem]]):
    for i, p in numbered:
        gamma, sigma2 = gamma_of(i, p), np.full(p.kappa, p.eta_enc**2)
        found = p.minimum(gamma, sigma2)
        expected = fixed_sigma.loss_wz(p.modes, sigma2, gamma, p.beta, p.eta_enc) + 0.5 * p.modes.d2 * np.log(gamma)
        assert found.confirmed, i
        assert apart(found.objective, expected) < 1e-9, i


@of_every_kind
def test_the_minimum_for_unequal_given_variances(numbered: list[tuple[int, Problem]]):
    for i, p in numbered:
        gamma, sigma2 = gamma_of(i, p), random_sigma2(p, i)
        found = p.minimum(gamma, sigma2)
        expected = fixed_sigma.loss_wz(p.modes, sigma2, gamma, p.beta, p.eta_enc) + 0.5 * p.modes.d2 * np.log(gamma)
        assert found.confirmed, i
        assert apart(found.objective, expected) < 1e-9, i
        means = fixed_sigma.encoder_singular_values(p.modes.zeta2, sigma2, p.beta * gamma, p.eta_enc) ** 2
        assert code_variances(p, found.encoder) == pytest.approx(
            np.sort(means)[::-1], rel=1e-4, abs=1e-4 * p.eta_enc**2
        )


@of_every_kind
def test_the_minimum_for_learnable_variances(numbered: list[tuple[int, Problem]]):
    for i, p in numbered:
        gamma, zeta2 = gamma_of(i, p), p.modes.zeta2
        found, level = p.minimum(gamma), p.beta * gamma
        assert found.confirmed, i
        assert apart(found.objective, linear.objective(p.modes, gamma, p.beta, p.kappa)) < 1e-9, i
        scale = p.eta_enc**2
        variance = linear.posterior_variance(zeta2, level, p.kappa, p.eta_enc)
        assert np.sort(found.variance.numpy()) == pytest.approx(variance, abs=1e-4 * scale), i
        units = linear.active_units(zeta2, level, p.kappa)
        assert code_variances(p, found.encoder) / scale == pytest.approx(units, abs=1e-4), i
        largest = linear.decoder_singular_values(zeta2, level, p.kappa, p.eta_enc)
        norms = np.sort(np.linalg.norm(found.decoder.numpy(), axis=0))[::-1]
        assert norms == pytest.approx(largest, abs=1e-4 * np.sqrt(zeta2[0]) / p.eta_enc), i


@of_every_kind
def test_the_minimum_over_a_learned_gamma(numbered: list[tuple[int, Problem]]):
    """Where γ* = 0 (no noise, small β) J has no lower bound, and a floor takes its place."""
    floored = 0
    for i, p in numbered:
        free = float(learned_gamma.gamma_star(p.modes, p.beta, p.kappa))
        floor = 0.0 if free > 0 else 1e-2 * p.total / p.modes.d2
        floored += free == 0
        found = p.minimum(floor=floor)
        assert found.confirmed, i
        assert found.gamma == pytest.approx(
            float(learned_gamma.gamma_star(p.modes, p.beta, p.kappa, floor)), rel=1e-4
        ), i
        assert apart(found.objective, learned_gamma.objective(p.modes, p.beta, p.kappa, floor)) < 1e-6, i
        active = int((found.variance < (1 - 1e-3) * p.eta_enc**2).sum())
        assert active == learned_gamma.active_modes(p.modes, p.beta, p.kappa, floor), i
    assert 2 <= floored <= 8


def planted(zeta2: list[float], total: float, d0: int, d2: int, seed: int) -> tuple[Moments, Modes]:
    """Moments with the given modes: random directions, A of rank d0, the rest of T not linear in x."""
    rng = np.random.default_rng(seed)
    mix = rng.standard_normal((d0, d0))
    f, _ = np.linalg.qr(rng.standard_normal((d2, d2)))
    g, _ = np.linalg.qr(rng.standard_normal((d0, d0)))
    cross = (f[:, : len(zeta2)] * np.sqrt(zeta2)) @ g[:, : len(zeta2)].T @ mix.T
    moments = Moments(torch.from_numpy(mix @ mix.T), torch.from_numpy(cross), total)
    return moments, modes_of_moments(mix @ mix.T, cross, total)


def kept(moments: Moments, beta: float, kappa: int, floor: float = 0.0) -> int:
    found = minimise(moments, kappa, beta, floor=floor)
    assert found.confirmed
    return int((found.variance < 0.999).sum())


def test_targets_that_are_mostly_noise_collapse_below_the_published_bound():
    """d2/d* = 2 would promise a kept mode for every β < 2; with R² = .076 all are lost from β_c = .273 on."""
    total = 6.0 * 1.0 / 0.273
    moments, modes = planted([1.0, 0.4, 0.27], total, d0=3, d2=6, seed=3)
    assert modes.explained == pytest.approx(0.076, abs=5e-4)
    assert learned_gamma.collapse_beta(modes) == pytest.approx(0.273, rel=1e-9)
    assert learned_gamma.safe_beta(modes) < 0.273
    assert [kept(moments, beta, 4) for beta in (0.259, 0.287, 1.5)] == [1, 0, 0]
    assert learned_gamma.active_modes(modes, [0.259, 0.287, 1.5], 4).tolist() == [1, 0, 0]


def test_without_noise_the_rank_of_the_targets_decides():
    """rank Z = 2, d* = 4, d2 = 6: nothing is lost below β = d2/rank Z = 3, not below d2/d* = 1.5."""
    moments, modes = planted([2.0, 1.7], 3.7, d0=4, d2=6, seed=4)
    assert learned_gamma.lossless_beta(modes, 4) == pytest.approx(3.0)
    assert [kept(moments, beta, 4, floor=1e-3) for beta in (2.8, 3.2)] == [2, 1]
    assert learned_gamma.active_modes(modes, [2.8, 3.2], 4, floor=1e-3).tolist() == [2, 1]
