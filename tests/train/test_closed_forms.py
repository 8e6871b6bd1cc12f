"""Training and measuring against closed forms: theory is the oracle."""

import math

import numpy as np
import pytest
import torch
from trained_stacks import train_stack

from models.loss.gamma import gamma_at, knobs
from models.loss.objective import latent_rates, misfit, neg_elbo, normal_constant, objective, squared_error
from models.metrics.mmd import mmd_imq
from models.specs import Annealed, Fixed, Learned, Optimal
from study import VAE, LinearSubspace, Objective, Training, Trial


def linear_trial(gamma, beta=1.0, seed=0, kappa=4):
    return Trial(
        data=LinearSubspace(d=8, eigenvalues=(5.0, 3.0, 1.5, 0.4), noise=0.0, n=4000, n_test=2000),
        model=VAE(kappa=kappa, encoder=(), decoder=(), log_var_scale=0.1),
        objective=Objective(gamma=gamma, beta=beta),
        training=Training(steps=2000, batch=256, lr=1e-2),
        seed=seed,
    )


SWEEP = [linear_trial(Fixed(0.5), beta=beta, seed=seed) for beta in (0.5, 1.0, 2.0, 4.0, 12.0) for seed in (0, 1)]
SAME_PRODUCT = linear_trial(Fixed(2.0), beta=1.0)
"""Of γ and β as the sweep's trial at β = 4."""

MODES = {
    "learned": linear_trial(Learned(), kappa=2),
    "optimal": linear_trial(Optimal(), kappa=2),
    "ceiling": linear_trial(Learned(init=0.05, ceiling=0.1), kappa=2),
    "floor": linear_trial(Learned(init=2.0, floor=1.5), kappa=2),
    "small beta": linear_trial(Learned(), beta=0.5, kappa=2),
    "large beta": linear_trial(Learned(), beta=2.0, kappa=2),
}


@pytest.fixture(scope="module")
def linear_sweep():
    """A linear VAE at fixed γ = 0.5 and five weights of the rate; last, one of the same product of γ and β as another."""
    return SWEEP, train_stack([*SWEEP, SAME_PRODUCT])[1]


@pytest.fixture(scope="module")
def modes():
    """γ by name of its mode, of linear VAEs with fewer latents than dimensions, and the data's spectrum."""
    _, measure = train_stack(list(MODES.values()))
    return dict(zip(MODES, measure.gamma.tolist(), strict=True)), measure.data.spectrum


def test_linear_vae_drops_directions_below_the_noise(linear_sweep):
    """Mode i is active iff λ_i > βγ; active modes keep σ² = βγ/λ_i. Source: Wang & Ziyin (2022), eqs. 11-13."""
    trials, measure = linear_sweep
    for i, trial in enumerate(trials):
        level = trial.objective.beta * 0.5
        spectrum = measure.data.spectrum[:4]
        expected = np.sort(np.minimum(1.0, level / spectrum))
        assert np.sort(measure.train.variance[i].numpy()) == pytest.approx(expected, abs=0.03)


def test_linear_vae_lies_on_the_water_filling_curve(linear_sweep):
    """Distortion Σ min(λ, βγ) and rate ½ Σ log₊(λ/βγ): reverse water-filling at level βγ."""
    trials, measure = linear_sweep
    for i, trial in enumerate(trials):
        level, spectrum = trial.objective.beta * 0.5, measure.data.spectrum
        assert float(measure.train.distortion[i]) == pytest.approx(np.minimum(spectrum, level).sum(), rel=0.03)
        rate = 0.5 * np.log(np.maximum(spectrum[:4] / level, 1)).sum()
        assert float(measure.train.rate[i]) == pytest.approx(rate, rel=0.03, abs=0.01)


def test_a_converged_linear_vae_has_unit_second_moments(linear_sweep):
    _, measure = linear_sweep
    assert float(measure.scale_residual.max()) < 0.08


def test_learned_and_optimal_gamma_find_the_noise_of_probabilistic_pca(modes):
    """β = 1, κ < d: γ* = Σ_{i>κ} λ_i/(d−κ). Source: Tipping & Bishop (1999), eq. 8."""
    gamma, spectrum = modes
    expected = spectrum[2:].sum() / (8 - 2)
    assert [gamma["learned"], gamma["optimal"]] == pytest.approx([expected, expected], rel=0.02)


def test_a_ceiling_and_a_floor_hold_a_learned_gamma(modes):
    gamma, _ = modes
    assert [gamma["ceiling"], gamma["floor"]] == pytest.approx([0.1, 1.5], rel=1e-5)


