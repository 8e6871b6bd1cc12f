"""The theory of a learned γ: its closed form, what is lost at which β, and probabilistic PCA."""

import math

import numpy as np
import pytest

from analysis.theory import conventions, learned_gamma, linear, modes_of_spectrum, ppca, solution
from analysis.theory.modes import Modes

ANISOTROPIC = modes_of_spectrum([4.0, 2.0, 1.0, 0.5, 0.25], d2=20)
ISOTROPIC = modes_of_spectrum(np.ones(5), d2=20)
NOISY = Modes(np.array([3.0, 1.0, 0.2]), 6.0, 5)


def test_the_measured_sweep_of_an_anisotropic_subspace():
    betas = [3.9, 4.1, 5.0, 6.0, 8.0, 9.5, 10.5]
    assert learned_gamma.active_modes(ANISOTROPIC, betas, 10).tolist() == [5, 4, 3, 2, 1, 1, 0]
    measured = [0.0, 0.0694, 0.150, 0.219, 0.3125, 0.357, 0.3875]
    assert learned_gamma.gamma_star(ANISOTROPIC, betas, 10) == pytest.approx(measured, abs=5e-4)
    assert learned_gamma.collapse_beta(ANISOTROPIC) == pytest.approx(10.32, abs=5e-3)


def test_equal_modes_are_lost_together_at_d_over_r():
    assert learned_gamma.active_modes(ISOTROPIC, [3.9, 4.1], 10).tolist() == [5, 0]
    assert learned_gamma.gamma_star(ISOTROPIC, [3.9, 4.1], 10).tolist() == [0.0, 0.25]
    assert learned_gamma.thresholds(ISOTROPIC, 10) == pytest.approx([4.0] * 5 + [0.0] * 5)
    assert learned_gamma.safe_beta(ISOTROPIC) == learned_gamma.collapse_beta(ISOTROPIC) == 4.0


def test_without_noise_optimal_sparsity_is_lost_at_d_over_r_and_everything_at_beta_c():
    assert learned_gamma.lossless_beta(ANISOTROPIC, 10) == 4.0
    found = learned_gamma.thresholds(ANISOTROPIC, 10)
    assert found[4] == pytest.approx(4.0)
    assert found[0] == pytest.approx(learned_gamma.collapse_beta(ANISOTROPIC))
    assert math.isnan(learned_gamma.lossless_beta(ANISOTROPIC, 4))
    assert learned_gamma.objective(ANISOTROPIC, [3.99, 4.01], 10)[0] == -math.inf


@pytest.mark.parametrize("modes", [ANISOTROPIC, NOISY, modes_of_spectrum([5.0, 3.0, 1.5, 0.4])])
@pytest.mark.parametrize("kappa", [1, 2, 3, 10])
@pytest.mark.parametrize(("floor", "ceiling"), [(0.0, math.inf), (0.0, 0.3), (0.1, math.inf)])
def test_a_latent_is_lost_exactly_at_its_threshold(modes, kappa, floor, ceiling):
    for threshold in learned_gamma.thresholds(modes, kappa, floor, ceiling):
        if threshold == 0:
            continue
        around = threshold * np.array([1 - 1e-6, 1 + 1e-6])
        before, after = learned_gamma.active_modes(modes, around, kappa, floor, ceiling)
        expected = learned_gamma.thresholds(modes, kappa, floor, ceiling)
        assert before == (expected > around[0]).sum()
        assert after == (expected > around[1]).sum()
        assert before > after


@pytest.mark.parametrize("modes", [ANISOTROPIC, NOISY, modes_of_spectrum([5.0, 3.0, 1.5, 0.4])])
@pytest.mark.parametrize("kappa", [1, 2, 3, 10])
def test_gamma_star_is_the_lowest_point_of_j(modes, kappa):
    """On a dense grid of γ no J is lower, and the closed form's own equation, G(γ*) = 0, holds."""
    grid = np.geomspace(1e-4, 10, 4001)
    for beta in np.geomspace(0.2, 30, 25):
        gamma = learned_gamma.gamma_star(modes, beta, kappa, floor=grid[0], ceiling=grid[-1])
        lowest = learned_gamma.objective(modes, beta, kappa, floor=grid[0], ceiling=grid[-1])
        values = linear.objective(modes, grid, beta, kappa)
        assert values.min() >= lowest - 1e-9
        assert values.min() - lowest < 1e-4
        assert abs(math.log(grid[values.argmin()] / gamma)) < 0.01
        free = float(learned_gamma.gamma_star(modes, beta, kappa))
        explained = np.minimum(modes.zeta2[:kappa], beta * free).sum()
        assert modes.d2 * free == pytest.approx(modes.unreached(kappa) + explained, abs=1e-12)
        assert free * modes.d2 == pytest.approx(float(linear.distortion(modes, beta * free, kappa)), abs=1e-12)


