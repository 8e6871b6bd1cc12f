"""The weights of the closed-form minimum, put into the exact expected loss: their value and their uniqueness."""

import math

import numpy as np
import pytest
import torch
from linear_problems import Problem, problems, random_sigma2

from analysis.theory import conventions, fixed_sigma, linear, rate_distortion, solution
from models.probes.exact_linear import Moments, expected_loss, minimise, moments_of

PROBLEMS = problems(60, seed=1)


def value(p: Problem, weights: solution.Solution, gamma: float, beta: float | None = None) -> float:
    decoder, encoder, log_var = map(torch.from_numpy, (weights.decoder, weights.encoder, np.log(weights.variance)))
    log_gamma = torch.tensor(math.log(gamma), dtype=torch.float64)
    weight = p.beta if beta is None else beta
    return float(expected_loss(p.moments, decoder, encoder, log_var, log_gamma, weight, p.eta_enc))


def rate_and_distortion(p: Problem, weights: solution.Solution) -> tuple[float, float]:
    """K and R of any weights, from J at γ = 1 and two values of β: dJ/dβ = K."""
    once, twice = (value(p, weights, 1.0, beta) for beta in (1.0, 2.0))
    return twice - once, 2 * (2 * once - twice)


def levels(i: int, p: Problem) -> tuple[float, float]:
    """γ and βγ, the latter around the modes."""
    level = float(p.modes.zeta2[0] * np.exp(np.random.default_rng([3, i]).uniform(-4.0, 0.3)))
    return level / p.beta, level


def orthogonal(rng: np.random.Generator, k: int) -> np.ndarray:
    q, r = np.linalg.qr(rng.standard_normal((k, k)))
    return q * np.sign(np.diag(r))


def test_the_weights_have_the_loss_that_the_formula_gives():
    for i, p in enumerate(PROBLEMS):
        gamma, level = levels(i, p)
        learnable = value(p, solution.learnable_sigma(p.a, p.cross, level, p.kappa, p.eta_enc), gamma)
        assert learnable == pytest.approx(float(linear.objective(p.modes, gamma, p.beta, p.kappa)), abs=1e-10), i
        sigma2 = random_sigma2(p, i)
        given = value(p, solution.given_sigma(p.a, p.cross, level, sigma2, p.eta_enc), gamma)
        expected = fixed_sigma.loss_wz(p.modes, sigma2, gamma, p.beta, p.eta_enc) + 0.5 * p.modes.d2 * np.log(gamma)
        assert given == pytest.approx(float(expected), abs=1e-10), i


def test_distortion_and_rate_are_those_of_the_weights():
    """The split of the loss is right, not only its sum."""
    for i, p in enumerate(PROBLEMS):
        (_, level), zeta2, sigma2 = levels(i, p), p.modes.zeta2, random_sigma2(p, i)
        learnable = solution.learnable_sigma(p.a, p.cross, level, p.kappa, p.eta_enc)
        rate, distortion = rate_and_distortion(p, learnable)
        assert rate == pytest.approx(float(linear.rate(zeta2, level, p.kappa)), abs=1e-9), i
        assert distortion == pytest.approx(float(linear.distortion(p.modes, level, p.kappa)), rel=1e-8), i
        given = solution.given_sigma(p.a, p.cross, level, sigma2, p.eta_enc)
        rate, distortion = rate_and_distortion(p, given)
        assert rate == pytest.approx(fixed_sigma.rates(zeta2, sigma2, level, p.eta_enc).sum(), abs=1e-9), i
        lost = fixed_sigma.distortions(zeta2, sigma2, level, p.eta_enc).sum()
        assert distortion == pytest.approx(p.total - zeta2[: p.kappa].sum() + lost, rel=1e-8), i


