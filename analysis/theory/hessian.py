"""The curvature at the origin, and at the collapsed point of a deep decoder.

A linear VAE has collapsed iff the origin is a minimum; a deeper one need not have. A deep decoder may ignore z with all its
other weights in place. That collapsed point is a minimum at no depth if it is none for a linear decoder; but with the
decoder's slope its curvature fades.

Source: Wang & Ziyin (2022), Thm. 3; the collapsed point is derived.
"""

import numpy as np
from numpy.typing import ArrayLike

from analysis.theory.modes import Array, checked, is_kept


def origin_blocks(
    zeta2: ArrayLike, gamma: float, beta: float, eta_enc: float = 1.0, sigma2: float | None = None
) -> Array:
    """The Hessian blocks (1/γ)[[σ², −ζ_i], [−ζ_i, βγ/η²]] at U = W = 0, shape (d*, 2, 2).

    One block for the pair (decoder weight, encoder weight on whitened inputs) of a latent and mode i. `sigma2` is that
    latent's posterior variance: η² where it is learnable, as it is the minimum there.
    Source: Wang & Ziyin (2022), Thm. 3.
    """
    zeta = np.sqrt(checked(zeta2))
    blocks = np.empty((len(zeta), 2, 2))
    blocks[:, 0, 0] = eta_enc**2 if sigma2 is None else sigma2
    blocks[:, 0, 1] = blocks[:, 1, 0] = -zeta
    blocks[:, 1, 1] = beta * gamma / eta_enc**2
    return blocks / gamma


def origin_is_minimum(zeta2: ArrayLike, level: ArrayLike, sigma2: float = 1.0) -> np.ndarray:
    """Whether every block is positive semi-definite, ζ_1² ≤ σ²βγ/η²; shape of `level` = βγ.

    `sigma2` is the smallest posterior variance over η², 1 where it is learnable. For a linear model it is equivalent to the
    origin being the global minimum; with γ learned too, at γ = T/d2. Source: Wang & Ziyin (2022), Thm. 3.
    """
    return ~is_kept(checked(zeta2).max(initial=0.0), sigma2 * np.asarray(level, float))


def depth_two_loss(weights: ArrayLike, variance: float, gamma: float, beta: float) -> Array:
    """L_WZ of the scalar model x → z = wx + ε, ε ~ N(0, 1) → u_2 u_1 z; `weights` (..., 3) holds u_2, u_1, w.

    The counterexample to Thm. 3 for deeper decoders: the Hessian at 0 is diag(0, 0, β·variance), positive semi-definite,
    while for variance > βγ the origin is not the minimum. Source: derived from Wang & Ziyin (2022), Thm. 3.
    """
    u2, u1, w = np.moveaxis(np.asarray(weights, float), -1, 0)
    decoder = u2 * u1
    distortion = variance * (1 - decoder * w) ** 2 + decoder**2
    return distortion / (2 * gamma) + 0.5 * beta * variance * w**2


def collapsed_hessian(
    jacobian: ArrayLike, cross: ArrayLike, features: ArrayLike, gamma: float, beta: float = 1.0
) -> Array:
    """The Hessian (1/γ)[[JᵀJ, −JᵀC], [−CᵀJ, βγ E hhᵀ]] of J in one latent's weights, where z is ignored: (m + h, m + h).

    The m weights that take the latent in and the h weights of its mean are zero, its posterior is the prior, the decoder
    gives E x, and x ~ centred. J = `jacobian` (d, m): slopes of the decoder's mean in the latent's weights at z = 1. C =
    `cross` (d, h): E x hᵀ for the features h(x) that the mean is linear in. E hhᵀ = `features` (h, h). Derived: no other
    weight enters, as the error at this point has mean zero and z is noise there.
    """
    j, c = np.asarray(jacobian, float), np.asarray(cross, float)
    mixed = -j.T @ c
    return np.block([[j.T @ j, mixed], [mixed.T, beta * gamma * np.asarray(features, float)]]) / gamma


def collapse_level(jacobian: ArrayLike, cross: ArrayLike, features: ArrayLike) -> float:
    """The level βγ, in data², from which on the collapsed point is a minimum; below it, `collapsed_hessian` has a λ < 0.

    It is the largest eigenvalue of C (E hhᵀ)⁻¹ Cᵀ, the covariance of what x's regression on h explains, on the range of J:
    the size of J plays no part. Arguments as above. Derived: the Schur complement of E hhᵀ.
    """
    j, c = np.asarray(jacobian, float), np.asarray(cross, float)
    left, size, _ = np.linalg.svd(j, full_matrices=False)
    reached = left[:, size > size.max(initial=0.0) * max(j.shape) * np.finfo(float).eps]
    explained = reached.T @ c @ np.linalg.pinv(np.asarray(features, float)) @ c.T @ reached
    return float(np.linalg.eigvalsh(explained).max(initial=0.0))
