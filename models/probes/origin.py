"""The curvature of the exact loss where nothing is encoded, beside the lowest loss that minimisations find.

Source: Wang & Ziyin (2022), Thm. 3.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.probes.descent import descend
from models.probes.exact_linear import Moments, expected_loss, minimise
from models.probes.finding import Finding, computes
from models.probes.problems import FLOOR, problem
from models.specs.probes import OriginHessian

Loss = Callable[[Float[Tensor, "..."]], Float[Tensor, "..."]]

STARTS = 64
"""Starts of the search with two layers."""


@computes(OriginHessian)
def curvature(what: OriginHessian, seed: int) -> Finding:
    """Extreme eigenvalues of the Hessian at the origin, J there, and the lowest J found."""
    return _two_layers(seed) if what.variant == "two layers" else _linear(what, seed)


def _linear(what: OriginHessian, seed: int) -> Finding:
    """A random problem, at a random level on either side of the threshold ζ₁² = βγ."""
    p, rng = problem(seed), np.random.default_rng([32, seed])
    level = p.zeta2 * math.exp(rng.uniform(-0.7, 0.7))
    scale = np.ones(p.kappa)
    gamma, beta = level / p.beta, p.beta
    if what.variant == "fixed Σ":
        scale = np.exp(rng.uniform(-2.0, 1.0, p.kappa))
        gamma /= scale.min()
    if what.variant == "learned γ":
        gamma = p.moments.total / p.moments.d2
        beta = level / gamma
    variance = torch.from_numpy(p.eta_enc**2 * scale)
    held, free = what.variant == "fixed Σ", what.variant == "learned γ"
    loss, size = _loss(p.moments, p.kappa, beta, p.eta_enc, variance, gamma, held, free)
    found = minimise(
        p.moments,
        p.kappa,
        beta,
        None if free else gamma,
        variance if held else None,
        p.eta_enc,
        floor=FLOOR * gamma if free else 0.0,
        seed=seed,
    )
    return _found(loss, size, found.objective, p.zeta2 / (beta * gamma * scale.min()))


def _loss(
    moments: Moments,
    kappa: int,
    beta: float,
    eta: float,
    variance: Float[Tensor, " kappa"],
    gamma: float,
    held: bool,
    free: bool,
) -> tuple[Loss, int]:
    """J of one vector: U, W, and the logarithms of σ² and γ where they are free, as differences from their start."""
    d2, d0 = moments.cross.shape
    sizes = [d2 * kappa, d0 * kappa, 0 if held else kappa, int(free)]
    log_gamma = torch.tensor(gamma, dtype=torch.float64).log()

    def loss(vector: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        u, w, s, g = vector.split(sizes)
        log_var = variance.log() if held else variance.log() + s
        return expected_loss(moments, u.view(d2, kappa), w.view(d0, kappa), log_var, log_gamma + g.sum(), beta, eta)

    return loss, sum(sizes)


def _two_layers(seed: int) -> Finding:
    """x of variance 4 → z = wx + ε → u₂u₁z at β = γ = 1, with the variance of z at the prior's."""

    def loss(vector: Float[Tensor, "*starts 3"]) -> Float[Tensor, "*starts"]:
        u2, u1, w = vector.unbind(-1)
        decoder = u2 * u1
        return 0.5 * (4 * (1 - decoder * w).square() + decoder.square()) + 0.5 * 4 * w.square()

    starts = torch.randn(STARTS, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return _found(loss, 3, float(descend(loss, starts).values.min()), 4.0)


def _found(loss: Loss, size: int, lowest: float, ratio: float) -> Finding:
    origin = torch.zeros(size, dtype=torch.float64)
    # Reverse twice: in forward mode torch compiles decompositions, with a warning.
    eigenvalues = torch.linalg.eigvalsh(torch.func.jacrev(torch.func.jacrev(loss))(origin))
    return Finding(
        {
            "threshold_ratio": ratio,
            "least_eigenvalue": float(eigenvalues[0]),
            "largest_eigenvalue": float(eigenvalues[-1]),
            "at_origin": float(loss(origin)),
            "lowest": lowest,
        }
    )
