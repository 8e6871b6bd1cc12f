"""The noise of a collapsed latent's gradient against the number of draws."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np

from analysis.figures.curves import COLOURS, theory
from analysis.figures.drawing import Drawing
from analysis.figures.style import SETTINGS, legend, log_scale, panels


def noise(found: Sequence[Mapping[str, np.ndarray]]) -> Drawing:
    """A line a network, and n^(−½) dashed through the mean at the fewest draws."""
    with mpl.rc_context(SETTINGS):
        figure, ((ax,),) = panels(1, 1, height=3.2)
        for one in found:
            ax.plot(one["draws"], one["noise"], color=COLOURS[0], marker="o", markersize=4, linewidth=0.9, alpha=0.7)
        ax.lines[0].set_label("a network")
        draws = found[0]["draws"]
        start = float(np.exp(np.mean([np.log(one["noise"][0]) for one in found])))
        theory(ax, draws, start * np.sqrt(draws[0] / draws), "n^(−½)")
        log_scale(ax, "x")
        log_scale(ax)
        ax.set_xticks(draws, [f"{n:g}" for n in draws])
        ax.set_xticks([], minor=True)
        ax.set_xlabel("independent draws of the noise, n")
        ax.set_ylabel("norm of the gradient, nats")
        legend(figure, [ax], "What moves a collapsed latent is the noise of too few draws")
        caption = (
            "Root mean square of the gradient of a collapsed latent's decoder column, averaged over n independent draws, "
            "with all biases zero. Dashed: n^(−½). With the noise in antithetic pairs it is zero to rounding."
        )
        return Drawing.of("noise", caption, figure)
