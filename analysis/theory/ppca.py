"""The exact likelihood of a linear decoder at β = 1: probabilistic PCA, an oracle for sampled estimates of the NLL.

p(x) = N(mean, UUᵀ + γI). With the encoder at its optimum the ELBO is tight: −ELBO = NLL, and every importance weight
p(x, z)/q(z|x) is p(x) itself. So both lose mode i at the same γ, λ_i: what a linear VAE loses is lost without an ELBO too.
They differ away from the optimum. To the likelihood a rotation of the latents is nothing; the ELBO of a posterior with a
diagonal covariance wants the columns of U orthogonal, so it alone has separate minima, and saddles between them.

Source: Tipping & Bishop (1999), section 3; Lucas et al. (2019), "Don't blame the ELBO!", for the comparison.
"""

import numpy as np
from numpy.typing import ArrayLike

from analysis.theory import linear
from analysis.theory.modes import Array, checked


def log_density(x: ArrayLike, decoder: ArrayLike, gamma: float, mean: ArrayLike = 0.0) -> Array:
    """log p(x) in nats of each example x (n, d), for any linear decoder U (d, kappa); shape (n,).

    Source: Tipping & Bishop (1999), eq. 4.
    """
    u = np.asarray(decoder, float)
    centred = np.asarray(x, float) - np.asarray(mean, float)
    factor = np.linalg.cholesky(u @ u.T + gamma * np.eye(len(u)))
    whitened = np.linalg.solve(factor, centred.T)
    return -0.5 * (np.square(whitened).sum(0) + len(u) * np.log(2 * np.pi)) - np.log(np.diag(factor)).sum()


def mean_nll(decoder: ArrayLike, covariance: ArrayLike, gamma: float) -> float:
    """½[d log 2π + log det M + tr(S M^{-1})], M = UUᵀ + γI: the mean NLL in nats of centred data with covariance S (d, d).

    Source: Tipping & Bishop (1999), eq. 4.
    """
    u = np.asarray(decoder, float)
    model = u @ u.T + gamma * np.eye(len(u))
    misfit = np.trace(np.linalg.solve(model, np.asarray(covariance, float)))
    return 0.5 * (len(u) * np.log(2 * np.pi) + np.linalg.slogdet(model).logabsdet + misfit)


def elbo_gap(decoder: ArrayLike, gamma: float) -> float:
    """½[Σ_k log(γ + ‖u_k‖²) − log det(γI + UᵀU)] ≥ 0: how far the best −ELBO at U lies above the NLL, in nats.

    Zero iff the columns of U are orthogonal (Hadamard's inequality), whatever the data. Source: derived.
    """
    u = np.asarray(decoder, float)
    gram = gamma * np.eye(u.shape[1]) + u.T @ u
    return 0.5 * (np.log(np.diag(gram)).sum() - np.linalg.slogdet(gram).logabsdet)


def thresholds(spectrum: ArrayLike, kappa: int) -> Array:
    """γ_i = λ_i, shape (kappa,): the exact likelihood of the best decoder loses mode i iff γ ≥ γ_i; 0 beyond the last mode.

    The ELBO's are the same: `linear.thresholds` at β = 1 says β_i* = λ_i/γ ≤ 1. Source: Tipping & Bishop (1999), eq. 7.
    """
    return linear.latent_modes(spectrum, kappa)


def nll(spectrum: ArrayLike, gamma: float, kappa: int) -> float:
    """The mean NLL in nats at the optimum for a fixed γ, from the eigenvalues (d,) of the data's covariance, descending.

    ½[d log 2π + Σ_{i≤k} log λ_i + (d − k) log γ + k + Σ_{i>k} λ_i/γ], k = #{i ≤ κ: λ_i > γ}.
    Source: Tipping & Bishop (1999), eqs. 5 and 7.
    """
    values = checked(spectrum)
    k = int(linear.active_modes(values, gamma, kappa))
    d = len(values)
    kept = np.log(values[:k]).sum() + k
    return float(0.5 * (d * np.log(2 * np.pi) + kept + (d - k) * np.log(gamma) + values[k:].sum() / gamma))