def test_sample_diversity_is_the_covariance_of_the_decoder_mean_under_the_prior():
    for i, p in enumerate(PROBLEMS):
        _, level = levels(i, p)
        sigma2 = random_sigma2(p, i)
        weights = solution.learnable_sigma(p.a, p.cross, level, p.kappa, p.eta_enc)
        expected = float(linear.sample_diversity(p.modes.zeta2, level, p.kappa))
        assert p.eta_enc**2 * np.square(weights.decoder).sum() == pytest.approx(expected, rel=1e-9)
        weights = solution.given_sigma(p.a, p.cross, level, sigma2, p.eta_enc)
        expected = float(fixed_sigma.sample_diversity(p.modes.zeta2, sigma2, level, p.eta_enc))
        assert p.eta_enc**2 * np.square(weights.decoder).sum() == pytest.approx(expected, rel=1e-9)


def four_modes(eta_enc: float = 1.0) -> Problem:
    rng = np.random.default_rng(5)
    f, g = orthogonal(rng, 4), orthogonal(rng, 4)
    zeta2 = np.array([9.0, 4.0, 2.0, 1.0])
    return Problem(np.eye(4), (f * np.sqrt(zeta2)) @ g.T, float(zeta2.sum()), 4, 1.0, eta_enc)


def rotated(weights: solution.Solution, p: np.ndarray, variance: np.ndarray | None = None) -> solution.Solution:
    return solution.Solution(
        weights.decoder @ p, weights.encoder @ p, weights.variance if variance is None else variance
    )


def test_only_signed_permutations_of_the_latents_keep_the_minimum():
    """An arbitrary rotation raises the loss, with the variances as they are and with the best for the rotated weights."""
    problem, gamma = four_modes(), 0.5
    weights = solution.learnable_sigma(problem.a, problem.cross, gamma, 4)
    lowest, rng = value(problem, weights, gamma), np.random.default_rng(6)
    for _ in range(50):
        p = orthogonal(rng, 4)
        turned = rotated(weights, p)
        best = gamma / (np.square(turned.decoder).sum(0) + gamma)
        assert value(problem, turned, gamma) > lowest + 0.5
        assert value(problem, rotated(weights, p, best), gamma) > lowest + 0.2
        order, signs = rng.permutation(4), rng.choice([-1.0, 1.0], 4)
        permuted = rotated(weights, np.eye(4)[:, order] * signs, weights.variance[order])
        assert value(problem, permuted, gamma) == pytest.approx(lowest, abs=1e-12)


def test_modes_of_equal_size_may_be_rotated_into_each_other():
    problem, gamma = four_modes(), 0.5
    cross = problem.cross @ np.linalg.svd(problem.cross)[2].T @ np.diag([1, 1.5, 1, 1])  # ζ = 3, 3, √2, 1
    problem = Problem(np.eye(4), cross, float(np.square(cross).sum()), 4, 1.0, 1.0)
    weights = solution.learnable_sigma(problem.a, problem.cross, gamma, 4)
    lowest, block = value(problem, weights, gamma), np.eye(4)
    block[:2, :2] = orthogonal(np.random.default_rng(7), 2)
    assert value(problem, rotated(weights, block), gamma) == pytest.approx(lowest, abs=1e-12)
    assert value(problem, rotated(weights, np.roll(block, 1, (0, 1))), gamma) > lowest + 1e-3


def test_any_rotation_is_free_where_the_given_variances_are_equal():
    problem, gamma = four_modes(eta_enc=1.7), 0.5
    weights = solution.given_sigma(problem.a, problem.cross, gamma, np.full(4, 1.7**2), 1.7)
    lowest, rng = value(problem, weights, gamma), np.random.default_rng(8)
    for _ in range(50):
        assert value(problem, rotated(weights, orthogonal(rng, 4)), gamma) == pytest.approx(lowest, abs=1e-12)


def test_given_variances_must_be_matched_narrowest_to_strongest():
    problem, gamma, sigma2 = four_modes(), 0.5, np.array([0.1, 0.3, 0.8, 2.0])
    matched = fixed_sigma.loss_wz(problem.modes, sigma2, gamma, 1.0)
    assert fixed_sigma.loss_wz(problem.modes, sigma2[[2, 0, 3, 1]], gamma, 1.0) == pytest.approx(float(matched))
    zeta, t = np.sqrt(problem.modes.zeta2), np.sqrt(gamma * sigma2)
    as_written = 0.5 * (sigma2 - 1 - np.log(sigma2)).sum()
    as_written += (problem.total - np.square(np.maximum(zeta - t[::-1], 0)).sum()) / (2 * gamma)
    assert as_written > matched + 1


