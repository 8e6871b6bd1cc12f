"""The VAE with an affine decoder x ≈ Wz, its encoder and posterior variances minimised out: a loss of W alone.

Losses here are on the scale of Dai, Wenliang & Wipf, 2J + βκ (twice the nats, without the −1 of each latent's rate).
`level` is g = βγ.
"""

import numpy as np
from numpy.typing import ArrayLike

from analysis.theory.modes import Array


def profile_loss(w: ArrayLike, covariance: ArrayLike, gamma: float, beta: float = 1.0) -> Array:
    """L(W) = β{κ − κ log g + Σ_k log(g + ‖w_k‖²) + tr[S(gI + WWᵀ)^{-1}]} + d log γ; W (..., d, κ), answer (...,).

    S (d, d) is the covariance of the data. Source: "On the regularization balance in autoencoder-based generative models",
    Thm. 1 and its proof; for β ≠ 1 derived.
    """
    w, s, g = np.asarray(w, float), np.asarray(covariance, float), beta * gamma
    d, kappa = w.shape[-2:]
    if s.shape != (d, d):
        raise ValueError(f"a decoder of {d} outputs needs a covariance ({d}, {d}), not {s.shape}")
    norms = np.log(g + np.square(w).sum(-2)).sum(-1)
    model = g * np.eye(d) + w @ np.swapaxes(w, -1, -2)
    misfit = np.trace(np.linalg.solve(model, np.broadcast_to(s, model.shape)), axis1=-2, axis2=-1)
    return beta * (kappa - kappa * np.log(g) + norms + misfit) + d * np.log(gamma)


def posterior_variance(w: ArrayLike, level: float) -> Array:
    """s_k² = 1/(1 + ‖w_k‖²/g) of each latent, shape (..., κ). Source: Dai, Wenliang & Wipf (2021), proof of Lemma 2."""
    return 1 / (1 + np.square(np.asarray(w, float)).sum(-2) / level)


def column_norm2(code_variance: ArrayLike, gamma: ArrayLike) -> Array:
    """a = (c + √(c² + 4cγ))/2, the best ‖w_k‖² for a latent whose part of x has variance c = ‖z_k‖²/n (unit columns).

    It minimises log(γ + a) + c/a. Source: Dai, Wenliang & Wipf (2021), Lemma 2.
    """
    c, gamma = np.asarray(code_variance, float), np.asarray(gamma, float)
    return 0.5 * (c + np.sqrt(c * c + 4 * c * gamma))


def sparse_penalty(code_variance: ArrayLike, gamma: ArrayLike) -> Array:
    """h_γ(c) = log(γ + a) + c/a, the price of a latent of variance c at a fixed γ > 0; h_γ(0) = log γ.

    h_γ(c) → log c + 1 as γ → 0. Its slope 1/a is (cγ)^{-1/2} for c ≪ γ: unbounded, though h_γ is continuous at 0.
    Source: Dai, Wenliang & Wipf (2021), Lemma 2.
    """
    c, gamma = np.asarray(code_variance, float), np.asarray(gamma, float)
    a = column_norm2(c, gamma)
    return np.log(gamma + a) + np.divide(c, a, out=np.zeros(np.broadcast_shapes(c.shape, a.shape)), where=a > 0)


def sparse_limit(code_variance: ArrayLike, gamma: float, d: int) -> float:
    """(d − k) log γ + Σ_active (log c + 1) + κ: the loss of codes without reconstruction error as γ → 0, k of them active.

    Source: Dai, Wenliang & Wipf (2021), Lemma 2, with h = log after the minimum over γ only.
    """
    c = np.asarray(code_variance, float)
    active = c[c > 0]
    return float((d - len(active)) * np.log(gamma) + (np.log(active) + 1).sum() + len(c))


def profiled_reconstruction(distortion: ArrayLike, d: int) -> Array:
    """min over γ of R/γ + d log γ = d log(R/d) + d, at γ = R/d: learning γ makes the reconstruction term a logarithm.

    Source: Dai, Wenliang & Wipf (2021), Lemma 3.
    """
    return d * np.log(np.asarray(distortion, float) / d) + d
