"""The linear VAE at a given γ whose posterior variances σ² are given too, the same for every x.

At the minimum the narrowest latent carries the strongest mode: σ ascends while ζ descends. `sigma2` (kappa,) may come
in any order and is sorted here; answers of shape (*level, kappa) are in the sorted order. With t_i = √g σ_i/η and g = βγ,
mode i is kept iff ζ_i > t_i. `eta_enc` is the prior's standard deviation η.

Source: Wang & Ziyin (2022), Prop. 2, with two corrections: it needs the σ sorted, and partial collapse is at ζ_i ≤ t_i.
"""

import numpy as np
from numpy.typing import ArrayLike

from analysis.theory.linear import latent_modes
from analysis.theory.modes import Array, Modes, is_kept


def thresholds(zeta2: ArrayLike, sigma2: ArrayLike, gamma: ArrayLike, eta_enc: float = 1.0) -> Array:
    """β_i* = ζ_i² η²/(σ_i² γ), shape (*gamma, kappa): latent i collapses iff β ≥ β_i*.

    Source: Wang & Ziyin (2022), section 4.3, corrected: ζ_i − √g σ_i/η ≤ 0.
    """
    variance = _ascending(sigma2)
    return latent_modes(zeta2, len(variance)) * eta_enc**2 / (variance * np.asarray(gamma, float)[..., None])


def decoder_singular_values(zeta2: ArrayLike, sigma2: ArrayLike, level: ArrayLike, eta_enc: float = 1.0) -> Array:
    """λ_i = [√g (ζ_i − t_i)_+/(σ_i η)]^{1/2} of U, shape (*level, kappa), in data units.

    Source: Wang & Ziyin (2022), Prop. 2.
    """
    sigma, t = _noise(sigma2, level, eta_enc)
    return np.sqrt(np.sqrt(_last(level)) / (sigma * eta_enc) * _margin(zeta2, t))


def encoder_singular_values(zeta2: ArrayLike, sigma2: ArrayLike, level: ArrayLike, eta_enc: float = 1.0) -> Array:
    """θ_i = [σ_i η (ζ_i − t_i)_+/√g]^{1/2} of W on whitened inputs, shape (*level, kappa); θ_i² = Var_x E[z_i|x].

    Source: Wang & Ziyin (2022), Prop. 2.
    """
    sigma, t = _noise(sigma2, level, eta_enc)
    return np.sqrt(sigma * eta_enc / np.sqrt(_last(level)) * _margin(zeta2, t))


def distortions(zeta2: ArrayLike, sigma2: ArrayLike, level: ArrayLike, eta_enc: float = 1.0) -> Array:
    """D_i = ζ_i min(ζ_i, t_i), shape (*level, kappa), in squared data units.

    Source: derived from Wang & Ziyin (2022), Prop. 2: (ζ − λθ)² + λ²σ² at its singular values.
    """
    _, t = _noise(sigma2, level, eta_enc)
    zeta = np.sqrt(latent_modes(zeta2, t.shape[-1]))
    return zeta * np.minimum(zeta, t)


def rates(zeta2: ArrayLike, sigma2: ArrayLike, level: ArrayLike, eta_enc: float = 1.0) -> Array:
    """KL_i = ½(θ_i²/η² + σ_i²/η² − 1 − log σ_i²/η²) in nats, shape (*level, kappa).

    A collapsed latent still pays for a σ that is not the prior's. Source: Wang & Ziyin (2022), Prop. 2.
    """
    narrow = _ascending(sigma2) / eta_enc**2
    means = np.square(encoder_singular_values(zeta2, sigma2, level, eta_enc)) / eta_enc**2
    return 0.5 * (means + narrow - 1 - np.log(narrow))


def sample_diversity(zeta2: ArrayLike, sigma2: ArrayLike, level: ArrayLike, eta_enc: float = 1.0) -> Array:
    """tr Cov of the decoder mean under the prior, η² Σ λ_i², in squared data units; shape of `level`."""
    return eta_enc**2 * np.square(decoder_singular_values(zeta2, sigma2, level, eta_enc)).sum(-1)


def loss_wz(modes: Modes, sigma2: ArrayLike, gamma: ArrayLike, beta: ArrayLike, eta_enc: float = 1.0) -> Array:
    """min L_WZ = [T − Σ_{i≤κ} (ζ_i − t_i)_+²]/(2γ) + (β/2) Σ_{i≤κ} (σ_i²/η² − 1 − log σ_i²/η²), in nats.

    Shape of `gamma` and `beta` broadcast. Source: Wang & Ziyin (2022), Prop. 2, with the σ sorted.
    """
    gamma, beta = np.asarray(gamma, float), np.asarray(beta, float)
    _, t = _noise(sigma2, beta * gamma, eta_enc)
    narrow = _ascending(sigma2) / eta_enc**2
    gained = np.square(_margin(modes.zeta2, t)).sum(-1)
    return (modes.total - gained) / (2 * gamma) + 0.5 * beta * (narrow - 1 - np.log(narrow)).sum()


def _noise(sigma2: ArrayLike, level: ArrayLike, eta_enc: float) -> tuple[Array, Array]:
    """σ ascending (kappa,) and t = √g σ/η (*level, kappa)."""
    sigma = np.sqrt(_ascending(sigma2))
    return sigma, np.sqrt(_last(level)) * sigma / eta_enc


def _margin(zeta2: ArrayLike, t: Array) -> Array:
    """(ζ_i − t_i)_+; 0 of a mode at its threshold, and not rounding noise that roots enlarge."""
    zeta2 = latent_modes(zeta2, t.shape[-1])
    return np.where(is_kept(zeta2, t * t), np.sqrt(zeta2) - t, 0.0)


def _ascending(sigma2: ArrayLike) -> Array:
    variance = np.sort(np.asarray(sigma2, float))
    if variance.ndim != 1 or not (variance > 0).all():
        raise ValueError("sigma2 must be one row of positive posterior variances, one for each latent")
    return variance


def _last(level: ArrayLike) -> Array:
    values = np.asarray(level, float)
    if not (values > 0).all():
        raise ValueError("with a given sigma the level beta * gamma must be positive")
    return values[..., None]
