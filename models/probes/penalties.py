"""What penalties on the mean squares of codes say about two decoders of a serpentine that both reconstruct it.

Source: Dai, Wenliang & Wipf (2021), Thm. 4 and Fig. 2.
"""

import math

import torch

from models.loss.code_penalties import PENALTIES
from models.probes.finding import Finding, computes
from models.probes.serpentine import Curve, curve
from models.specs.penalties import Serpentine, SerpentineCost, SerpentineCritical
from models.specs.sparsity import Penalty

NODES = 3
"""On each straight piece, where squares of coordinates are integrated."""

BISECTIONS = 60

DRAWN = 100
"""Most runs of a curve whose corners are kept: a figure could not show more."""

FIRST = 1.0
"""Where the search for a critical parameter begins."""


@computes(SerpentineCost)
def cost(what: SerpentineCost, _: int) -> Finding:
    """The difference between both decoders under one penalty, and the corners of the curve for a figure."""
    found = _curve(what)
    arc, x, y = _moments(found)
    parameter = what.parameter or math.nan
    difference = _difference(what.penalty, parameter, (arc, x, y))
    numbers = {
        "difference": difference,
        "sign": math.copysign(1.0, difference) if difference else 0.0,
        "rise": _h(what.penalty, parameter, arc) - _h(what.penalty, parameter, 0.0),
        "arc_length_moment": arc,
        "x_moment": x,
        "y_moment": y,
    }
    return Finding(numbers, {"corners": found.corners} if what.runs <= DRAWN else {})


@computes(SerpentineCritical)
def critical(what: SerpentineCritical, _: int) -> Finding:
    """The parameter where the difference changes its sign: widened to bracket it, then bisected on a logarithmic scale."""
    moments = _moments(_curve(what))

    def is_sparse(parameter: float) -> bool:
        return _difference(what.penalty, parameter, moments) < 0

    low = high = FIRST
    while not is_sparse(low):
        low /= 10
    while is_sparse(high):
        high *= 10
    for _ in range(BISECTIONS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if is_sparse(middle) else (low, middle)
    return Finding({"critical": math.sqrt(low * high)})


def _curve(what: Serpentine) -> Curve:
    return curve(what.eps, what.runs, NODES)


def _moments(found: Curve) -> tuple[float, float, float]:
    """Mean squares of the arc length and of both coordinates."""
    return found.mean(found.t**2), found.mean(found.points[:, 0] ** 2), found.mean(found.points[:, 1] ** 2)


def _difference(penalty: Penalty, parameter: float, moments: tuple[float, float, float]) -> float:
    """h(arc length) + h(0), less h of both coordinates."""
    arc, x, y = (_h(penalty, parameter, moment) for moment in moments)
    return arc + _h(penalty, parameter, 0.0) - x - y


def _h(penalty: Penalty, parameter: float, u: float) -> float:
    return float(PENALTIES[penalty](*torch.tensor([u, parameter], dtype=torch.float64)))
