"""The noise of a collapsed latent's gradient against the number of draws."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np

from analysis.figures.curves import COLOURS, theory
from analysis.figures.drawing import Drawing
from analysis.figures.style import SETTINGS, legend, log_scale, panels


def noise(found: Sequence[Mapping[str, np.ndarray]]) -> Drawing:
    """One line per network; dashed, n^(−½) through the mean at the fewest draws."""
    with mpl.rc_context(SETTINGS):
        figure, ((ax,),) = panels(1, 1, height=3.2)
        for one in found:
            ax.plot(one["draws"], one["noise"], color=COLOURS[0], marker="o", markersize=4, linewidth=0.9, alpha=0.7)
        ax.lines[0].set_label("one network")
        draws = found[0]["draws"]
        start = float(np.exp(np.mean([np.log(one["noise"][0]) for one in found])))
        theory(ax, draws, start * np.sqrt(draws[0] / draws), "n^(−½)")
        log_scale(ax, "x")
        log_scale(ax)
        ax.set_xticks(draws, [f"{n:g}" for n in draws])
        ax.set_xticks([], minor=True)
        ax.set_xlabel("independent draws of the noise, n")
        ax.set_ylabel("norm of the gradient, nats")
        legend(figure, [ax], "Only the noise of too few draws moves a collapsed latent")
        caption = (
            "Root mean square of the gradient of a collapsed latent's decoder column, averaged over n independent draws, "
            "with all biases zero. Dashed: n^(−½). With antithetic pairs of noise it is zero up to rounding."
        )
        return Drawing.of("noise", caption, figure)
