"""Figures of the rate's halves: gains over the level, and E μ² and losses on both sides of a jump; theory is dashed."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from analysis.figures.curves import band, ordered_looks, theory
from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK, QUIET, Look
from analysis.figures.style import SETTINGS, legend, panels
from analysis.frames.types import Frame
from study.catalog.kl_halves.table import SIDES
from study.catalog.kl_halves.transitions import Networks

FINE = 400
"""Points of a dashed curve."""

STARTS = dict(zip(SIDES, ordered_looks([f"{side} at first" for side in SIDES]), strict=True))


def figures(every: Sequence[Networks]) -> list[Drawing]:
    """The gain of every pair of weights with two halves, and both sides of every jump."""
    with_both = [one for one in every if one.theory.mean and one.theory.variance]
    jumps = [one for one in with_both if one.theory.is_first_order]
    with mpl.rc_context(SETTINGS):
        return ([gains(with_both)] if with_both else []) + ([losses(jumps)] if jumps else [])


def gains(every: Sequence[Networks]) -> Drawing:
    """E μ² of the first mode's latent against the level, for both starts, a panel for each pair of weights."""
    columns = min(3, len(every))
    figure, grid = panels(-(-len(every) // columns), columns, sharex=True, sharey=True)
    axes = [ax for line in grid for ax in line]
    for ax in axes[len(every) :]:
        ax.set_visible(False)
    for ax, one in zip(axes, every, strict=False):
        for side, look in STARTS.items():
            _band(ax, one, side, "gain", look)
        levels = _fine(one)
        theory(ax, levels / one.lost_level(), one.expected_gain(levels), "theory, kept side")
        _lost_at(ax, one)
        ax.set_ylim(-0.03, 1.03)
    for line in grid:
        line[0].set_ylabel("gain of mode 1")
    legend(figure, axes, "The first mode is lost without a jump for α ≤ 2δ, and by one for α > 2δ")
    caption = (
        "By how much encoder and decoder together multiply the first mode, against the level βγ over the one at which theory "
        "loses it, from two starts: all modes kept, or all lost; mean over seeds, 95 % t-interval shaded. Dashed: the closed "
        "form on the kept side. At small levels of δ = α/8 the kept start has a second mode, too."
    )
    return Drawing.of("gains", caption, figure)


def losses(every: Sequence[Networks]) -> Drawing:
    """How much lower the loss of the kept side is, in data², against the level, a panel for each jump."""
    figure, grid = panels(1, len(every), sharey=True)
    for ax, one in zip(grid[0], every, strict=True):
        pairs = one.both.assign(loss=one.both["gain"])
        _values(ax, one, pairs, "loss", Look("measured", STARTS[SIDES[0]].colour, "o"))
        levels = _fine(one)
        lower = one.zeta2 - one.theory.loss(one.zeta2, levels)
        seen = one.expected_gain(levels) > 0
        theory(ax, levels[seen] / one.lost_level(), lower[seen])
        ax.axhline(0.0, color=QUIET, linewidth=0.9, zorder=0)
        _lost_at(ax, one)
    grid[0][0].set_ylabel("loss, lost less kept, data²")
    legend(figure, grid[0], "Between kept and lost the loss decides")
    caption = (
        "2γ J of networks that have lost the first mode, less that of those that keep it, exact over the training set: mean "
        "over seeds of twins that ended on different sides. Dashed: the closed form. Where it is 0 the global minimum "
        "changes sides, by a jump."
    )
    return Drawing.of("losses", caption, figure)


def _band(ax: Axes, one: Networks, side: str, column: str, look: Look) -> None:
    _values(ax, one, one.side(side), column, look)


def _values(ax: Axes, one: Networks, rows: Frame, column: str, look: Look) -> None:
    values = rows.pivot(index="level", columns="seed", values=column)
    if len(values):
        band(ax, values.index.to_numpy(float) / one.lost_level(), values.to_numpy(float), look)


def _lost_at(ax: Axes, one: Networks) -> None:
    ax.axvline(1.0, color=QUIET, linestyle=":", linewidth=0.9, zorder=0)
    ax.set_title(one.name, loc="left", color=INK)
    ax.set_xlabel("level over that of theory")


def _fine(one: Networks) -> np.ndarray:
    return np.linspace(one.seen["level"].min(), one.seen["level"].max(), FINE)