def test_at_the_event_itself_the_minimum_is_flat_up_to_the_gamma_returned():
    upper = float(learned_gamma.gamma_star(ANISOTROPIC, 4.0, 10))
    assert upper == pytest.approx(0.25 / 4)
    values = linear.objective(ANISOTROPIC, upper * np.array([1e-3, 0.1, 0.5, 1.0]), 4.0, 10)
    assert np.ptp(values) < 1e-9
    assert linear.objective(ANISOTROPIC, 1.5 * upper, 4.0, 10) > values[0]


def test_a_ceiling_avoids_collapse_iff_beta_times_it_is_below_the_first_mode():
    beta = 12.0  # beyond beta_c = 10.3
    for ceiling, survives in ((0.3, True), (0.34, False), (1.0, False)):
        active = learned_gamma.active_modes(ANISOTROPIC, beta, 10, ceiling=ceiling)
        assert (active > 0) == survives == (beta * ceiling < 4.0)


def test_a_floor_ends_the_fall_of_gamma():
    assert learned_gamma.gamma_star(ANISOTROPIC, 1.0, 10, floor=1e-8) == 1e-8
    assert math.isfinite(learned_gamma.objective(ANISOTROPIC, 1.0, 10, floor=1e-8))


def test_too_few_latents_leave_a_positive_gamma_at_every_beta():
    betas = np.geomspace(1e-4, 100, 50)
    gammas = learned_gamma.gamma_star(ANISOTROPIC, betas, 3)
    assert (gammas >= 0.75 / 20).all()
    assert gammas[0] == pytest.approx(0.75 / 20, rel=1e-4)
    assert (np.diff(betas * gammas) > 0).all()


def test_probabilistic_pca_is_the_case_beta_one():
    spectrum = np.array([5.0, 3.0, 1.5, 0.4, 0.0])
    modes = modes_of_spectrum(spectrum)
    for kappa in (1, 2, 3):
        assert learned_gamma.gamma_star(modes, 1.0, kappa) == pytest.approx(learned_gamma.ppca_gamma(spectrum, kappa))
        assert learned_gamma.active_modes(modes, 1.0, kappa) == kappa
    assert learned_gamma.ppca_gamma(spectrum, 2) == pytest.approx(1.9 / 3)
    with pytest.raises(ValueError, match="1 <= kappa < 5"):
        learned_gamma.ppca_gamma(spectrum, 5)


def test_vanilla_collapse_needs_equal_eigenvalues_on_full_rank():
    assert learned_gamma.collapse_beta(modes_of_spectrum(np.ones(6))) == pytest.approx(1.0)
    assert learned_gamma.collapse_beta(modes_of_spectrum([1.1, 1, 1, 1, 1, 0.9])) > 1.0
    assert learned_gamma.collapse_beta(modes_of_spectrum(np.ones(5), d2=6)) > 1.0


def test_a_learned_gamma_with_beta_is_beta_one_with_d_over_beta_outputs():
    """With γ' = βγ, J/β is the J of β = 1 whose normaliser counts d2/β outputs."""
    for beta in (0.5, 2.0, 3.0):
        scaled = Modes(NOISY.zeta2, NOISY.total, 30)
        fewer = Modes(NOISY.zeta2, NOISY.total, round(30 / beta))
        ours = beta * learned_gamma.gamma_star(scaled, beta, 3)
        assert ours == pytest.approx(float(learned_gamma.gamma_star(fewer, 1.0, 3)))


