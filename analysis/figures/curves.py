"""Curves over a sweep: the mean over seeds with its 95 % interval shaded, and theory dashed over it.

Modes have no names, so they are told apart by order: Okabe and Ito's (2008) colours from dark to light, each with a marker.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.figures.looks import INK, MARKERS, Look
from analysis.tables.interval import t_quantile

Array = np.ndarray

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933"]

DASHED = (0, (4, 3))


def ordered_looks(labels: Sequence[str]) -> list[Look]:
    """A look for each of a few curves, by their order."""
    return [Look(label, COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i, label in enumerate(labels)]


def band(ax: Axes, x: Float[Array, " k"], values: Float[Array, "k seeds"], look: Look, markers: bool = True) -> None:
    """Mean over seeds, NaN left out, with the 95 % t-interval shaded; a point of one seed has no band."""
    n = np.isfinite(values).sum(1)
    seen = n > 0
    x, values, n = x[seen], values[seen], n[seen]
    mean = np.nanmean(values, axis=1)
    spread = np.sqrt(np.nansum((values - mean[:, None]) ** 2, axis=1) / np.maximum(n - 1, 1))
    half = np.where(n > 1, t_quantile(np.maximum(n - 1, 1)) * spread / np.sqrt(n), 0.0)
    ax.fill_between(x, mean - half, mean + half, color=look.colour, alpha=0.22, linewidth=0)
    marker = look.marker if markers else ""
    ax.plot(x, mean, color=look.colour, marker=marker, markersize=3.2, linewidth=1.1, label=look.label)


def theory(ax: Axes, x: Float[Array, " k"], y: Float[Array, " k"], label: str = "theory") -> None:
    """A dashed curve of theory."""
    ax.plot(x, y, color=INK, linestyle=DASHED, linewidth=1.0, zorder=5, label=label)


def log_beta(ax: Axes, label: str = "β") -> None:
    """A logarithmic axis of β with plain numbers."""
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(label)
