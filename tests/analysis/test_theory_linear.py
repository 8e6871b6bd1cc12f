"""The linear theory at a given γ: modes from data, thresholds, the loss along β, the rate-distortion curve."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from analysis.theory import (
    fixed_sigma,
    hessian,
    learned_gamma,
    linear,
    modes_of_data,
    modes_of_moments,
    modes_of_spectrum,
    rate_distortion,
    sampling,
)
from analysis.theory.modes import Modes

ZETA2 = np.array([14.0, 8.0, 4.0, 2.0, 1.0])


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)[0] / 16


def test_the_modes_of_an_autoencoder_are_the_spectrum_of_its_data(digits):
    modes = modes_of_data(digits)
    assert modes.total == pytest.approx(4.693, abs=5e-4)
    assert modes.rank == 61
    assert modes.explained == pytest.approx(1.0)
    assert modes.zeta2[:5] == pytest.approx([0.699, 0.639, 0.554, 0.395, 0.271], abs=6e-4)
    assert linear.collapse_beta(modes.zeta2, 0.05) == pytest.approx(13.98, abs=0.01)


def test_learned_biases_are_as_good_as_centred_data(digits):
    assert modes_of_data(digits + 3.0).zeta2 == pytest.approx(modes_of_data(digits).zeta2, abs=1e-9)


def test_modes_of_planted_targets_survive_any_mixing_of_the_inputs():
    rng = np.random.default_rng(0)
    whitened = rng.standard_normal((5, 5000))
    whitened -= whitened.mean(1, keepdims=True)
    whitened = np.linalg.solve(np.linalg.cholesky(whitened @ whitened.T / 5000), whitened).T
    f, g = (np.linalg.qr(rng.standard_normal((k, k)))[0] for k in (7, 5))
    y = whitened @ g @ np.diag(np.sqrt(ZETA2)) @ f[:, :5].T
    modes = modes_of_data(whitened @ rng.standard_normal((5, 9)), y)  # 9 inputs of rank 5
    assert modes.zeta2 == pytest.approx(ZETA2, rel=1e-9)
    assert (modes.d2, modes.rank) == (7, 5)
    assert modes.explained == pytest.approx(1.0)
    noise = rng.standard_normal((5000, 7))
    noise -= whitened @ (whitened.T @ noise / 5000) + noise.mean(0)
    noisy = modes_of_data(whitened @ rng.standard_normal((5, 5)), y + noise)
    assert noisy.zeta2 == pytest.approx(ZETA2, rel=1e-9)
    assert noisy.unreached(5) == pytest.approx(float(np.square(noise).sum() / 5000))
    assert noisy.unreached(3) == pytest.approx(noisy.unreached(5) + 3.0)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_what_counts_as_rounding_does_not_depend_on_the_unit_of_the_data(scale):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((300, 3)) @ rng.standard_normal((3, 8))
    y = x @ rng.standard_normal((8, 5))
    for targets, reference in ((None, modes_of_data(x)), (y, modes_of_data(x, y))):
        modes = modes_of_data(scale * x, None if targets is None else scale * targets)
        assert modes.rank == 3
        assert modes.unreached(3) == 0 < modes.unreached(2)
        assert modes.zeta2[:3] == pytest.approx(scale**2 * reference.zeta2[:3], rel=1e-9)
        assert learned_gamma.gamma_star(modes, 0.5, 6) == 0
        assert learned_gamma.active_modes(modes, 0.5, 6) == 3
        assert learned_gamma.lossless_beta(modes, 6) == modes.d2 / 3


def test_targets_that_do_not_depend_on_the_inputs_have_no_mode():
    modes = modes_of_moments(np.zeros((2, 2)), np.zeros((3, 2)), 4.0)
    assert (modes.rank, learned_gamma.collapse_beta(modes), learned_gamma.safe_beta(modes)) == (0, 0.0, 0.0)
    assert learned_gamma.gamma_star(modes, 0.1, 2) == pytest.approx(4 / 3)
    assert linear.active_units(modes.zeta2, 0.1, 2).tolist() == [0.0, 0.0]
    assert rate_distortion.distortion_at_rate(modes, 3.0, 2) == 4.0
    with pytest.raises(ValueError, match="must vary"):
        modes_of_data(np.ones((5, 2)))


def test_moments_that_no_data_have_are_refused():
    with pytest.raises(ValueError, match="not the moments of one distribution"):
        modes_of_moments(np.diag([1.0, 0.0]), np.eye(2), 2.0)
    with pytest.raises(ValueError, match="below the sum of the modes"):
        modes_of_moments(np.eye(2), np.eye(2), 1.0)
    with pytest.raises(ValueError, match="descend"):
        linear.thresholds([1.0, 2.0], 1.0, 2)
    with pytest.raises(ValueError, match="finite"):
        modes_of_spectrum([1.0, np.nan])
    with pytest.raises(ValueError, match="at least one latent"):
        linear.active_units(ZETA2, 1.0, 0)
    with pytest.raises(ValueError, match="not negative"):
        linear.active_units(ZETA2, -1.0, 2)
    with pytest.raises(ValueError, match="gamma must be positive"):
        linear.thresholds(ZETA2, 0.0, 2)
    with pytest.raises(ValueError, match="row for each example"):
        modes_of_data(np.ones(3))
    with pytest.raises(ValueError, match="row by row"):
        modes_of_data(np.ones((3, 2)), np.ones((4, 2)))
    with pytest.raises(ValueError, match="positive posterior variances"):
        fixed_sigma.thresholds(ZETA2, [1.0, 0.0], 1.0)


def test_each_latent_collapses_at_its_threshold():
    betas = np.geomspace(0.25, 20, 200)
    gamma = 0.7
    units = linear.active_units(ZETA2, betas * gamma, 7)
    found = linear.thresholds(ZETA2, gamma, 7)
    assert units.shape == (200, 7)
    assert np.array_equal(units > 0, betas[:, None] < found)
    assert units == pytest.approx(np.maximum(1 - betas[:, None] / np.where(found > 0, found, 1e-9), 0))
    assert linear.active_modes(ZETA2, betas * gamma, 3).tolist() == (units[:, :3] > 0).sum(1).tolist()
    assert found[0] == linear.collapse_beta(ZETA2, gamma)
    at = linear.active_units(ZETA2, found[:5] * gamma, 5)
    assert (np.diag(at) == 0).all()


def test_the_first_latent_of_the_conditional_study_is_lost_at_fourteen():
    assert (linear.active_units(ZETA2, [12.0, 14.5], 5)[:, 0] > 0).tolist() == [True, False]


def test_published_mnist_modes_leave_two_at_beta_three_and_a_half_and_none_at_six():
    mnist = 52.7 * np.array([0.097, 0.072, 0.062, 0.054, 0.049])
    assert linear.active_modes(mnist, [3.5, 6.0], 5).tolist() == [2, 0]
    assert linear.collapse_beta(mnist, 1.0) == pytest.approx(5.12, abs=0.01)
    diversity = linear.sample_diversity(mnist, np.linspace(0.5, 6, 12), 5)
    assert (np.diff(diversity) <= 0).all()
    assert diversity[0] == pytest.approx((mnist - 0.5).sum())


def test_surplus_latents_equal_the_prior_and_lacking_ones_leave_modes_untouched():
    level = np.array([0.5, 3.0, 20.0])
    wide = linear.posterior_variance(ZETA2, level, 8, eta_enc=1.5)
    assert (wide[:, 5:] == 1.5**2).all()
    assert (linear.rates(ZETA2, level, 8)[:, 5:] == 0).all()
    narrow = linear.distortions(ZETA2, level, 2)
    assert np.array_equal(narrow[:, 2:], np.broadcast_to(ZETA2[2:], (3, 3)))
    assert np.array_equal(narrow[:, 0], [0.5, 3.0, 14.0])


def test_the_loss_turns_smoothly_and_its_second_derivative_jumps():
    """L' = K is continuous at β_i*, and L'' jumps by 1/(2β_i*): a transition of second order."""
    modes, h, jumps = modes_of_spectrum([4.0, 2.0, 1.0]), 1e-3, []
    for star in linear.thresholds(modes.zeta2, 1.0, 3):
        betas = star + h * np.arange(-2, 3)
        loss = linear.loss_wz(modes, 1.0, betas, 3)
        below, above = loss[:3], loss[2:]
        jumps.append((np.diff(above, 2) - np.diff(below, 2)).item() / h**2)
        assert jumps[-1] == pytest.approx(1 / (2 * star), rel=6e-3)
        slope = (loss[3] - loss[1]) / (2 * h)
        assert slope == pytest.approx(float(linear.rate(modes.zeta2, star, 3)), abs=1e-3)
    assert jumps == pytest.approx([0.1250, 0.2504, 0.5025], abs=5e-5)