def test_gamma_is_the_distortion_per_output_and_beta_does_not_disappear():
    betas = np.array([0.5, 1.0, 2.0, 4.0])
    gamma = learned_gamma.gamma_star(NOISY, betas, 3)
    rate = linear.rate(NOISY.zeta2, betas * gamma, 3)
    profile = conventions.profiled(linear.distortion(NOISY, betas * gamma, 3), rate, betas, 5)
    assert profile.gamma == pytest.approx(gamma)
    assert profile.objective == pytest.approx(learned_gamma.objective(NOISY, betas, 3))
    assert profile.level == pytest.approx(betas * gamma)
    assert len(set(np.round(profile.level, 6))) == 4


def test_the_conventions_of_the_literature_are_one_objective():
    rng = np.random.default_rng(0)
    for _ in range(20):
        distortion, rate, gamma, beta = np.exp(rng.normal(size=4))
        j = conventions.objective(distortion, rate, gamma, beta, 7)
        unit = conventions.objective(distortion, rate, beta * gamma, 1.0, 7)
        assert conventions.absorbed(unit, gamma, beta, 7) == pytest.approx(float(j), rel=1e-12)
        assert conventions.loss_wz(j, gamma, 7) == pytest.approx(distortion / (2 * gamma) + beta * rate)
        j = conventions.objective(distortion, rate, gamma, 1.0, 7)
        assert conventions.eq3(j, 4) == pytest.approx(distortion / gamma + 7 * math.log(gamma) + 2 * rate + 4)
        neg_elbo = distortion / (2 * gamma) + 3.5 * math.log(2 * math.pi * gamma) + rate
        assert conventions.neg_elbo(j, 7) == pytest.approx(neg_elbo)
        summed = distortion + beta * rate  # the β-VAE of public code: γ = ½, level β/2
        assert conventions.loss_wz(conventions.objective(distortion, rate, 0.5, beta, 7), 0.5, 7) == pytest.approx(
            summed
        )


@pytest.fixture(scope="module")
def gaussian():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((500, 6)) @ np.diag([3.0, 2.0, 1.2, 0.7, 0.4, 0.2]) @ rng.standard_normal((6, 6))
    x -= x.mean(0)
    return x, x.T @ x / 500


@pytest.mark.parametrize(("gamma", "kappa"), [(0.3, 3), (0.3, 6), (2.0, 2), (1e3, 2)])
def test_at_the_linear_optimum_the_elbo_is_the_likelihood(gaussian, gamma, kappa):
    x, covariance = gaussian
    spectrum = np.linalg.eigvalsh(covariance)[::-1]
    exact = ppca.nll(spectrum, gamma, kappa)
    bound = conventions.neg_elbo(linear.objective(modes_of_spectrum(spectrum), gamma, 1.0, kappa), 6)
    assert exact == pytest.approx(float(bound), rel=1e-12)
    weights = solution.learnable_sigma(covariance, covariance, gamma, kappa)
    density = ppca.log_density(x, weights.decoder, gamma)
    assert -density.mean() == pytest.approx(exact, rel=1e-10)
    model = weights.decoder @ weights.decoder.T + gamma * np.eye(6)
    written_out = -0.5 * (np.linalg.slogdet(2 * np.pi * model)[1] + (x @ np.linalg.inv(model) * x).sum(1))
    assert density == pytest.approx(written_out, rel=1e-10)
    assert ppca.log_density(x + 5, weights.decoder, gamma, mean=np.full(6, 5.0)) == pytest.approx(density)


def test_at_the_linear_optimum_every_importance_weight_is_the_likelihood(gaussian):
    """log p(x|z) + log p(z) − log q(z|x) is log p(x) for each z drawn, so an estimate of any K is exact."""
    x, covariance = gaussian
    gamma, kappa, rng = 0.3, 4, np.random.default_rng(2)
    weights = solution.learnable_sigma(covariance, covariance, gamma, kappa)
    noise = rng.standard_normal((50, 500, kappa))
    z = x @ weights.encoder + np.sqrt(weights.variance) * noise
    constant = np.log(2 * np.pi)
    likelihood = -0.5 * (np.square(x - z @ weights.decoder.T) / gamma + np.log(gamma) + constant).sum(-1)
    prior = -0.5 * (np.square(z) + constant).sum(-1)
    posterior = -0.5 * (np.square(noise) + np.log(weights.variance) + constant).sum(-1)
    log_weights = likelihood + prior - posterior
    assert log_weights.std(0).max() < 1e-11
    assert log_weights[0] == pytest.approx(ppca.log_density(x, weights.decoder, gamma), abs=1e-10)
