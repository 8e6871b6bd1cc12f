"""The importance-weighted estimate of log p(y): all constants kept, in nats per example.

    −log p(y) ≈ −(logsumexp_k log w_k − log K),   w_k = p(y|z_k) p(z_k) / q(z_k|x),   z_k ~ q(z|x)

An upper bound of the negative log likelihood in expectation, and equal to it where the log weights are constant, as at
the optimum of a linear VAE at β = 1. Densities of data in [0, 1] are unbounded as γ → 0: compare within a study only.

Source: Burda, Grosse & Salakhutdinov (2016), eq. 8.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from models.loss.objective import misfit, normal_constant


def log_weights(
    squared_error: Float[Tensor, "*n"],
    z: Float[Tensor, "*n kappa"],
    eps: Float[Tensor, "*n kappa"],
    log_var: Float[Tensor, "*n kappa"],
    gamma: Float[Tensor, "*#n"],
    d: int,
) -> Float[Tensor, "*n"]:
    """log w of draws z = μ + σ·eps whose means m(z) lie at `squared_error` = ‖y − m(z)‖² (data²) from the targets."""
    return weighted(log_normal(squared_error, gamma, d), z, eps, log_var)


def log_normal(squared_error: Float[Tensor, "*n"], gamma: Float[Tensor, "*#n"], d: int) -> Float[Tensor, "*n"]:
    """log N(y; m(z), γ I) of targets at ‖y − m(z)‖² (data²) from the means."""
    return -(misfit(squared_error, gamma, d) + normal_constant(d))


def weighted(
    likelihood: Float[Tensor, "*n"],
    z: Float[Tensor, "*n kappa"],
    eps: Float[Tensor, "*n kappa"],
    log_var: Float[Tensor, "*n kappa"],
) -> Float[Tensor, "*n"]:
    """log w of draws z = μ + σ·eps, given log p(y|z) of any likelihood, in nats."""
    return likelihood + 0.5 * (eps.square() - z.square() + log_var).sum(-1)


def nll(weights: Float[Tensor, "draws *#n"]) -> Float[Tensor, "*n"]:
    """The estimate of −log p(y), in nats, from the log weights of K draws along the first axis."""
    return math.log(weights.shape[0]) - torch.logsumexp(weights, dim=0)