def test_beta_and_a_fixed_gamma_matter_only_through_their_product(linear_sweep):
    """J_{γ,β} and J_{βγ,1} have the same minimisers, and Adam takes the same path to them."""
    trials, measure = linear_sweep
    one, other = trials.index(linear_trial(Fixed(0.5), beta=4.0)), len(trials)
    assert float(measure.train.distortion[one]) == pytest.approx(float(measure.train.distortion[other]), rel=1e-3)
    assert float(measure.train.rate[one]) == pytest.approx(float(measure.train.rate[other]), rel=1e-3)


def test_beta_does_not_disappear_when_gamma_is_learned(modes):
    gamma, spectrum = modes
    for name, beta in (("small beta", 0.5), ("large beta", 2.0)):
        assert gamma[name] == pytest.approx(spectrum[2:].sum() / (8 - 2 * beta), rel=0.02)


@pytest.mark.parametrize("beta", [0.3, 1.0, 5.0])
def test_the_objective_is_the_one_convention(beta):
    """J against the negative log densities written out by torch.distributions."""
    torch.manual_seed(0)
    n, d, kappa, gamma = 50, 7, 3, 0.4
    x, mean = torch.randn(n, d, dtype=torch.float64), torch.randn(n, d, dtype=torch.float64)
    mu, log_var = torch.randn(n, kappa, dtype=torch.float64), torch.randn(n, kappa, dtype=torch.float64)
    likelihood = torch.distributions.Normal(mean, math.sqrt(gamma)).log_prob(x).sum(1).mean()
    posterior = torch.distributions.Normal(mu, (0.5 * log_var).exp())
    prior = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    rate = torch.distributions.kl_divergence(posterior, prior).sum(1).mean()
    nats = misfit(squared_error(x, mean).mean(), torch.tensor(gamma, dtype=torch.float64), d)
    value = objective(nats, latent_rates(mu, log_var).sum(1).mean(), beta)
    constant = 0.5 * d * math.log(2 * math.pi)
    assert float(value) == pytest.approx(float(-likelihood + beta * rate - constant), rel=1e-12)
    assert float(neg_elbo(nats, rate, normal_constant(d))) == pytest.approx(float(-likelihood + rate), rel=1e-12)


@pytest.mark.parametrize(
    ("spec", "progress", "expected"),
    [
        (Fixed(0.3), 0.7, 0.3),
        (Annealed(1.0, 0.01, over=0.5), 0.0, 1.0),
        (Annealed(1.0, 0.01, over=0.5), 0.25, 0.1),
        (Annealed(1.0, 0.01, over=0.5), 0.8, 0.01),
        (Optimal(), 0.1, 6.0 / 20),
        (Optimal(floor=0.5), 0.1, 0.5),
        (Learned(init=0.2), 0.9, 0.2),
    ],
)
def test_each_mode_sets_the_variance_it_declares(spec, progress, expected):
    numbers = {name: torch.tensor(value, dtype=torch.float64) for name, value in knobs(spec).items()}
    gamma = gamma_at(numbers, numbers["log_init"], torch.tensor(6.0, dtype=torch.float64), 20, torch.tensor(progress))
    assert float(gamma) == pytest.approx(expected, rel=1e-9)


def test_mmd_of_two_samples_of_the_prior_is_zero_within_its_standard_error():
    generator = torch.Generator().manual_seed(0)
    for kappa in (2, 16):
        draws = torch.randn(2, 2000, kappa, generator=generator)
        value, error = mmd_imq(*draws)
        assert abs(value) < 4 * error
        assert error < 5e-3


def test_mmd_of_a_point_mass_is_the_closed_form():
    """Σ_s [1 + s/(s+1) − 4s/(2s+1)], up to the spread of ‖z‖² about κ."""
    z = torch.zeros(2000, 64)
    value, _ = mmd_imq(z, torch.randn(2000, 64, generator=torch.Generator().manual_seed(1)))
    expected = sum(1 + s / (s + 1) - 4 * s / (2 * s + 1) for s in (0.1, 0.2, 0.5, 1, 2, 5, 10))
    assert value == pytest.approx(expected, rel=0.01)


def test_mmd_is_unbiased():
    generator = torch.Generator().manual_seed(3)
    values = [mmd_imq(*torch.randn(2, 100, 4, generator=generator))[0] for _ in range(300)]
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(300)
