"""What penalties on the mean squares of codes say about two decoders of a serpentine that both reconstruct it.

Source: Dai, Wenliang & Wipf (2021), Thm. 4 and Fig. 2.
"""

import math
from collections.abc import Callable

from models.probes.found import Found
from models.probes.serpentine import Curve, curve
from models.specs.penalties import Penalty, Serpentine, SerpentineCost, SerpentineCritical

NODES = 3
"""On each straight piece, where squares of coordinates are integrated."""

SCAD_KNEE = 3.7
"""a of the smoothly clipped absolute deviation: its slope has fallen to 0 at a times its parameter."""

BISECTIONS = 60

DRAWN = 100
"""Most runs of a curve whose corners are kept: a figure could not show more."""

FIRST = 1.0
"""Where the search for a critical parameter begins."""


def cost(what: SerpentineCost) -> Found:
    """The difference between both decoders under one penalty, and the corners of the curve for a figure."""
    found = _curve(what)
    arc, x, y = _moments(found)
    h, parameter = PENALTIES[what.penalty], what.parameter or math.nan
    difference = _difference(what.penalty, parameter, (arc, x, y))
    numbers = {
        "difference": difference,
        "sign": math.copysign(1.0, difference) if difference else 0.0,
        "rise": h(arc, parameter) - h(0.0, parameter),
        "arc_length_moment": arc,
        "x_moment": x,
        "y_moment": y,
    }
    return Found(numbers, {"corners": found.corners} if what.runs <= DRAWN else {})


def critical(what: SerpentineCritical) -> Found:
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
    return Found({"critical": math.sqrt(low * high)})


def _curve(what: Serpentine) -> Curve:
    return curve(what.eps, what.runs, NODES)


def _moments(found: Curve) -> tuple[float, float, float]:
    """Mean squares of the arc length and of both coordinates."""
    return found.mean(found.t**2), found.mean(found.points[:, 0] ** 2), found.mean(found.points[:, 1] ** 2)


def _difference(penalty: Penalty, parameter: float, moments: tuple[float, float, float]) -> float:
    """h(arc length) + h(0), less h of both coordinates."""
    h = PENALTIES[penalty]
    arc, x, y = (h(moment, parameter) for moment in moments)
    return arc + h(0.0, parameter) - x - y


def _huber(u: float, p: float) -> float:
    return u / 2 if u <= p * p else p * (math.sqrt(u) - p / 2)


def _mcp(u: float, p: float) -> float:
    size = math.sqrt(u)
    return size - u / (2 * p) if size <= p else p / 2


def _scad(u: float, p: float) -> float:
    size, knee = math.sqrt(u), SCAD_KNEE
    if size <= p:
        return p * size
    if size <= knee * p:
        return (2 * knee * p * size - u - p * p) / (2 * (knee - 1))
    return p * p * (knee + 1) / 2


PENALTIES: dict[Penalty, Callable[[float, float], float]] = {
    "u": lambda u, _: u,
    "Huber": _huber,
    "saturating": lambda u, p: u / (u + p),
    "log plus": lambda u, p: math.log(u + p),
    "root": lambda u, _: math.sqrt(u),
    "power": lambda u, p: u**p,
    "MCP": _mcp,
    "SCAD": _scad,
    "support": lambda u, _: float(u > 0),
    "log": lambda u, _: math.log(u) if u else -math.inf,
}
"""h(u) with its parameter, NaN where it has none."""
