"""The weights of a linear VAE at its minimum, written out: z = Wᵀx + ε, p(y|z) = N(Uz, γI).

Every other minimum with a diagonal posterior covariance is one of these after a signed permutation of the latents, or a
rotation among latents of equal ζ; an arbitrary rotation is free only where all posterior variances are equal.
Source: Wang & Ziyin (2022), Thm. 2, without its arbitrary rotation P.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analysis.theory import fixed_sigma, linear
from analysis.theory.modes import Array, mode_directions


class Solution(NamedTuple):
    """Decoder U (d2, kappa), encoder W (d0, kappa) and posterior variances σ² (kappa,)."""

    decoder: Array
    encoder: Array
    variance: Array


def learnable_sigma(a: ArrayLike, cross: ArrayLike, level: float, kappa: int, eta_enc: float = 1.0) -> Solution:
    """The minimum at level βγ for A = E xxᵀ (d0, d0) and E yxᵀ (d2, d0). Source: Wang & Ziyin (2022), eqs. 11-13."""
    zeta, targets, readers = mode_directions(a, cross)
    zeta2 = np.square(zeta)
    decoder = linear.decoder_singular_values(zeta2, level, kappa, eta_enc)
    encoder = linear.encoder_singular_values(zeta2, level, kappa, eta_enc)
    variance = linear.posterior_variance(zeta2, level, kappa, eta_enc)
    return Solution(_columns(targets, decoder), _columns(readers, encoder), variance)


def given_sigma(a: ArrayLike, cross: ArrayLike, level: float, sigma2: ArrayLike, eta_enc: float = 1.0) -> Solution:
    """The minimum for given posterior variances, which come back in ascending order. Source: Wang & Ziyin (2022), Prop. 2."""
    zeta, targets, readers = mode_directions(a, cross)
    zeta2 = np.square(zeta)
    decoder = fixed_sigma.decoder_singular_values(zeta2, sigma2, level, eta_enc)
    encoder = fixed_sigma.encoder_singular_values(zeta2, sigma2, level, eta_enc)
    return Solution(_columns(targets, decoder), _columns(readers, encoder), np.sort(np.asarray(sigma2, float)))


def _columns(directions: Array, scales: Array) -> Array:
    """The first kappa directions, scaled; latents beyond the last mode get the zero column."""
    columns = np.zeros((len(directions), len(scales)))
    shared = min(directions.shape[1], len(scales))
    columns[:, :shared] = directions[:, :shared] * scales[:shared]
    return columns
