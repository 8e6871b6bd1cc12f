"""What a trial minimises, in the one convention of the project.

    J = R/(2γ) + (d/2) log γ + β K        nats per example
    R = E‖x − m(z)‖²  (summed over outputs),   K = E Σ_j ½(μ_j² + σ_j² − 1 − log σ_j²)

−ELBO = J + (d/2) log 2π at β = 1. R is the distortion, K the rate. γ is a variance.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def squared_error(x: Float[Tensor, "*#n d"], mean: Float[Tensor, "*#n d"]) -> Float[Tensor, "*n"]:
    """‖x − m‖² of each example, summed over dimensions, in squared data units; its mean is the distortion R."""
    return (x - mean).square().sum(-1)


def latent_rates(mu: Float[Tensor, "*n kappa"], log_var: Float[Tensor, "*n kappa"]) -> Float[Tensor, "*n kappa"]:
    """KL(q(z_j|x) ‖ N(0, 1)) of each example and latent, in nats; summed over latents, its mean is the rate K."""
    return 0.5 * (mu.square() + log_var.exp() - 1 - log_var)


def misfit(distortion: Tensor, gamma: Tensor, d: int) -> Tensor:
    """R/(2γ) + (d/2) log γ: −log p(y|z) without the constant, in nats per example; elementwise."""
    return distortion / (2 * gamma) + 0.5 * d * torch.log(gamma)


def objective(distortion: Tensor, rate: Tensor, gamma: Tensor, beta: Tensor | float, d: int) -> Tensor:
    """J in nats per example; elementwise in its arguments.

    Source: Dai, Wenliang & Wipf (2021), eq. 3, which is 2J + kappa at beta = 1.
    """
    return misfit(distortion, gamma, d) + beta * rate


def neg_elbo(distortion: float, rate: float, gamma: float, d: int) -> float:
    """−ELBO in nats per example, with the constant: J at beta = 1 plus (d/2) log 2π."""
    return distortion / (2 * gamma) + 0.5 * d * math.log(2 * math.pi * gamma) + rate