def test_given_variances_equal_to_the_optimal_ones_have_the_same_minimum():
    modes, gamma, beta = Modes(ZETA2, 33.0, 6), 0.6, 2.5
    best = linear.posterior_variance(ZETA2, beta * gamma, 7, eta_enc=1.3)
    ours = fixed_sigma.loss_wz(modes, best, gamma, beta, 1.3)
    assert ours == pytest.approx(float(linear.loss_wz(modes, gamma, beta, 7)), rel=1e-12)
    parts = fixed_sigma.rates(ZETA2, best, beta * gamma, 1.3)
    assert parts == pytest.approx(linear.rates(ZETA2, beta * gamma, 7), abs=1e-12)
    for name in ("decoder_singular_values", "encoder_singular_values"):
        given = getattr(fixed_sigma, name)(ZETA2, best, beta * gamma, 1.3)
        assert given == pytest.approx(getattr(linear, name)(ZETA2, beta * gamma, 7, 1.3), abs=1e-12)


def test_with_given_variances_a_mode_is_lost_at_its_own_threshold():
    sigma2, gamma, eta = np.array([2.0, 0.2, 0.9]), 0.5, 1.4
    found = fixed_sigma.thresholds(ZETA2, sigma2, gamma, eta)
    betas = found[:, None] * [0.999, 1.001]
    for i in range(3):
        means = fixed_sigma.encoder_singular_values(ZETA2, sigma2, betas[i] * gamma, eta)
        assert (means[:, i] > 0).tolist() == [True, False]
    assert found == pytest.approx(ZETA2[:3] * eta**2 / (np.sort(sigma2) * gamma))
    narrowest = sigma2.min() / eta**2
    assert hessian.origin_is_minimum(ZETA2, found[0] * gamma * np.array([0.999, 1.001]), narrowest).tolist() == [
        False,
        True,
    ]


