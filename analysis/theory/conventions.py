"""One objective, and the others of the literature in its terms.

    J = R/(2γ) + (d2/2) log γ + βK        nats per example

R is the distortion summed over outputs, K the rate, γ a variance. Only the product βγ matters where γ is fixed.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analysis.theory.modes import Array


def objective(distortion: ArrayLike, rate: ArrayLike, gamma: ArrayLike, beta: ArrayLike, d2: int) -> Array:
    """J in nats, elementwise."""
    gamma = np.asarray(gamma, float)
    return np.asarray(distortion) / (2 * gamma) + 0.5 * d2 * np.log(gamma) + np.asarray(beta) * np.asarray(rate)


def neg_elbo(j: ArrayLike, d2: int) -> Array:
    """−ELBO = J + (d2/2) log 2π in nats, for a J at β = 1 only."""
    return np.asarray(j, float) + 0.5 * d2 * math.log(2 * math.pi)


def loss_wz(j: ArrayLike, gamma: ArrayLike, d2: int) -> Array:
    """L_WZ = J − (d2/2) log γ in nats; η_dec² is γ. Source: Wang & Ziyin (2022), eq. 5."""
    return np.asarray(j, float) - 0.5 * d2 * np.log(np.asarray(gamma, float))


def eq3(j: ArrayLike, kappa: int) -> Array:
    """2J + κ, for a J at β = 1: twice the nats, without the −1 of each latent. Source: Dai, Wenliang & Wipf (2021), eq. 3."""
    return 2 * np.asarray(j, float) + kappa


def absorbed(j_unit: ArrayLike, gamma: ArrayLike, beta: ArrayLike, d2: int) -> Array:
    """J_{γ,β} = β J_{βγ,1} + (d2/2)(log γ − β log βγ) from `j_unit` = J_{βγ,1}: equal βγ, equal minima.

    Source: derived from the definition of J.
    """
    gamma, beta = np.asarray(gamma, float), np.asarray(beta, float)
    return beta * np.asarray(j_unit, float) + 0.5 * d2 * (np.log(gamma) - beta * np.log(beta * gamma))


class Profile(NamedTuple):
    """J with γ at its best for a given distortion and rate: that γ, J, and the level βγ that the latents see."""

    gamma: Array
    objective: Array
    level: Array


def profiled(distortion: ArrayLike, rate: ArrayLike, beta: ArrayLike, d2: int) -> Profile:
    """γ = R/d2 at every β, J = (d2/2) log(R/d2) + d2/2 + βK, level βR/d2.

    So a learned γ with β is the VAE of β = 1 whose normaliser counts d2/β outputs.
    Source: Rybkin, Daniilidis & Levine (2021), section 4, for γ; the rest derived.
    """
    gamma = np.asarray(distortion, float) / d2
    beta = np.asarray(beta, float)
    return Profile(gamma, 0.5 * d2 * (np.log(gamma) + 1) + beta * np.asarray(rate, float), beta * gamma)
