"""The loss along lines through affine decoders: a curve for each γ, relative to its own minimum."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib import colormaps

from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK, QUIET
from analysis.figures.style import SETTINGS, legend, panels

Curves = Mapping[float, Mapping[str, np.ndarray]]
"""γ → `t` and `loss`."""


def slices(lines: Mapping[str, Curves]) -> Drawing:
    """A panel for each line."""
    gammas = sorted({gamma for curves in lines.values() for gamma in curves}, reverse=True)
    shades = colormaps["viridis"](np.linspace(0.88, 0.05, len(gammas)))
    with mpl.rc_context(SETTINGS):
        figure, (row,) = panels(1, len(lines), height=3.4)
        for ax, (name, curves) in zip(row, lines.items(), strict=True):
            for gamma, shade in zip(gammas, shades, strict=True):
                if gamma in curves:
                    t, loss = curves[gamma]["t"], curves[gamma]["loss"]
                    ax.plot(t, loss - loss.min(), color=shade, linewidth=1.5, label=f"γ = {gamma:g}")
            ax.axvline(0.0, color=QUIET, linestyle=":", linewidth=1.0, zorder=0)
            ax.set_title(name, loc="left", color=INK)
            ax.set_xlabel("t")
            ax.margins(x=0.01)
        row[0].set_ylabel("loss above its minimum, 2J + κ")
        # The panel with the most values of γ comes first, so that the legend lists them in order.
        most_first = sorted(row, key=lambda ax: -len(ax.lines))
        legend(figure, most_first, "A small γ carves minima into lines that a large one leaves smooth")
        caption = (
            "The profile loss along lines through decoders, each curve relative to its own minimum. Left: one mode "
            "and two latents. Right: three modes and six latents, along a random direction. Dotted: the planted "
            "decoder."
        )
        return Drawing.of("slices", caption, figure)
