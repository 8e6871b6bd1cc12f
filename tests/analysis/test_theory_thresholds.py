"""A mode at its threshold is lost, in every function that compares the two: rounding decides nothing."""

import math

import numpy as np
import pytest

from analysis.theory import fixed_sigma, hessian, learned_gamma, linear, minima, modes_of_spectrum, ppca
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