def test_a_collapsed_latent_of_given_variance_still_pays_its_rate():
    rates = fixed_sigma.rates(ZETA2, [0.5, 1.0], 100.0)
    assert rates == pytest.approx([0.5 * (0.5 - 1 - np.log(0.5)), 0.0])


def test_every_minimum_lies_on_the_curve_whose_slope_is_minus_twice_the_level():
    modes, levels = Modes(ZETA2, 33.0, 6), np.geomspace(0.01, 20, 300)
    for kappa in (2, 5, 9):
        rate, distortion = linear.rate(ZETA2, levels, kappa), linear.distortion(modes, levels, kappa)
        assert rate_distortion.distortion_at_rate(modes, rate, kappa) == pytest.approx(distortion, rel=1e-9)
        sent = rate > 0
        back = rate_distortion.rate_at_distortion(modes, distortion[sent], kappa)
        assert back == pytest.approx(rate[sent], abs=1e-9)
        assert rate_distortion.level_at_rate(modes, rate[sent], kappa) == pytest.approx(levels[sent])
        middle = 0.5 * (rate[sent][1:] + rate[sent][:-1])
        slopes = np.diff(distortion[sent]) / np.diff(rate[sent])
        assert slopes == pytest.approx(-2 * rate_distortion.level_at_rate(modes, middle, kappa), rel=2e-2)
    assert rate_distortion.rate_at_distortion(modes, modes.unreached(9), 9) == np.inf
    assert rate_distortion.rate_at_distortion(modes, [33.0, 50.0], 9).tolist() == [0.0, 0.0]
    rates, distortions = rate_distortion.curve(modes, 5)
    assert (rates[0], distortions[0]) == (0.0, 33.0)
    assert (np.diff(rates) > 0).all()
    assert (np.diff(distortions) < 0).all()


def test_noise_of_finite_samples_reaches_the_edge_of_its_spectrum():
    """A cut on AU that is to reject noise must exceed 1 − (1 + √(d/n))^{-2}; λ_1 spreads by the order n^{-2/3}."""
    d, n = 300, 3000
    largest = modes_of_data(np.random.default_rng(0).standard_normal((n, d))).zeta2[:1]
    assert largest == pytest.approx(sampling.pruning_beta(d, n), rel=0.02)
    units = linear.active_units(largest, 1.0, 1)
    assert units == pytest.approx(sampling.spurious_active_units(d, n), abs=0.01)
    assert linear.active_modes(largest, 1.02 * sampling.pruning_beta(d, n), 1) == 0
