"""The lowest way between two minima of a loss, and the saddle that is its highest point.

A string of points from one minimum to the other relaxes across itself, each point by a Newton step in which every curvature
counts as positive. Then its highest point climbs along the direction of least curvature and descends along all others, until
the gradient is zero. No theory is used.

Source: E, Ren & Vanden-Eijnden (2002), for the string; Cerjan & Miller (1981), for the climb.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from models.probes.descent import Loss, Points, descend

POINTS, SHAKEN = 21, 0.05
"""Points of a string; noise that they start with, in units of its length, lest a symmetry of the string last."""

ROUNDS, CLIMBS = 60, 200
"""Steps of the string, and of the climb at most."""

FLAT = 1e-2
"""Curvatures below this part of a point's largest count as that part in the string's steps."""

STEEP = 1e-11
"""The climb ends where no component of the gradient is above this."""

AWAY = 1e-3
"""How far from the saddle, in units of the string's length, the two descents start that show what it lies between."""


class Saddle(NamedTuple):
    """Its loss; the largest component of the gradient; how many curvatures are negative, 1 between two minima; and how far
    from the string's ends the two descents from it end."""

    value: float
    slope: float
    falls: int
    missed: float


def lowest_saddle(loss: Loss, string: Points, seed: int) -> Saddle:
    """The saddle that a string of `POINTS` points, whose ends are minima, leads to."""
    ends, relaxed = string[[0, -1]], _relaxed(loss, string, seed)
    top = relaxed[loss(relaxed).argmax()][None]
    length = (ends[1] - ends[0]).norm()
    for _ in range(CLIMBS):
        slope, curvature, along = _second_order(loss, top)
        if slope.abs().max() <= STEEP:
            break
        step = -(along.mT @ slope[..., None])[..., 0] / curvature.abs()
        step[:, 0] *= -1  # uphill along the least curvature
        top = top + _shortened((along @ step[..., None])[..., 0], 0.1 * length)
    slope, curvature, along = _second_order(loss, top)
    starts = top + AWAY * length * torch.stack([along[0, :, 0], -along[0, :, 0]])
    found = descend(loss, starts).points
    missed = min((found - each).norm(dim=1).max() for each in (ends, ends.flip(0)))
    falls = (curvature < -1e-9 * curvature.abs().max()).sum()
    return Saddle(float(loss(top)), float(slope.abs().max()), int(falls), float(missed))


def _relaxed(loss: Loss, string: Points, seed: int) -> Points:
    """The string after its steps, ends held."""
    spacing = (string[-1] - string[0]).norm() / (len(string) - 1)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(string[1:-1].shape, dtype=string.dtype, generator=generator)
    string = string.clone()
    string[1:-1] += SHAKEN * (string[-1] - string[0]).norm() * noise
    for _ in range(ROUNDS):
        tangent = string[2:] - string[:-2]
        tangent = tangent / tangent.norm(dim=1, keepdim=True)
        slope, curvature, along = _second_order(loss, string[1:-1])
        stiff = torch.maximum(curvature.abs(), FLAT * curvature.abs().amax(1, keepdim=True))
        step = -(along @ ((along.mT @ slope[..., None])[..., 0] / stiff)[..., None])[..., 0]
        across = step - (step * tangent).sum(1, keepdim=True) * tangent
        string[1:-1] += 0.5 * _shortened(across, 0.5 * spacing)
        string = _evenly_spaced(string)
    return string


def _second_order(loss: Loss, points: Points) -> tuple[Points, Points, Float[Tensor, "points n n"]]:
    """Gradients, and the eigenvalues of each Hessian, ascending, with their directions as columns."""

    def at(point: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        return loss(point[None])[0]

    # Reverse twice: in forward mode torch compiles decompositions, with a warning.
    slope = torch.func.vmap(torch.func.jacrev(at))(points)
    hessians = torch.func.vmap(torch.func.jacrev(torch.func.jacrev(at)))(points)
    curvature, along = torch.linalg.eigh(hessians)
    return slope, curvature, along


def _shortened(steps: Points, most: Float[Tensor, ""]) -> Points:
    """Steps no longer than `most`."""
    return steps * (most / steps.norm(dim=1, keepdim=True)).clamp(max=1.0)


def _evenly_spaced(string: Points) -> Points:
    """As many points at equal distances along the polygon, the ends where they were."""
    lengths = torch.cat([string.new_zeros(1), (string[1:] - string[:-1]).norm(dim=1).cumsum(0)])
    wanted = torch.linspace(0, 1, len(string), dtype=string.dtype)[1:-1] * lengths[-1]
    after: Int64[Tensor, " inner"] = torch.searchsorted(lengths, wanted).clamp(1, len(string) - 1)
    share = (wanted - lengths[after - 1]) / (lengths[after] - lengths[after - 1])
    inner = string[after - 1] + share[:, None] * (string[after] - string[after - 1])
    return torch.cat([string[:1], inner, string[-1:]])
