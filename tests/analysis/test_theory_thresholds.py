"""A mode at its threshold is lost, in every function that compares the two: rounding decides nothing."""

import math

import numpy as np
import pytest

from analysis.theory import affine, fixed_sigma, hessian, learned_gamma, linear, minima, modes_of_spectrum, ppca
from analysis.theory.modes import Modes

SPECTRA = [np.sort(np.random.default_rng(seed).lognormal(0, 2, 6))[::-1] for seed in range(20)]
"""Spectra whose products and quotients round."""

GAMMAS = (0.1, 1 / 3, 0.7, 1.9)


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_at_a_fixed_gamma_a_mode_is_lost_at_its_threshold(spectrum):
    for gamma in GAMMAS:
        levels = gamma * linear.thresholds(spectrum, gamma, 6)
        assert linear.active_modes(spectrum, levels, 6).tolist() == [0, 1, 2, 3, 4, 5]
        own = np.arange(6)
        assert (linear.active_units(spectrum, levels, 6)[own, own] == 0).all()
        assert (linear.decoder_singular_values(spectrum, levels, 6)[own, own] == 0).all()
        assert (linear.encoder_singular_values(spectrum, levels, 6)[own, own] == 0).all()
        assert [minima.count(spectrum, level, 6).supports for level in levels] == [math.perm(6, k) for k in range(6)]
        assert hessian.origin_is_minimum(spectrum, levels[0])
        assert not hessian.origin_is_minimum(spectrum, levels[0] * (1 - 1e-6))


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_at_a_given_sigma_a_mode_is_lost_at_its_threshold(spectrum):
    sigma2, own = np.linspace(0.3, 1.7, 6), np.arange(6)
    for gamma in GAMMAS:
        levels = gamma * fixed_sigma.thresholds(spectrum, sigma2, gamma)
        for values in (fixed_sigma.decoder_singular_values, fixed_sigma.encoder_singular_values):
            assert (values(spectrum, sigma2, levels)[own, own] == 0).all()


@pytest.mark.parametrize("spectrum", [[4.0, 2.0, 1.0, 0.5, 0.25], *SPECTRA])
@pytest.mark.parametrize("kappa", [3, 10])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_with_a_learned_gamma_a_mode_is_lost_at_its_threshold(spectrum, kappa, noise):
    modes = Modes(np.array(spectrum), sum(spectrum) * (1 + noise), 20)
    reached = min(kappa, len(spectrum))
    at = learned_gamma.thresholds(modes, kappa)[:reached]
    assert learned_gamma.active_modes(modes, at, kappa).tolist() == list(range(reached))


@pytest.mark.parametrize("r", [3, 6, 7])
def test_the_upper_end_of_a_flat_minimum_is_returned_however_the_threshold_rounds(r):
    """At β = d/r every γ below ζ_r²/β is as good; d − βr may round to anything next to zero."""
    modes = modes_of_spectrum(np.arange(r, 0, -1.0), d2=20)
    beta = 20 / r
    for near in (np.nextafter(beta, 0), beta, np.nextafter(beta, 9)):
        assert learned_gamma.gamma_star(modes, near, 10) == pytest.approx(1 / beta)


def test_the_likelihood_passes_a_threshold_without_a_jump():
    for spectrum in SPECTRA[:3]:
        at = spectrum[2]
        around = [ppca.nll(spectrum, gamma, 4) for gamma in (at * (1 - 1e-7), at, at * (1 + 1e-7))]
        assert np.ptp(around) < 1e-5


def test_the_likelihood_loses_a_mode_where_the_bound_at_beta_one_does():
    """U = 0 along a mode is a maximum of the likelihood iff the bound's own threshold is at most 1."""
    for spectrum in SPECTRA:
        gammas = ppca.thresholds(spectrum, 4)
        assert linear.thresholds(spectrum, gammas, 4)[np.arange(4), np.arange(4)] == pytest.approx(np.ones(4))
        for i, gamma in enumerate(gammas):
            for near in (0.99 * gamma, 1.01 * gamma):
                step = np.zeros((6, 1))
                step[i] = 1e-3 * math.sqrt(near)
                at_zero = ppca.mean_nll(np.zeros((6, 1)), np.diag(spectrum), near)
                assert (ppca.mean_nll(step, np.diag(spectrum), near) < at_zero) == (near < gamma)


def test_the_bound_lies_above_the_likelihood_by_the_gap_in_closed_form():
    rng = np.random.default_rng(5)
    for gamma in (0.1, 1.0):
        decoder, root = rng.standard_normal((5, 3)), rng.standard_normal((5, 5))
        bound = affine.profile_loss(decoder, root @ root.T, gamma) / 2 - 3 / 2 + 2.5 * math.log(2 * math.pi)
        exact = ppca.mean_nll(decoder, root @ root.T, gamma)
        assert float(bound) - exact == pytest.approx(ppca.elbo_gap(decoder, gamma), abs=1e-10)
        assert ppca.elbo_gap(decoder, gamma) > 0.01
        turned = np.linalg.qr(decoder)[0] * [3.0, 1.0, 0.1]
        assert ppca.elbo_gap(turned, gamma) == pytest.approx(0, abs=1e-12)


def test_the_least_nll_is_that_of_the_best_decoder_and_the_mean_of_densities():
    rng = np.random.default_rng(6)
    x = rng.standard_normal((500, 4)) * [2.0, 1.5, 1.0, 0.5]
    covariance = (x - x.mean(0)).T @ (x - x.mean(0)) / 500
    values, vectors = np.linalg.eigh(covariance)
    best = vectors[:, :1:-1] * np.sqrt(values[:1:-1] - 0.3)
    assert ppca.mean_nll(best, covariance, 0.3) == pytest.approx(ppca.nll(values[::-1], 0.3, 2), rel=1e-12)
    densities = ppca.log_density(x, best, 0.3, x.mean(0))
    assert ppca.mean_nll(best, covariance, 0.3) == pytest.approx(-float(densities.mean()), rel=1e-12)
