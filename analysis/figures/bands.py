"""A measurement against an axis: the mean over seeds, shaded to its 95 % t-interval or to the least and the greatest."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from analysis.figures.looks import Look
from analysis.frames.types import Frame
from analysis.tables.cells import label_text
from analysis.tables.interval import t_interval

SKIPS: Mapping[str, Look] = {
    "none": Look("no skip", "#0072B2", "o"),
    "affine": Look("affine", "#E69F00", "s"),
    "residual": Look("residual", "#009E73", "D"),
    "concat": Look("concatenation", "#AA4499", "^"),
}
"""The look of each kind of skip connection, the same in every figure."""

Centre = Literal["mean", "median"]


def band(
    ax: Axes, trials: Frame, x: str, y: str, look: Look, centre: Centre = "mean", shift: float = 0.0, **style: Any
) -> None:
    """The line of `y` against `x` over seeds: means with their t-interval, or medians with the whole range.

    On a logarithmic `y` the interval's lower end stays above zero: a t-interval knows no such bound. `shift` moves the
    line along `x`, so that lines which agree stay visible.
    """
    points = trials[[x, y]].dropna().astype(float).sort_values(x)
    if points.empty:
        return
    groups = [(float(at), group[y].to_numpy()) for at, group in points.groupby(x)]
    at = np.array([place for place, _ in groups]) + shift
    if centre == "median":
        middle = np.array([np.median(values) for _, values in groups])
        low, high = np.array([(values.min(), values.max()) for _, values in groups]).T
    else:
        intervals = [t_interval(values) for _, values in groups]
        middle = np.array([interval.mean for interval in intervals])
        half = np.nan_to_num([interval.half for interval in intervals])  # one seed has no interval
        low, high = middle - half, middle + half
    if ax.get_yscale() == "log":
        low = np.maximum(low, 0.2 * middle)
    ax.fill_between(at, low, high, color=look.colour, alpha=0.18, linewidth=0)
    looks: dict[str, Any] = {"color": look.colour, "marker": look.marker, "markersize": 4, "label": look.label}
    ax.plot(at, middle, **looks | style)


def kappa_axis(ax: Axes, trials: Frame) -> None:
    """κ along the horizontal axis: doublings of equal width, and a tick for each value that occurs."""
    kappas = sorted(trials["kappa"].unique())
    ax.set_xscale("log", base=2)
    ax.set_xticks(kappas, [label_text(kappa) for kappa in kappas])
    ax.xaxis.set_minor_locator(NullLocator())
