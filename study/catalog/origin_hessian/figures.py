"""How far below the origin the global minimum lies, for random problems on either side of the threshold."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np

from analysis.figures.curves import COLOURS
from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK, QUIET
from analysis.figures.style import SETTINGS, legend, log_scale, panels
from analysis.frames.probe_results import ProbeResult

LEAST = 1e-12
"""Differences below this many nats are rounding, and are drawn at this value."""


def depths(found: Mapping[str, Sequence[ProbeResult]]) -> Drawing:
    """A panel for each kind of model, a point for each problem, marked by the sign of the origin's least curvature."""
    with mpl.rc_context(SETTINGS):
        figure, (row,) = panels(1, len(found), sharey=True)
        for ax, (variant, looks) in zip(row, found.items(), strict=True):
            ratio, depth, curved = (np.array(values, float) for values in zip(*map(_point, looks), strict=True))
            for chosen, label, colour, marker in (
                (curved < 0, "the origin is a saddle", COLOURS[0], "o"),
                (curved >= 0, "the origin is a minimum", COLOURS[1], "s"),
            ):
                ax.plot(ratio[chosen], depth[chosen], marker, color=colour, markersize=4, alpha=0.8, label=label)
            ax.axvline(1.0, color=QUIET, linestyle=":", linewidth=1.1, zorder=0)
            ax.set_title(variant, loc="left", color=INK)
            log_scale(ax, "x")
            log_scale(ax)
            ax.set_xlabel("ζ₁²/(βγ)")
        row[0].set_ylabel("depth of the global minimum, nats")
        legend(figure, row, "The origin is a minimum exactly where nothing lies below it")
        caption = (
            "J at the origin minus its lowest value, against ζ₁²/(βγ), for random linear problems; depths below "
            "1e-12 are drawn at 1e-12. Dotted: the threshold."
        )
        return Drawing.of("depths", caption, figure)


def _point(look: ProbeResult) -> tuple[float, float, float]:
    depth = max(look["at_origin"] - look["lowest"], LEAST)
    curved = look["least_eigenvalue"] / look["largest_eigenvalue"]
    return look["threshold_ratio"], depth, 0.0 if abs(curved) < 1e-9 else curved
