"""Figures of the remedies: how training ends by learning rate, and the error along training."""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK, QUIET, Look
from analysis.figures.style import SETTINGS, legend, panels
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from study.catalog.stability.table import CEILING_ON_GAMMA, NONE, SIGNS, SLOWER, WARM_UP, stability

LOOKS = {
    NONE: Look("no remedy", "#222222", "o"),
    WARM_UP: Look("warm-up of β", "#E69F00", "s"),
    CEILING_ON_GAMMA: Look("ceiling on γ", "#009E73", "D"),
    SLOWER: Look("steps fall with √γ", "#0072B2", "^"),
    SIGNS: Look("steps by sign", "#CC79A7", "v"),
}

OUTCOMES = {"nre_test": "NRE, test", "n_active": "active latents, v < 0.5"}

APART = 0.11
"""Horizontal distance between remedies; learning rates are 1 apart."""


@stability.figures
def drawings(view: View) -> list[Drawing]:
    """The outcomes, and the course of training at the middle learning rate."""
    trials = view.trials[view.trials["status"].isin(["finished", "diverged"])]
    if trials.empty:
        return []
    groups = [(str(setting), own) for (setting,), own in cells(trials, view.header, ["setting"])]
    with mpl.rc_context(SETTINGS):
        drawn = [_ends(groups, view.header.axes["lr"]), _course(groups, view.curves, view.header.axes["lr"])]
    return [drawing for drawing in drawn if drawing]


def _ends(groups: list[tuple[str, Frame]], rates: list[Any]) -> Drawing:
    figure, grid = panels(len(OUTCOMES), len(groups), height=2.3, sharex=True, sharey="row")
    for column, (setting, trials) in enumerate(groups):
        for line, quantity in zip(grid, OUTCOMES, strict=True):
            _points(line[column], trials, quantity, rates)
        grid[0][column].set_title(f"γ {setting}", loc="left", color=INK)
        r = float(trials["intrinsic_dim"].iloc[0])
        grid[1][column].axhline(r, color=QUIET, linestyle=":", linewidth=1.0, zorder=0, label="needed, r")
        grid[-1][column].set_xticks(range(len(rates)), [label_text(lr) for lr in rates])
        grid[-1][column].set_xlabel("learning rate")
    grid[0][0].set_yscale("log")
    grid[1][0].yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    for line, text in zip(grid, OUTCOMES.values(), strict=True):
        line[0].set_ylabel(text)
    legend(figure, [ax for line in grid for ax in line], "How training at a small γ ends")
    caption = (
        "Reconstruction error and active latents at the end of training by learning rate, a point for each seed, a "
        "bar at the median. A cross is a trial that diverged, as it was before that step."
    )
    return Drawing.of("remedies", caption, figure)


def _points(ax: Axes, trials: Frame, quantity: str, rates: list[Any]) -> None:
    for place, (remedy, look) in enumerate(LOOKS.items()):
        own = trials[trials["remedy"].eq(remedy)]
        labelled = False
        for index, lr in enumerate(rates):
            here = own[own["lr"].eq(lr)]
            x = index + APART * (place - (len(LOOKS) - 1) / 2)
            for status, marker, size in (("finished", look.marker, 3.6), ("diverged", "x", 5.0)):
                values = here.loc[here["status"].eq(status), quantity].to_numpy(float)
                style: dict[str, Any] = {"color": look.colour, "linestyle": "none", "alpha": 0.75}
                name = look.label if status == "finished" and not labelled and len(values) else None
                labelled = labelled or name is not None
                ax.plot(np.full(len(values), x), values, marker, markersize=size, label=name, **style)
            if len(here):
                middle = float(here[quantity].median())
                ax.plot([x - 0.045, x + 0.045], [middle, middle], color=look.colour, linewidth=1.4)


def _course(groups: list[tuple[str, Frame]], curves: Frame, rates: list[Any]) -> Drawing | None:
    middle = rates[len(rates) // 2]
    courses = {name: curves[curves["trial_id"].isin(own.loc[own["lr"].eq(middle), "trial_id"])] for name, own in groups}
    courses = {setting: rows for setting, rows in courses.items() if len(rows)}
    if not courses:
        return None
    figure, (line,) = panels(1, len(courses), height=2.6, sharey=True)
    for ax, (setting, rows) in zip(line, courses.items(), strict=True):
        ax.set_yscale("log")
        for remedy, look in LOOKS.items():
            own = rows[rows["remedy"].eq(remedy)].groupby("step")["distortion"]
            if own.ngroups:
                median, low, high = own.median(), own.min(), own.max()
                ax.fill_between(median.index, low, high, color=look.colour, alpha=0.12, linewidth=0)
                ax.plot(median.index, median, color=look.colour, linewidth=1.3, label=look.label)
        ax.set_title(f"γ {setting}", loc="left", color=INK)
        ax.set_xlabel("training step")
    line[0].set_ylabel("distortion on the batch, data²")
    legend(figure, line, f"The course of training, learning rate {label_text(middle)}")
    caption = (
        f"Distortion along training at the learning rate {label_text(middle)}: median over seeds, shaded from "
        "minimum to maximum."
    )
    return Drawing.of("course", caption, figure)
