"""Errors of one latent against the number of examples that it is to tell apart."""

import matplotlib as mpl
from matplotlib.ticker import NullLocator

from analysis.figures.bands import band
from analysis.figures.curves import ordered_looks
from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK
from analysis.figures.style import SETTINGS, legend, panels
from analysis.frames.types import Frame

SPLITS = {"nre_mean_train": "training set", "nre_mean_test": "test set"}


def errors(done: Frame) -> Drawing:
    """A panel for each of training and test set, a line for each width of the decoder."""
    widths, numbers = sorted(done["width"].unique()), sorted(done["n"].unique())
    looks = ordered_looks([f"two layers of {width}" if width else "linear decoder" for width in widths])
    with mpl.rc_context(SETTINGS):
        figure, (axes,) = panels(1, 2, height=2.6, sharey=True)
        for ax, (column, title) in zip(axes, SPLITS.items(), strict=True):
            ax.set_xscale("log", base=2)
            ax.set_yscale("log")
            for width, look in zip(widths, looks, strict=True):
                band(ax, done[done["width"].eq(width)], "n", column, look)
            ax.set_title(title, loc="left", color=INK)
            ax.set_xticks(numbers, [str(n) for n in numbers])
            ax.xaxis.set_minor_locator(NullLocator())
            ax.set_xlabel("examples")
        axes[0].set_ylabel("NRE of the mean")
        legend(figure, axes, "What one latent keeps of data of three dimensions")
        caption = (
            "Share of the variance that is lost with one latent, against the number of training examples: mean over seeds, "
            "shaded to the 95 % t-interval. Few examples are memorised by a wide decoder, without knowing others."
        )
        return Drawing.of("errors", caption, figure)
