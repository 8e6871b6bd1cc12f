"""The β at which the first mode is lost against d/r."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np

from analysis.figures.curves import log_beta, ordered_looks, theory
from analysis.figures.drawing import Drawing
from analysis.figures.style import SETTINGS, legend, log_scale, panels


def law(events: Sequence[tuple[int, float, list[float]]]) -> Drawing:
    """d, d/r and the measured β of each seed, against the line β = d/r."""
    sizes = sorted({d for d, _, _ in events})
    with mpl.rc_context(SETTINGS):
        figure, ((ax,),) = panels(1, 1, height=3.2)
        for d, look in zip(sizes, ordered_looks([f"d = {d}" for d in sizes]), strict=True):
            points = [(x, beta) for own, x, betas in events if own == d for beta in betas]
            x, y = np.array(points).T
            ax.plot(x, y, look.marker, color=look.colour, markersize=5, label=look.label)
        ends = np.array([min(x for _, x, _ in events), max(x for _, x, _ in events)])
        theory(ax, ends, ends, "β = d/r")
        log_beta(ax, "d/r")
        log_scale(ax)
        ax.set_ylabel("β at which a mode is lost")
        legend(figure, [ax], "The first mode is lost at β = d/r")
        caption = (
            "The β at which the lost part of the variance passes 5 %, γ learned, against d/r: a point for each seed, midway "
            "between two β of the sweep. Dashed: β = d/r."
        )
        return Drawing.of("law", caption, figure)
