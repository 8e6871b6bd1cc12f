"""The curvature at the origin: a linear VAE has collapsed iff the origin is a minimum; a deeper one need not have.

Source: Wang & Ziyin (2022), Thm. 3.
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
