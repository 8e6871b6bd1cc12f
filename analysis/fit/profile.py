"""Profile intervals of the plateau and of the scale: the values at which some curve still fits well enough.

A curve fits well enough while its sum of squares is within `limit`. At a fixed scale the sum of squares is a parabola in
the plateau, so that the plateau's interval is the widest of those parabolas' over the scales that fit.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from analysis.fit.curves import WIDTHS, Curve
from analysis.fit.search import FIRST, Factors, best_scales, factors, minimum

Array = np.ndarray
BISECTIONS = 40


@dataclass(frozen=True)
class Profile:
    """Intervals of plateau and scale. An end that the data do not bound is infinite, or zero for the scale's lower one."""

    plateau: tuple[float, float]
    scale: tuple[float, float]


def profile(curve: Curve, kappa: Float[Array, " n"], y: Float[Array, " n"], limit: float, width: float) -> Profile:
    """The intervals at a sum of squares of `limit`, which is above the best fit's; `width` is the best fit's."""
    widths = np.append(WIDTHS, width) if curve.has_width else np.ones(1)
    best, rss = best_scales(curve, kappa, y, np.ones((1, 1, len(kappa))), widths[None])
    fits = rss[0] <= limit
    region = _Region(curve, kappa, y, limit, widths[fits])
    first, last = (float(np.log(end)) for end in curve.scales(kappa))
    if first == last:
        low, high = best[0][fits], best[0][fits]
    else:
        low, high = region.ends(best[0][fits], first, last)
    plateau_high = -minimum(lambda at: -region.plateau(at, 1.0), low, high)[1].min()
    plateau_low = max(0.0, minimum(lambda at: region.plateau(at, -1.0), low, high)[1].min())
    open_high = first < last and bool((high == last).any())
    open_low = first < last and bool((low == first).any())
    return Profile(
        plateau=(float(plateau_low), np.inf if open_high else float(plateau_high)),
        scale=(0.0 if open_low else float(np.exp(low.min())), np.inf if open_high else float(np.exp(high.max()))),
    )


@dataclass(frozen=True)
class _Region:
    """The scales at which a curve of given widths (w,) fits within the limit."""

    curve: Curve
    kappa: Array
    y: Array
    limit: float
    widths: Array

    def slack(self, log_scale: Array) -> Array:
        """How far below the limit the sum of squares is, at log scales (w, points)."""
        return self.limit - self._factors(log_scale).rss

    def plateau(self, log_scale: Array, side: float) -> Array:
        """The upper (side 1) or lower (−1) end of the plateau's interval at each scale; ∓∞ where nothing fits."""
        found = self._factors(log_scale)
        room = self.limit - found.rss
        reach = np.sqrt(np.maximum(room, 0.0) / found.stiffness)
        return np.where(room >= -1e-12 * self.limit, found.first + side * reach, -side * np.inf)

    def ends(self, best: Array, first: float, last: float) -> tuple[Array, Array]:
        """The lowest and the highest log scale that fit, for each width; `first` or `last` where none is too far."""
        grid = np.broadcast_to(np.linspace(first, last, FIRST), (len(best), FIRST))
        points = np.sort(np.concatenate([grid, best[:, None]], axis=-1), axis=-1)
        inside = (self.slack(points) >= 0) | (points == best[:, None])
        return self._end(points, inside, np.argmax(inside, -1), -1), self._end(
            points, inside, points.shape[-1] - 1 - np.argmax(inside[:, ::-1], -1), 1
        )

    def _end(self, points: Array, inside: Array, outermost: Array, step: int) -> Array:
        """Bisection between the outermost point that fits and its neighbour that does not."""
        rows, final = np.arange(len(points)), points.shape[-1] - 1
        within, beyond = points[rows, outermost], points[rows, np.clip(outermost + step, 0, final)]
        for _ in range(BISECTIONS):
            middle = 0.5 * (within + beyond)
            good = self.slack(middle[:, None])[:, 0] >= 0
            within, beyond = np.where(good, middle, within), np.where(good, beyond, middle)
        at_the_edge = outermost == (final if step > 0 else 0)
        return np.where(at_the_edge, points[rows, outermost], within)

    def _factors(self, log_scale: Array) -> Factors:
        width = np.broadcast_to(self.widths[:, None], log_scale.shape)
        return factors(self.curve, self.kappa, self.y, np.ones(len(self.kappa)), np.exp(log_scale), width)
