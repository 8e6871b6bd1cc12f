"""What a linear VAE makes of noisy data, against the signal: the sum over modes is that of the matrices."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from analysis.theory import denoising, linear

SIGNAL, NOISE, D = np.array([4.0, 2.0, 1.0]), 0.5, 6


def of_matrices(level, kappa):
    """tr (I − M) S (I − M)ᵀ + σ² tr M Mᵀ of the mean map M = U Wᵀ, on axes turned at random."""
    basis = np.linalg.qr(np.random.default_rng(1).standard_normal((D, D)))[0]
    values = denoising.spectrum(SIGNAL, NOISE, D)
    gains = np.zeros(D)
    kept = min(kappa, D)
    u = linear.decoder_singular_values(values, level, kept)
    w = linear.encoder_singular_values(values, level, kept) / np.sqrt(values[:kept])
    gains[:kept] = u * w
    m, s = basis @ np.diag(gains) @ basis.T, basis @ np.diag(values - NOISE) @ basis.T
    missed = np.eye(D) - m
    return np.trace(missed @ s @ missed.T) + NOISE * np.trace(m @ m.T)


@pytest.mark.parametrize("kappa", [1, 3, 5, 6, 9])
def test_the_error_is_that_of_the_mean_map(kappa):
    levels = np.array([1e-3, 0.2, 0.5, 0.9, 2.0, 5.0])
    expected = [of_matrices(level, kappa) for level in levels]
    assert denoising.clean_error(SIGNAL, NOISE, D, levels, kappa) == pytest.approx(expected)


@pytest.mark.parametrize("kappa", [1, 3, 5, 9])
@pytest.mark.parametrize("noise", [0.05, 0.5, 3.0])
def test_the_best_level_is_the_noise_for_every_number_of_latents(kappa, noise):
    found: Any = minimize_scalar(
        lambda log: float(denoising.clean_error(SIGNAL, noise, D, np.exp(log), kappa)), (-6, np.log(noise) + 0.3, 3)
    )
    assert np.exp(found.x) == pytest.approx(noise, rel=1e-4)
    assert found.fun == pytest.approx(denoising.least_error(SIGNAL, noise, D, kappa))
    signal = SIGNAL[: min(kappa, 3)]
    wiener = (signal * noise / (signal + noise)).sum() + SIGNAL[len(signal) :].sum()
    assert denoising.least_error(SIGNAL, noise, D, kappa) == pytest.approx(wiener)


def test_around_the_noise_the_error_is_a_parabola_of_the_level():
    """With κ = r, as long as no mode is lost."""
    levels = np.linspace(0.01, 1.4, 9)
    values = SIGNAL + NOISE
    expected = 3 * NOISE + (levels**2 - 2 * levels * NOISE) * (1 / values).sum()
    assert denoising.clean_error(SIGNAL, NOISE, D, levels, 3) == pytest.approx(expected)
    needless = 2 * (np.maximum(NOISE - levels, 0) ** 2) / NOISE
    assert denoising.clean_error(SIGNAL, NOISE, D, levels, 5) == pytest.approx(expected + needless)


def test_noise_that_is_none_and_signals_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="give a positive one"):
        denoising.clean_error(SIGNAL, 0.0, D, 1.0, 3)
    with pytest.raises(ValueError, match="do not fit in d = 2"):
        denoising.spectrum(SIGNAL, 0.5, 2)
