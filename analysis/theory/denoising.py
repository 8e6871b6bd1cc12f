"""What a linear VAE at a given level g = βγ makes of noisy data x = s + ε, against the signal s itself.

The noise is ε ~ N(0, σ² I) and the signal's covariance has eigenvalues ω_i, so the data's are λ_i = ω_i + σ². The mean map
x → E[m(z)|x] multiplies mode i ≤ κ by c_i = (1 − g/λ_i)₊ and drops the others, hence

    E‖s − x̂‖² = Σ_i (1 − c_i)² ω_i + c_i² σ²

At g = σ² every c_i is ω_i/(ω_i + σ²), which is Wiener's filter: the best linear map there is, for every mode, whatever κ.
As long as no signal is lost the sum is a parabola in g, of which only the part g < σ² knows of latents without a signal:

    κ' σ² + Σ (g² − 2gσ²)/λ_i + Σ_{i>κ} ω_i  over the κ' modes that carry a signal, and (σ² − g)₊²/σ² for each other latent.

Source: derived from Wang & Ziyin (2022), eqs. 11-13; Wiener (1949) for the best linear map.
"""

import numpy as np
from numpy.typing import ArrayLike

from analysis.theory import linear
from analysis.theory.modes import Array, checked, checked_kappa


def spectrum(signal: ArrayLike, noise: float, d: int) -> Array:
    """λ_i = ω_i + σ² (d,), descending, of ω (r,) descending and `noise` σ². Raises: ValueError."""
    return _signal(signal, noise, d) + noise


def clean_error(signal: ArrayLike, noise: float, d: int, level: ArrayLike, kappa: int) -> Array:
    """E‖s − x̂‖² of κ latents at the level g, in squared data units; shape of `level`. Raises: ValueError."""
    omega = _signal(signal, noise, d)
    gains = linear.active_units(omega + noise, level, min(checked_kappa(kappa), d))
    gains = np.concatenate([gains, np.zeros((*gains.shape[:-1], d - gains.shape[-1]))], axis=-1)
    return ((1 - gains) ** 2 * omega + gains**2 * noise).sum(-1)


def least_error(signal: ArrayLike, noise: float, d: int, kappa: int) -> float:
    """The error at g = σ², Σ_{i≤κ} ω_i σ²/(ω_i + σ²) + Σ_{i>κ} ω_i, in squared data units. Source: Wiener (1949)."""
    return float(clean_error(signal, noise, d, noise, kappa))


def _signal(signal: ArrayLike, noise: float, d: int) -> Array:
    omega = checked(signal)
    if not noise > 0:
        raise ValueError(f"the noise has a variance of {noise}: give a positive one")
    if len(omega) > d:
        raise ValueError(f"{len(omega)} modes of a signal do not fit in d = {d}: raise d or drop some")
    return np.concatenate([omega, np.zeros(d - len(omega))])
