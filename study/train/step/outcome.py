"""What one stochastic pass over a minibatch tells of each trial, beside the slopes of its trained numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

PerTrial = Float[Tensor, " rows"]

Found = tuple[PerTrial, PerTrial, PerTrial, PerTrial]
"""Distortion, rate, γ and J."""

ACTIVE_BELOW = 0.5
"""Mean posterior variance below which a latent counts as active."""


@dataclass(frozen=True)
class Outcome:
    """Averages over the minibatch, J and the norm of its gradient. `latents` are there where the step is logged."""

    distortion: PerTrial
    rate: PerTrial
    gamma: PerTrial
    objective: PerTrial
    norm: PerTrial
    latents: "Latents | None" = None


@dataclass(frozen=True)
class Latents:
    """Mean ‖∂J/∂z‖ of an example's own J, and how many latents are active; none are counted where z is not random."""

    grad_z: PerTrial
    n_active: Int64[Tensor, " rows"] | None


def latents_of(
    slope_z: Float[Tensor, "rows batch kappa"], variance: Float[Tensor, "rows batch kappa"] | None
) -> Latents:
    """From J's gradient at z and the variances of q(z|x).

    J averages over the batch, so its gradient at one example's z is 1/batch of that example's own.
    """
    grad_z = torch.linalg.vector_norm(slope_z, dim=-1).mean(-1) * slope_z.shape[1]
    return Latents(grad_z, None if variance is None else (variance.mean(1) < ACTIVE_BELOW).sum(-1))


def outcome_of(found: Found, norm: PerTrial, latents: Latents | None) -> Outcome:
    """An outcome, cut off from the graph that it may come from."""
    distortion, rate, gamma, objective = (each.detach() for each in found)
    return Outcome(distortion, rate, gamma, objective, norm, latents)


def joined(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome of all blocks of a pack, in order."""
    if len(outcomes) == 1:
        return outcomes[0]
    found = [each.latents for each in outcomes if each.latents]
    counts = [each.n_active for each in found if each.n_active is not None]
    latents = (
        Latents(torch.cat([each.grad_z for each in found]), torch.cat(counts) if counts else None) if found else None
    )
    return Outcome(
        torch.cat([each.distortion for each in outcomes]),
        torch.cat([each.rate for each in outcomes]),
        torch.cat([each.gamma for each in outcomes]),
        torch.cat([each.objective for each in outcomes]),
        torch.cat([each.norm for each in outcomes]),
        latents,
    )
