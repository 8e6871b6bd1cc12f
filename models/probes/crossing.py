"""A VAE on a serpentine: the γ at which its least loss is the same with a dense and with a sparse decoder.

On the scale 2J + κ, without the d log γ that both have: R/γ + Σ (b² V + s² − log s²), codes of variance V, scaled by b.
Noise s of a code is noise a·s of what the decoder sees, a its scale, and the code is decoded as the part ab of itself.

Source: Dai, Wenliang & Wipf (2021), Thm. 4; "On the regularization balance in autoencoder-based generative models", Thm. 3.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.probes.descent import descend
from models.probes.finding import Finding, computes
from models.probes.serpentine import Curve, curve
from models.specs.penalties import SerpentineCrossing

NODES, NOISES = 16, 16
"""On each straight piece, and of the noise (Gauss-Hermite)."""

DRAWN = (10.0, 10**0.5, 1.0, 10**-0.5, 0.1, 1e-2, 1e-3)
"""γ over that of the crossing where the difference is looked at."""

AGREEMENT, STEPS = 1e-7, 30
"""The difference, in nats, at which the search ends, and its most steps."""

Starts = Float[Tensor, " starts"]

Distortion = Callable[[Starts, Starts], Starts]
"""R of a code that is decoded as a part of itself with noise of a standard deviation."""


@computes(SerpentineCrossing)
def crossing(what: SerpentineCrossing, _: int) -> Finding:
    """Where the difference of the least losses changes its sign, its growth below, and its values for a figure."""
    found = curve(what.eps, what.runs, NODES)

    def difference(log_gamma: float) -> float:
        return sparse_loss(found, math.exp(log_gamma)) - dense_loss(found, math.exp(log_gamma))

    # A start of the order of data², as γ is; the search ends at the same γ from others nearby.
    first = math.log(what.eps**4 / what.length**2)
    at = _root(difference, first, first - 1)
    gammas = np.exp(at) * np.array(DRAWN)
    gaps = np.array([difference(math.log(gamma)) for gamma in gammas])
    numbers = {"crossing": math.exp(at), "growth": float(gaps[-3] - gaps[-1]) / 2}
    return Finding(numbers, {"gamma": gammas, "difference": gaps})


def dense_loss(found: Curve, gamma: float) -> float:
    """Each coordinate is decoded from a code of its own."""
    return sum(_least(_variance(found, values), _straight, gamma) for values in found.points.T)


def sparse_loss(found: Curve, gamma: float) -> float:
    """The arc length is decoded from the first code; the second is left at the prior, at 1 of the loss."""
    return _least(_variance(found, found.t), _along(found), gamma) + 1


def _variance(found: Curve, values: Float[np.ndarray, " nodes"]) -> float:
    return found.mean((values - found.mean(values)) ** 2)


def _straight(variance: float) -> Distortion:
    return lambda part, noise: (1 - part).square() * variance + noise.square()


def _along(found: Curve) -> Callable[[float], Distortion]:
    """R where a point of the curve is decoded as another, by arc length; straight on beyond the ends."""
    corners, reached, t, points, weights = (
        torch.from_numpy(np.ascontiguousarray(values))
        for values in (found.corners, found.reached, found.t, found.points, found.weights)
    )
    directions = corners.diff(dim=0) / reached.diff()[:, None]
    place, weight = (torch.from_numpy(values) for values in np.polynomial.hermite_e.hermegauss(NOISES))
    middle = weights @ t

    def distortion(part: Starts, noise: Starts) -> Starts:
        to = middle + part[:, None, None] * (t - middle)[:, None] + noise[:, None, None] * place
        piece = (torch.searchsorted(reached, to.detach()) - 1).clamp(0, len(directions) - 1)
        decoded = corners[piece] + (to - reached[piece])[..., None] * directions[piece]
        error = (decoded - points[:, None]).square().sum(-1)
        return torch.einsum("rnq,n,q->r", error, weights, weight / weight.sum())

    return lambda _: distortion


def _least(variance: float, kind: Callable[[float], Distortion], gamma: float) -> float:
    """The least loss of one code over its noise and both scales."""
    distortion = kind(variance)

    def loss(point: Float[Tensor, "starts 3"]) -> Starts:
        # In these units everything is of the order of 1, however small γ is.
        lost, log_noise, log_scale = point.unbind(-1)
        part, noise = 1 - lost * gamma / variance, math.sqrt(gamma) * log_noise.exp()
        rate = (part.square() * variance + noise.square()) / (2 * log_scale).exp() / variance
        return distortion(part, noise) / gamma + rate - 2 * (noise.log() - log_scale) + math.log(variance)

    return float(descend(loss, torch.zeros(1, 3, dtype=torch.float64)).values[0])


def _root(function: Callable[[float], float], first: float, second: float) -> float:
    """Where a function is zero that is nearly a straight line, by secants. Raises: ArithmeticError where they do not end."""
    one, other = (first, function(first)), (second, function(second))
    for _ in range(STEPS):
        if abs(other[1]) < AGREEMENT:
            return other[0]
        x = other[0] - other[1] * (other[0] - one[0]) / (other[1] - one[1])
        one, other = other, (x, function(x))
    raise ArithmeticError("no γ was found at which both decoders cost the same")
