"""Lines through the decoders of an affine VAE: the profile loss on a grid, its minima counted there.

Source: Dai, Wenliang & Wipf (2021), Fig. 3.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.probes.affine import Decoder, profile_loss
from models.probes.finding import Finding, computes
from models.specs.probes import PairSlice, PairSplit, PlantedSlice

Line = Float[Tensor, " points"]

OF_A_PAIR, OF_A_SUBSPACE = (-1.5, 2.5), (-3.0, 3.0)
"""Where the lines begin and end."""

DRAWN = 801
"""Points of a line that are kept for a figure, roughly."""

BISECTIONS = 40

AT_ONCE = 8192
"""Points of a line whose losses are computed together: memory, not speed."""


@computes(PairSlice)
def pair(what: PairSlice, _: int) -> Finding:
    """One mode and two latents."""
    t = _grid(*OF_A_PAIR, what.points)
    return _line(t, *_pair(what.variance, what.b), torch.tensor([[what.variance]], dtype=torch.float64), what.gamma)


@computes(PlantedSlice)
def planted(what: PlantedSlice, seed: int) -> Finding:
    """Several modes and more latents, along a random direction."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.standard_normal((what.d, what.r)))
    direction = what.scale * rng.standard_normal((what.r, what.kappa))
    direction[:, 0] = 0.0
    direction[0, 0] = -1.0
    direction[:, 1 : what.r] *= 0.5
    t = _grid(*OF_A_SUBSPACE, what.points)
    start, along = (torch.from_numpy(basis @ part) for part in (np.eye(what.r, what.kappa), direction))
    return _line(t, start, along, torch.from_numpy(basis @ basis.T), what.gamma)


@computes(PairSplit)
def split(what: PairSplit, _: int) -> Finding:
    """The ratio γ/λ where two minima along the line become one, for b = 1."""
    t = _grid(*OF_A_PAIR, what.points)
    covariance = torch.tensor([[what.variance]], dtype=torch.float64)
    low, high = 0.1, 10.0
    for _ in range(BISECTIONS):
        ratio = (low + high) / 2
        found = _line(t, *_pair(what.variance, 1.0), covariance, ratio * what.variance)
        low, high = (ratio, high) if found.numbers["minima"] > 1 else (low, ratio)
    return Finding({"split": low})


def _grid(first: float, last: float, points: int) -> Line:
    """Evenly spaced; 0 is exactly 0 where it is one of them."""
    return first + (last - first) * torch.arange(points, dtype=torch.float64) / (points - 1)


def _pair(variance: float, b: float) -> tuple[Decoder, Decoder]:
    """W(0) and W′ of √λ [1 − t, bt]."""
    rows = torch.tensor([[[1.0, 0.0]], [[-1.0, b]]], dtype=torch.float64)
    start, along = rows * variance**0.5
    return start, along


def _line(t: Line, start: Decoder, along: Decoder, covariance: Float[Tensor, "d d"], gamma: float) -> Finding:
    """What the profile loss does along W(t) = start + t · along, and the points that a figure is drawn from."""
    parts = [_part(t_part, start, along, covariance, gamma) for t_part in t.split(AT_ONCE)]
    losses, slopes = (torch.cat(part).numpy() for part in zip(*parts, strict=True))
    least = int(losses.argmin())
    kept = np.unique([*range(0, len(t), max(1, len(t) // (DRAWN - 1))), least, len(t) - 1])
    numbers = {
        "minima": float(_minima(losses)),
        "argmin": float(t[least]),
        "lowest": float(losses[least]),
        "steepest": float(np.abs(slopes).max()),
    }
    return Finding(numbers, {"t": t.numpy()[kept], "loss": losses[kept]})


def _part(t: Line, start: Decoder, along: Decoder, covariance: Float[Tensor, "d d"], gamma: float) -> tuple[Line, Line]:
    """Losses, and their slopes along the line."""
    leaf = t.clone().requires_grad_()
    losses = profile_loss(start + leaf[:, None, None] * along, covariance, gamma)
    (slopes,) = torch.autograd.grad(losses.sum(), leaf)
    return losses.detach(), slopes


def _minima(losses: Float[np.ndarray, " points"]) -> int:
    """Points inside the row that are lower than both neighbours; a flat floor counts once."""
    changes = np.sign(np.diff(losses))
    changes = changes[changes != 0]
    return int(((changes[:-1] < 0) & (changes[1:] > 0)).sum())
