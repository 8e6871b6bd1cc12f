"""The exact least-squares fit of a hinge, y = slope · (knot − x)₊, to many data sets of one design at once.

While the knot moves between two neighbouring x, the points below it stay the same ones, and a minimum there is the zero
of a straight line through those points. Where the knot crosses a point of height y_k ≥ 0, the derivative of the sum of
squares jumps by −2 w_k y_k · slope, downwards: no minimum lies at a point. So the best of at most K lines is the global
minimum; there is no grid, no start and no iteration.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Array = np.ndarray

EDGE = 1e-9
"""Share of its width by which a cell reaches over its ends: rounding must not lose a knot that lies at a point."""


@dataclass(frozen=True)
class Form:
    """What is known of a hinge before it is fitted: its slope, its intercept = slope · knot, or (both None) neither."""

    slope: float | None = None
    intercept: float | None = None

    @property
    def free_slope(self) -> bool:
        """Whether the slope is fitted too."""
        return self.slope is None and self.intercept is None


@dataclass(frozen=True)
class Hinges:
    """Fitted hinges: knot, slope and the weighted sum of squared residuals; NaN, NaN and infinity where no fit exists."""

    knot: Float[Array, " sets"]
    slope: Float[Array, " sets"]
    rss: Float[Array, " sets"]


def hinge(x: Float[Array, " k"], knot: float, slope: float) -> Float[Array, " k"]:
    """slope · (knot − x)₊."""
    return slope * np.maximum(knot - x, 0.0)


def fit_hinges(
    x: Float[Array, " k"],
    weight: Float[Array, "sets k"],
    weighted_y: Float[Array, "sets k"],
    weighted_yy: Float[Array, "sets k"],
    form: Form,
) -> Hinges:
    """The hinges that minimise Σ w (y − slope (knot − x)₊)² over knot > x₀ and over the slope where it is free.

    x ascends and y is nowhere negative. The data come as Σw, Σwy and Σwy² at every x, summed over what was measured
    there; a weight of zero leaves a point out. A free slope needs two points below the knot. There is no fit where a
    level, whose knot is infinite, is as good as any hinge.
    """
    moments = (weight, weight * x, weight * x**2, weighted_y, weighted_y * x)
    w, wx, wxx, wy, wxy = (np.cumsum(moment, axis=-1) for moment in moments)
    below = x - EDGE * np.diff(x, prepend=x[0])
    above = np.append(x[1:] + EDGE * np.diff(x), np.inf)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # cells without points are no candidates
        intercept, slope = _lines(w, wx, wxx, wy, wxy, form)
        knot = intercept / slope
        rss = weighted_yy.sum(-1, keepdims=True) - 2 * (intercept * wy - slope * wxy)
        rss += intercept * (intercept * w - 2 * slope * wx) + slope**2 * wxx
        usable = (knot >= below) & (knot <= above) & (slope > 0)
        if form.free_slope:
            usable &= np.cumsum(weight > 0, axis=-1) >= 2
    rss[~(usable & np.isfinite(rss))] = np.inf

    best = (np.arange(len(rss)), np.argmin(rss, axis=-1))
    found = rss[best] < _level(w[:, -1], wy[:, -1], weighted_yy.sum(-1), form)
    knot, slope, rss = (
        np.where(found, part[best], none) for part, none in ((knot, np.nan), (slope, np.nan), (rss, np.inf))
    )
    return Hinges(knot, slope, np.maximum(rss, 0.0))


def _lines(w: Array, wx: Array, wxx: Array, wy: Array, wxy: Array, form: Form) -> tuple[Array, Array]:
    """Intercept and slope of the least-squares lines y = intercept − slope · x through the points summed over."""
    if form.intercept is not None:
        return np.full_like(wy, form.intercept), (form.intercept * wx - wxy) / wxx
    if form.slope is not None:
        return (wy + form.slope * wx) / w, np.full_like(wy, form.slope)
    slope = (wx * wy - w * wxy) / (w * wxx - wx**2)
    return (wy + slope * wx) / w, slope


def _level(w: Array, wy: Array, wyy: Array, form: Form) -> Array:
    """The sum of squares about a level line, which a hinge approaches as its knot goes to infinity."""
    if form.slope is not None:
        return np.full_like(wyy, np.inf)
    if form.intercept is not None:
        return wyy - 2 * form.intercept * wy + form.intercept**2 * w
    return wyy - wy**2 / np.where(w > 0, w, 1.0)
