"""Figures of a VAE conditioned on β: its curve over those of separate VAEs, its γ(β), and its second VAEs."""

from collections.abc import Sequence
from typing import Any, Protocol

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from analysis.figures.curves import theory
from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK, QUIET, Look
from analysis.figures.style import SETTINGS, legend, log_scale, panels
from analysis.frames.types import Frame
from study.catalog.beta_input.table import SEPARATE, TOLD

LOOKS = {SEPARATE: Look("a VAE for each β", "#D55E00", "s"), TOLD: Look("one VAE conditioned on β", "#0072B2", "o")}

FINE = 400
"""Points of a dashed curve."""


class Curves(Protocol):
    """What the figures show of one data set."""

    @property
    def data(self) -> str:
        """The data set's label."""
        ...

    @property
    def is_learned(self) -> bool:
        """Whether γ is learned."""
        ...

    @property
    def is_linear(self) -> bool:
        """Whether the data are linear, so that γ has a closed form."""
        ...

    @property
    def points(self) -> Frame:
        """A row for each point: `way`, `beta`, `seed`, `rate` in nats, `distortion` and `gamma` in data²."""
        ...

    @property
    def second(self) -> Frame:
        """`way`, `beta`, `seed`, and distances to q(z): `mmd` of second VAEs' samples, `prior` of the prior."""
        ...

    def theory(self, rates: np.ndarray) -> np.ndarray:
        """R in data² of reverse water-filling at these rates in nats."""
        ...

    def gamma_star(self, betas: np.ndarray) -> np.ndarray:
        """The γ in data² that a linear network learns at these β."""
        ...


def figures(every: Sequence[Curves]) -> list[Drawing]:
    """The curves of every data set by γ mode, the γ that is learned, and the second VAEs of those that have any."""
    fixed, learned = ([one for one in every if one.is_learned == is_learned] for is_learned in (False, True))
    seconds = [one for one in every if len(one.second)]
    with mpl.rc_context(SETTINGS):
        drawn = [_curves(fixed, "one_for_all", "One network for a whole curve, γ fixed")] if fixed else []
        if learned:
            drawn += [_curves(learned, "decoupled", "One network for a whole curve, γ learned by β"), _gammas(learned)]
        return drawn + ([_seconds(seconds)] if seconds else [])


def _curves(every: Sequence[Curves], name: str, title: str) -> Drawing:
    figure, grid = panels(2, len(every), sharex="col")
    for column, one in enumerate(every):
        above, below = grid[0][column], grid[1][column]
        rates = np.linspace(0, one.points["rate"].max(), FINE)
        theory(above, rates, one.theory(rates), "theory, linear networks")
        _points(above, one.points, "distortion")
        log_scale(above)
        ratio = one.points["distortion"] / one.theory(one.points["rate"].to_numpy())
        below.axhline(1.0, color=INK, linestyle=(0, (4, 3)), linewidth=1.0)
        _points(below, one.points.assign(ratio=ratio), "ratio")
        below.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        above.set_title(one.data, loc="left", color=INK)
        below.set_xlabel("rate K, nats")
    grid[0][0].set_ylabel("distortion R, data²")
    grid[1][0].set_ylabel("R over theory's")
    legend(figure, [ax for line in grid for ax in line], title)
    caption = (
        "Distortion against rate on the training set: a point per seed and β, a line through the medians over seeds. Dashed: "
        "reverse water-filling over the modes of the training set, the optimum of linear networks. Below: distortion over "
        "theory's at the same rate; a nonlinear network may lie below 100 %."
    )
    return Drawing.of(name, caption, figure)


def _gammas(every: Sequence[Curves]) -> Drawing:
    """γ against β: of the separate trainings, of the network that learns a function of β, and of linear theory."""
    figure, (line,) = panels(1, len(every), height=2.8)
    for ax, one in zip(line, every, strict=True):
        betas = np.geomspace(one.points["beta"].min(), one.points["beta"].max(), FINE)
        star = one.gamma_star(betas)
        theory(ax, betas, np.where(star > 0, star, np.nan), "γ*, linear networks")
        for way, look in LOOKS.items():
            own = one.points[one.points["way"].eq(way)]
            ax.plot(
                own["beta"], own["gamma"], look.marker, color=look.colour, markersize=3.2, alpha=0.6, label=look.label
            )
        ax.set_xscale("log")
        log_scale(ax)
        ax.set_xlabel("weight of the rate β")
        ax.set_title(one.data, loc="left", color=INK)
    line[0].set_ylabel("decoder variance γ, data²")
    legend(figure, line, "The γ that belongs to each β")
    caption = (
        "The learned decoder variance against β, a point per seed and β: of a VAE for each β, and of one network that learns "
        "a function of β. Dashed: the closed form of linear networks on the training set's modes; on other data a reference."
    )
    return Drawing.of("gamma", caption, figure)


def _points(ax: Axes, points: Frame, column: str) -> None:
    for way, look in LOOKS.items():
        own = points[points["way"].eq(way)]
        middle = own.groupby("beta")[["rate", column]].median().sort_values("rate")
        style: dict[str, Any] = {"color": look.colour, "marker": look.marker}
        ax.plot(own["rate"], own[column], linestyle="none", markersize=2.8, alpha=0.45, **style)
        ax.plot(middle["rate"], middle[column], markersize=2.8, linewidth=1.1, label=look.label, **style)


def _seconds(every: Sequence[Curves]) -> Drawing:
    figure, (line,) = panels(1, len(every), height=2.6)
    for ax, one in zip(line, every, strict=True):
        betas = sorted(one.second["beta"].unique())
        for place, (way, look) in enumerate(LOOKS.items()):
            _columns(ax, one.second[one.second["way"].eq(way)], betas, "mmd", look, 0.14 * (place - 1))
        told = one.second[one.second["way"].eq(TOLD)]
        _columns(ax, told, betas, "prior", Look("the prior, no second VAE", QUIET, "D"), 0.14)
        ax.set_xticks(range(len(betas)), [f"{beta:g}" for beta in betas])
        ax.set_xlabel("weight of the rate β")
        ax.set_title(one.data, loc="left", color=INK)
        ax.set_yscale("symlog", linthresh=1e-3)
        ax.set_ylim(-1e-3, 1.5 * max(one.second["mmd"].max(), told["prior"].max(), 1e-3))
    line[0].set_ylabel("MMD of samples to q(z)")
    legend(figure, line, "Second VAEs on the codes")
    caption = (
        "MMD of samples to draws of q(z) at the same β, a point per seed: of second VAEs trained at one β each, of one "
        "conditioned on β, and of the prior against the latter's q(z). The axis is linear below 0.001, about twice the "
        "deviation between two samples of one distribution."
    )
    return Drawing.of("second", caption, figure)


def _columns(ax: Axes, rows: Frame, betas: Sequence[float], column: str, look: Look, shift: float) -> None:
    at = [betas.index(beta) + shift for beta in rows["beta"]]
    ax.plot(at, rows[column], look.marker, color=look.colour, markersize=4.5, alpha=0.8, label=look.label)
