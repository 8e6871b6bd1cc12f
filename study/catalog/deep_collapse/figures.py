"""The curvature at the collapsed point against the decoder's depth."""

import matplotlib as mpl
from matplotlib.ticker import NullLocator

from analysis.figures.bands import SKIPS
from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK
from analysis.figures.style import SETTINGS, legend, panels
from analysis.frames.types import Frame


def escapes(table: Frame) -> Drawing:
    """A panel for each gain: how negative the least eigenvalue is, with the trainings that left the point beside it."""
    gains = sorted(table["gain"].unique())
    with mpl.rc_context(SETTINGS):
        figure, (axes,) = panels(1, len(gains), height=2.8, sharey=True)
        for ax, gain in zip(axes, gains, strict=True):
            ax.set_yscale("log")
            for skip, rows in table[table["gain"].eq(gain)].groupby("skip", observed=True):
                look, known = SKIPS[str(skip)], rows.dropna(subset=["curvature"])
                ax.plot(known["layers"], -known["curvature"], color=look.colour, marker=look.marker, label=look.label)
                for row in known.to_dict("records"):
                    place = (row["layers"], -row["curvature"])
                    ax.annotate(row["left"], place, (0, 6), textcoords="offset points", ha="center", fontsize=8)
            ax.set_title(f"gain {gain:g}", loc="left", color=INK)
            ax.set_xticks(sorted(table["layers"].unique()))
            ax.xaxis.set_minor_locator(NullLocator())
            ax.set_xlabel("layers of the decoder")
            ax.margins(0.12)
        axes[0].set_ylabel("−λ of the Hessian, nats")
        legend(figure, axes, "How steeply J falls from the collapsed point")
        caption = (
            "Minus the least eigenvalue of the Hessian of J at the collapsed point of tanh decoders, mean over networks; "
            "above it, how many trainings from there left it. It is negative at every depth: a saddle, however flat."
        )
        return Drawing.of("escapes", caption, figure)
