"""Penalties h(u) on the energies of codes, elementwise, and the energies of an autoencoder's codes.

The definitions serve training, where they are differentiated, and probes, where they are evaluated.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from models.loss.objective import squared_error
from models.specs.sparsity import Penalty
from models.specs.vocabulary import check_complete, members

SCAD_KNEE = 3.7
"""a of the smoothly clipped absolute deviation: its slope has fallen to 0 at a times its parameter."""

STEP = 0.05
"""How far a code is moved to tell what the decoder makes of it, in its own standard deviations."""

EACH = 8
"""Examples that at least tell it of each code."""

STILL = 1e-30
"""Variance below which a code is constant, and has no slope."""


def _huber(u: Float[Tensor, "*#n"], p: Float[Tensor, "*#n"]) -> Float[Tensor, "*n"]:
    return torch.where(u <= p * p, u / 2, p * (u.sqrt() - p / 2))


def _mcp(u: Float[Tensor, "*#n"], p: Float[Tensor, "*#n"]) -> Float[Tensor, "*n"]:
    size = u.sqrt()
    return torch.where(size <= p, size - u / (2 * p), p / 2)


def _scad(u: Float[Tensor, "*#n"], p: Float[Tensor, "*#n"]) -> Float[Tensor, "*n"]:
    size, knee = u.sqrt(), SCAD_KNEE
    bent = (2 * knee * p * size - u - p * p) / (2 * (knee - 1))
    return torch.where(size <= p, p * size, torch.where(size <= knee * p, bent, p * p * (knee + 1) / 2))


PENALTIES: dict[Penalty, Callable[[Float[Tensor, "*#n"], Float[Tensor, "*#n"]], Float[Tensor, "*n"]]] = {
    "u": lambda u, _: u,
    "Huber": _huber,
    "saturating": lambda u, p: u / (u + p),
    "log plus": lambda u, p: (u + p).log(),
    "root": lambda u, _: u.sqrt(),
    "power": lambda u, p: u**p,
    "MCP": _mcp,
    "SCAD": _scad,
    "support": lambda u, _: (u > 0).to(u.dtype),
    "log": lambda u, _: u.log(),
}
"""h(u) with its parameter, which must broadcast to u, and is ignored where a penalty has none."""

check_complete(
    members(Penalty),
    PENALTIES,
    "Penalty, in models/specs",
    "add it to PENALTIES, in models/loss",
)


def energies(
    decode: Callable[[Float[Tensor, "*pack m kappa"]], Float[Tensor, "*pack m d"]],
    z: Float[Tensor, "*pack n kappa"],
    mean: Float[Tensor, "*pack n d"],
    step: float = STEP,
) -> Float[Tensor, "*pack kappa"]:
    """Var(z_j) · E‖∂m/∂z_j‖² of each code, in data², of a minibatch of codes z with `mean` m(z).

    Each example tells of one code, moved by a small part of its standard deviation: one pass of the decoder however many
    codes there are, the same for z and for a·z + b, and exact for a linear decoder. Variances are the population's.
    """
    n, kappa = z.shape[-2:]
    rows = torch.arange(max(n, EACH * kappa), device=z.device)
    example, moved = rows % n, (rows + rows // n) % kappa
    one = torch.nn.functional.one_hot(moved, kappa).to(z.dtype)
    std = z.var(-2, correction=0).clamp_min(STILL).sqrt()
    away = decode(z[..., example, :] + one * (step * std)[..., None, :])
    changes = squared_error(away, mean[..., example, :]) / step**2
    return changes @ (one / one.sum(0))
