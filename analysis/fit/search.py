"""Least squares for the candidate curves: factors in closed form, the scale by a search, for many weightings at once.

A search looks at a grid over the whole range of log scales and then at ever finer grids around the best point. It needs
no derivative and no start, takes bends as they come, and cannot fail; its range says where it ends.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from analysis.fit.curves import WIDTHS, Curve

Array = np.ndarray
FIRST, LATER, ROUNDS = 161, 17, 9
WIDTHS_LATER, WIDTH_ROUNDS = 9, 4


@dataclass(frozen=True)
class Factors:
    """Least-squares factors at given scales: their sum of squares, and how stiffly it holds the first factor.

    Moving the first factor by δ, the second following, raises the sum of squares by stiffness · δ².
    """

    rss: Array
    first: Array
    second: Array
    stiffness: Array


@dataclass(frozen=True)
class Fits:
    """Best fits for several weightings: sums of squares, scales, widths and factors."""

    rss: Float[Array, " sets"]
    scale: Float[Array, " sets"]
    width: Float[Array, " sets"]
    factors: Float[Array, "sets 2"]


def factors(curve: Curve, kappa: Array, y: Array, weight: Array, scale: Array, width: Array) -> Factors:
    """The factors that fit best; scale and width (*shape), weight (*shape or 1, n). Plateaus and slopes are not negative."""
    columns = curve.shapes(kappa, scale[..., None], width[..., None])
    if curve.factors == 0:
        rss = (weight * (y - columns[0]) ** 2).sum(-1)
        return Factors(rss, scale, np.zeros_like(scale), np.full_like(scale, np.inf))
    if curve.factors == 1:
        stiffness, pull = (weight * columns[0] ** 2).sum(-1), (weight * columns[0] * y).sum(-1)
        first, second = np.maximum(pull / stiffness, 0.0), np.zeros_like(pull)
        return Factors((weight * (y - first[..., None] * columns[0]) ** 2).sum(-1), first, second, stiffness)
    total = np.broadcast_to(weight, columns[1].shape).sum(-1)  # the first column is one
    mean, mean_y = (weight * columns[1]).sum(-1) / total, (weight * y).sum(-1) / total
    away = columns[1] - mean[..., None]
    spread = (weight * away**2).sum(-1)
    pull = (weight * away * y).sum(-1)
    falls = pull <= 0  # the counts fall with κ, or nothing sets the slope: a level fits best
    second = np.where(falls, 0.0, pull / np.where(falls, 1.0, spread))
    rss = (weight * (y - mean_y[..., None] - second[..., None] * away) ** 2).sum(-1)
    stiffness = np.where(falls, total, total * spread / np.where(falls, 1.0, spread + total * mean**2))
    return Factors(rss, mean_y - second * mean, second, stiffness)


def minimum(objective: Callable[[Array], Array], low: Array, high: Array) -> tuple[Array, Array]:
    """Where and how low an objective (sets, points) → (sets, points) is, between `low` and `high` (sets,)."""
    points = np.linspace(low, high, FIRST, axis=-1)
    at, value = _lowest(points, objective(points))
    for _ in range(ROUNDS):
        reach = 1.5 * (points[:, 1] - points[:, 0])
        points = np.linspace(np.maximum(at - reach, low), np.minimum(at + reach, high), LATER, axis=-1)
        at, value = _lowest(points, objective(points))
    return at, value


def _lowest(points: Array, values: Array) -> tuple[Array, Array]:
    best = np.arange(len(points)), np.argmin(values, axis=-1)
    return points[best], values[best]


def best_fits(curve: Curve, kappa: Float[Array, " n"], y: Float[Array, " n"], weight: Float[Array, "sets n"]) -> Fits:
    """The best fit of a curve under every weighting of the points."""
    sets, step = np.arange(len(weight)), np.log(WIDTHS[1] / WIDTHS[0])
    widths = np.tile(WIDTHS if curve.has_width else np.ones(1), (len(weight), 1))
    log_scale, rss = best_scales(curve, kappa, y, weight[:, None], widths)
    for _ in range(WIDTH_ROUNDS if curve.has_width else 0):
        width = widths[sets, np.argmin(rss, axis=-1)]
        widths = width[:, None] * np.exp(np.linspace(-step, step, WIDTHS_LATER))
        log_scale, rss = best_scales(curve, kappa, y, weight[:, None], widths)
        step /= 4
    best = sets, np.argmin(rss, axis=-1)
    scale, width = np.exp(log_scale[best]), widths[best]
    found = factors(curve, kappa, y, weight, scale, width)
    return Fits(found.rss, scale, width, np.stack([found.first, found.second], axis=-1))


def best_scales(curve: Curve, kappa: Array, y: Array, weight: Array, widths: Array) -> tuple[Array, Array]:
    """Log scale and sum of squares of the best fit for every width (sets, widths); weight (sets or 1, 1, n)."""
    flat = widths.reshape(-1, 1)
    spread = np.broadcast_to(weight, (*widths.shape, len(kappa))).reshape(-1, 1, len(kappa))

    def rss(log_scale: Array) -> Array:
        return factors(curve, kappa, y, spread, np.exp(log_scale), np.broadcast_to(flat, log_scale.shape)).rss

    low, high = (np.full(len(flat), np.log(end)) for end in curve.scales(kappa))
    at, value = minimum(rss, low, high)
    return at.reshape(widths.shape), value.reshape(widths.shape)
