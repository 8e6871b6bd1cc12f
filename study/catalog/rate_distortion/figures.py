"""Figures of rate-distortion curves: distortion against rate beside theory, and the ratio of the two."""

from collections.abc import Sequence
from typing import Any, Protocol

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from analysis.figures.curves import theory
from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK, Look
from analysis.figures.style import SETTINGS, legend, log_scale, panels
from analysis.frames.types import Frame

LOOKS = {"fixed": Look("γ fixed", "#D55E00", "s"), "learned": Look("γ learned", "#0072B2", "o")}
"""By how γ is set, as `gamma_mode` records it."""

FINE = 400
"""Points of a dashed curve."""


class Curves(Protocol):
    """What a figure needs of one data set."""

    @property
    def data(self) -> str:
        """The data set's label."""
        ...

    @property
    def linear(self) -> bool:
        """Whether the data are a linear subspace."""
        ...

    @property
    def trials(self) -> Frame:
        """Converged trials, with `rate` in nats and `distortion` in data²."""
        ...

    def theory(self, rates: np.ndarray) -> np.ndarray:
        """R in data² of reverse water-filling at these rates in nats."""
        ...


def figures(every: Sequence[Curves]) -> list[Drawing]:
    """The curves, and their distance from linear theory, a column of panels for each data set."""
    if not every:
        return []
    with mpl.rc_context(SETTINGS):
        figure, grid = panels(2, len(every), sharex="col")
        for column, one in enumerate(every):
            above, below = grid[0][column], grid[1][column]
            _curve(above, one)
            _distance(below, one)
            above.set_title(one.data, loc="left", color=INK)
            below.set_xlabel("rate K, nats")
        grid[0][0].set_ylabel("distortion R, data²")
        grid[1][0].set_ylabel("R over that of theory")
        legend(figure, [ax for line in grid for ax in line], "Distortion against rate as β varies")
    caption = (
        "Distortion against rate on the training set as β varies: a point for each trial, a line through the medians over "
        "seeds. Dashed: reverse water-filling over the modes of the training set, the optimum of linear networks. "
        "Below: distortion divided by that of theory at the same rate; a nonlinear network may fall below 100 %."
    )
    return [Drawing.of("rate_distortion", caption, figure)]


def _curve(ax: Axes, one: Curves) -> None:
    rates = np.linspace(0, one.trials["rate"].max(), FINE)
    theory(ax, rates, one.theory(rates), "theory, linear networks")
    _points(ax, one.trials, "distortion")
    log_scale(ax)


def _distance(ax: Axes, one: Curves) -> None:
    ratio = one.trials["distortion"] / one.theory(one.trials["rate"].to_numpy())
    ax.axhline(1.0, color=INK, linestyle=(0, (4, 3)), linewidth=1.0)
    _points(ax, one.trials.assign(ratio=ratio), "ratio")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1 if one.linear else 0))
    if one.linear:
        ax.set_ylim(0.99, 1.02)


def _points(ax: Axes, trials: Frame, column: str) -> None:
    for mode, look in LOOKS.items():
        own = trials[trials["gamma_mode"].eq(mode)]
        middle = own.groupby("beta")[["rate", column]].median().sort_values("rate")
        style: dict[str, Any] = {"color": look.colour, "marker": look.marker}
        ax.plot(own["rate"], own[column], linestyle="none", markersize=3.2, alpha=0.55, **style)
        ax.plot(middle["rate"], middle[column], markersize=3.2, linewidth=1.1, label=look.label, **style)
