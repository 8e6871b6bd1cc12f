"""The figure of skip_depth: active latents and reconstruction error against the decoder's depth."""

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from analysis.figures.bands import SKIPS, band
from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK
from analysis.figures.style import SETTINGS, legend, panels
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from study.catalog.skip_depth.table import FAN_IN, HE_INIT, skip_depth

INITS = {FAN_IN: "N(0, 1/fan_in)", HE_INIT: "He"}
"""How figures and tables name the initial weights."""

APART = 0.05
"""Horizontal distance between kinds of skip, in steps of the axis: their lines often coincide."""


@skip_depth.figures
def drawings(view: View) -> list[Drawing]:
    """A column for each κ and initialisation, of data with several depths; active latents above, NRE below."""
    finished = view.trials[view.trials["status"].eq("finished")]
    if finished.empty:
        return []
    depths = sorted(view.trials["depth"].unique())
    deepened = finished.groupby("data", observed=True)["depth"].transform("nunique").gt(1)
    if not deepened.any():
        return []
    # Depths are drawn at equal distances: three values need no numeric scale.
    placed = finished[deepened].assign(place=finished["depth"].map(depths.index))
    groups = list(cells(placed, view.header, ["kappa", "init"]))
    with mpl.rc_context(SETTINGS):
        figure, grid = panels(2, len(groups), height=2.4, sharex=True, sharey="row")
        for (counts, errors), ((kappa, init), trials) in zip(zip(*grid, strict=True), groups, strict=True):
            counts.set_title(f"κ = {label_text(kappa)}, {INITS.get(init, init)}", loc="left", color=INK)
            errors.set_yscale("log")
            _lines(counts, trials, "n_active")
            _lines(errors, trials, "nre_test")
            errors.set_xlim(-0.25, len(depths) - 0.75)
            errors.set_xticks(range(len(depths)), [label_text(depth) for depth in depths])
            errors.xaxis.set_minor_locator(NullLocator())
            errors.set_xlabel("layers of the decoder")
        _planted(grid[0], placed)
        grid[0][0].set_ylabel("active latents, v < 0.5")
        grid[1][0].set_ylabel("NRE, test")
        grid[0][0].set_ylim(bottom=-0.3)
        legend(figure, [ax for line in grid for ax in line], "Deep decoders, by skip connection and initial weights")
        caption = (
            "Active latents and reconstruction error over the total variance (NRE, test set) against the depth of a ReLU "
            "decoder: median over seeds, shaded from minimum to maximum. Dashed: min(κ, r) of the planted data."
        )
        return [Drawing.of("depth", caption, figure)]


def _lines(ax: Axes, trials: Frame, quantity: str) -> None:
    for index, (skip, look) in enumerate(SKIPS.items()):
        shift = APART * (index - (len(SKIPS) - 1) / 2)
        band(ax, trials[trials["skip"].eq(skip)], "place", quantity, look, centre="median", shift=shift)


def _planted(axes: list[Axes], trials: Frame) -> None:
    known = trials["intrinsic_dim"].dropna()
    if len(known):
        least = min(known.iloc[0], trials["kappa"].min())
        for ax in axes:
            ax.axhline(least, color=INK, linestyle=(0, (4, 3)), linewidth=1.0, label="theory: min(κ, r)")
