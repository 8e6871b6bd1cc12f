"""The area between two measured rate-distortion curves.

Between measured points a curve is what a reference curve makes of its ends: log R − log R_ref is interpolated linearly in
the rate K. The curves are convex, and straight lines between points that lie apart would put an area where there is none.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Array = np.ndarray

Curve = Callable[[Array], Array]
"""Distortion in data² at rates in nats."""

POINTS = 2000
"""Places at which curves are compared."""


class Area(NamedTuple):
    """∫ (R_other − R_one) dK and ∫ |R_other − R_one| dK over the rates that both curves reach, as parts of ∫ R_one dK."""

    signed: float
    unsigned: float


def through(rates: Float[Array, " n"], distortions: Float[Array, " n"], reference: Curve) -> Curve:
    """The curve through measured points, by the reference's shape between them; NaN beyond the first and the last."""
    order = np.argsort(rates)
    x, ratio = rates[order], np.log(distortions[order] / reference(rates[order]))
    return lambda at: reference(at) * np.exp(np.interp(at, x, ratio, left=np.nan, right=np.nan))


def area(
    one: tuple[Float[Array, " n"], Float[Array, " n"]],
    other: tuple[Float[Array, " m"], Float[Array, " m"]],
    reference: Curve,
) -> Area:
    """The area between two curves of (rates, distortions); NaN where they have no rates in common."""
    low, high = max(one[0].min(), other[0].min()), min(one[0].max(), other[0].max())
    if not high > low:
        return Area(np.nan, np.nan)
    at = np.linspace(low, high, POINTS)
    first, second = (through(*points, reference)(at) for points in (one, other))
    apart, whole = second - first, np.trapezoid(first, at)
    return Area(float(np.trapezoid(apart, at) / whole), float(np.trapezoid(np.abs(apart), at) / whole))
