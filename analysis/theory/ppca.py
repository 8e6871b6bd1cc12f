"""The exact likelihood of a linear decoder at β = 1: probabilistic PCA, an oracle for sampled estimates of the NLL.

p(x) = N(mean, UUᵀ + γI). With the encoder at its optimum the ELBO is tight: −ELBO = NLL, and every importance weight
p(x, z)/q(z|x) is p(x) itself.

Source: Tipping & Bishop (1999), section 3.
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
