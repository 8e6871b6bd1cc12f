"""What a trial minimises, in the one convention of the project. Step, record, probes and benchmarks call these functions.

    J = D + β K                            nats per example; the halves of K may be weighed (`weighed_rate`)
    D = R/(2γ) + (d/2) log γ               misfit of N(m(z), γ I); other likelihoods have their own (`models.loss.likelihood`)
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


def rate_of_means(mu: Float[Tensor, "*n kappa"]) -> Float[Tensor, "*n"]:
    """½ ‖μ‖² of each example, in nats: its half of the rate that the means make."""
    return 0.5 * mu.square().sum(-1)


def weighed_rate(
    rate: Float[Tensor, "*#n"],
    of_means: Float[Tensor, "*#n"],
    mean_weight: Float[Tensor, "*#n"] | float,
    variance_weight: Float[Tensor, "*#n"] | float,
) -> Float[Tensor, "*n"]:
    """α K_μ + δ K_σ in nats per example, of the halves K_μ = ½ E Σ μ² and K_σ = K − K_μ; elementwise.

    Where both weights are 1 it is K to the last bit, whatever neighbours are weighed by.
    Source: Wang & Ziyin (2022), ℓ_mean and ℓ_var.
    """
    return rate + (mean_weight - 1) * of_means + (variance_weight - 1) * (rate - of_means)


def misfit(
    distortion: Float[Tensor, "*#n"], gamma: Float[Tensor, "*#n"], d: int, weight: Float[Tensor, "*#n"] | None = None
) -> Float[Tensor, "*n"]:
    """D = R/(2γ) + (d/2) log γ: −log p(y|z) of N(m(z), γ I) without its constant, in nats per example; elementwise.

    Where examples weigh differently, R is their weighted distortion and `weight` their mean weight, a factor on log γ.
    """
    volume = 0.5 * d * torch.log(gamma)
    return distortion / (2 * gamma) + (volume if weight is None else volume * weight)


def objective(
    misfit: Float[Tensor, "*#n"], rate: Float[Tensor, "*#n"], beta: Float[Tensor, "*#n"] | float
) -> Float[Tensor, "*n"]:
    """J in nats per example, given the misfit D of the likelihood; elementwise.

    Source: Dai, Wenliang & Wipf (2021), eq. 3, which is 2J + kappa at beta = 1.
    """
    return misfit + beta * rate


def normal_constant(d: int) -> float:
    """(d/2) log 2π, which the misfit of a normal likelihood leaves out, in nats per example."""
    return 0.5 * d * math.log(2 * math.pi)


def neg_elbo(misfit: Float[Tensor, "*#n"], rate: Float[Tensor, "*#n"], constant: float) -> Float[Tensor, "*n"]:
    """−ELBO in nats per example: J at beta = 1, and the constant that the misfit leaves out."""
    return objective(misfit, rate, 1.0) + constant
