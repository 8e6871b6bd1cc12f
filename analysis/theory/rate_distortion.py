"""The rate-distortion curve that a linear VAE traces as β varies: reverse water-filling over its modes.

Every linear minimum, whatever its β and γ, lies on the curve; `level` is the water level g = βγ, and the slope there is
dR/dK = −2g. A trained network above the curve loses to the linear optimum; a nonlinear one may lie below it.

Source: Cover & Thomas (2006), section 10.3.3, for the modes that κ latents reach; Wang & Ziyin (2022), eqs. 11-13, for β.
"""

import numpy as np
from numpy.typing import ArrayLike

from analysis.theory import linear
from analysis.theory.modes import Array, Modes


def distortion_at_rate(modes: Modes, rate: ArrayLike, kappa: int) -> Array:
    """The least distortion R, in squared data units, at each rate K in nats; shape of `rate`."""
    return linear.distortion(modes, level_at_rate(modes, rate, kappa), kappa)


def rate_at_distortion(modes: Modes, distortion: ArrayLike, kappa: int) -> Array:
    """The least rate K, in nats, at each distortion R; infinite at or below the C_0 that no rate removes."""
    return linear.rate(modes.zeta2, level_at_distortion(modes, distortion, kappa), kappa)


def level_at_rate(modes: Modes, rate: ArrayLike, kappa: int) -> Array:
    """The level g of which the modes above it cost `rate` nats; shape of `rate`.

    g = max_k exp((Σ_{i≤k} log ζ_i² − 2K)/k), as K(g) is the largest of ½ Σ_{i≤k} log(ζ_i²/g) over k.
    """
    nats = np.asarray(rate, float)
    if not (nats >= 0).all():
        raise ValueError("a rate must be a number of nats that is not negative")
    signal = linear.latent_modes(modes.zeta2, kappa)
    signal = signal[signal > 0]
    if not len(signal):
        return np.zeros(nats.shape)
    k = np.arange(1, len(signal) + 1)
    return np.exp((np.cumsum(np.log(signal)) - 2 * nats[..., None]) / k).max(-1)


def level_at_distortion(modes: Modes, distortion: ArrayLike, kappa: int) -> Array:
    """The level g at which R = `distortion`; shape of `distortion`. 0 at or below C_0, at least ζ_1² at or above T.

    g = max_k (R − C_0 − Σ_{k<i≤m} ζ_i²)/k, as R(g) − C_0 is the smallest of kg + Σ_{k<i≤m} ζ_i² over k.
    """
    signal = linear.latent_modes(modes.zeta2, kappa)
    tails = signal.sum() - np.cumsum(signal)
    above = np.asarray(distortion, float)[..., None] - modes.unreached(kappa) - tails
    return np.maximum((above / np.arange(1, kappa + 1)).max(-1), 0.0)


def curve(modes: Modes, kappa: int, points: int = 200, least: float = 1e-3) -> tuple[Array, Array]:
    """Rates and distortions (points,) to draw, from nothing sent to every level above `least` times ζ_1²."""
    highest = float(modes.zeta2[0])
    if highest == 0:
        raise ValueError("no mode is left to send: the targets do not depend on the inputs")
    levels = np.geomspace(highest, least * highest, points)
    return linear.rate(modes.zeta2, levels, kappa), linear.distortion(modes, levels, kappa)