def test_the_scale_of_the_prior_is_a_gauge():
    for i, p in enumerate(PROBLEMS[:12]):
        gamma, level = levels(i, p)
        unit = Problem(p.a, p.cross, p.total, p.kappa, p.beta, 1.0)
        ours = solution.learnable_sigma(p.a, p.cross, level, p.kappa, p.eta_enc)
        theirs = solution.learnable_sigma(p.a, p.cross, level, p.kappa)
        assert ours.decoder * p.eta_enc == pytest.approx(theirs.decoder)
        assert ours.encoder / p.eta_enc == pytest.approx(theirs.encoder)
        assert ours.variance / p.eta_enc**2 == pytest.approx(theirs.variance)
        assert value(p, ours, gamma) == pytest.approx(value(unit, theirs, gamma), abs=1e-10)


def test_no_linear_model_lies_below_the_rate_distortion_curve():
    rng = np.random.default_rng(9)
    for p in PROBLEMS[:24]:
        weights = solution.learnable_sigma(p.a, p.cross, 0.3 * p.modes.zeta2[0], p.kappa)
        for size in (1e-3, 0.1, 1.0):
            decoder, encoder = [
                part + size * rng.standard_normal(part.shape) for part in (weights.decoder, weights.encoder)
            ]
            variance = weights.variance * np.exp(size * rng.standard_normal(p.kappa))
            rate, distortion = rate_and_distortion(p, solution.Solution(decoder, encoder, variance))
            assert distortion > float(rate_distortion.distortion_at_rate(p.modes, rate, p.kappa)) - 1e-9


def test_the_exact_loss_is_the_mean_of_the_sampled_one():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(300, 4, generator=generator, dtype=torch.float64)
    y = torch.tanh(x @ torch.randn(4, 3, generator=generator, dtype=torch.float64))
    decoder, encoder = (torch.randn(n, 2, generator=generator, dtype=torch.float64) for n in (3, 4))
    log_var, gamma, beta, eta = torch.tensor([-1.0, 0.3], dtype=torch.float64), 0.7, 1.3, 1.2
    spread = (0.5 * log_var).exp()
    noise = torch.randn(2000, 300, 2, generator=generator, dtype=torch.float64)
    noise = torch.cat([noise, -noise])  # antithetic: the part linear in the noise cancels
    mu = x @ encoder
    distortion = (y - (mu + spread * noise) @ decoder.T).square().sum(-1).mean()
    posterior, prior = torch.distributions.Normal(mu, spread), torch.distributions.Normal(torch.zeros(2), eta)
    rate = torch.distributions.kl_divergence(posterior, prior).sum(-1).mean()
    expected = conventions.objective(float(distortion), float(rate), gamma, beta, 3)
    exact = expected_loss(moments_of(x, y), decoder, encoder, log_var, torch.tensor(gamma).double().log(), beta, eta)
    assert float(exact) == pytest.approx(float(expected), rel=1e-3)
    shifts = torch.linspace(-1, 1, 5, dtype=torch.float64)
    stack = decoder.expand(5, 3, 2), encoder.expand(5, 4, 2)
    many = expected_loss(moments_of(x, y), stack[0], stack[1], log_var + shifts[:, None], shifts, beta, eta)
    assert many.shape == (5,)
    middle = expected_loss(moments_of(x, y), decoder, encoder, log_var, shifts[2], beta, eta)
    assert float(many[2]) == pytest.approx(float(middle))


def test_a_question_without_an_answer_is_refused():
    moments = Moments(torch.eye(2).double(), torch.eye(2).double(), 2.0)
    for kappa, beta, gamma in ((0, 1.0, 1.0), (1, 0.0, 1.0), (1, 1.0, -1.0)):
        with pytest.raises(ValueError, match="must be positive"):
            minimise(moments, kappa, beta, gamma)
