"""A serpentine, which of its two decoders penalties prefer as it folds, and which a VAE's loss prefers as γ falls."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from analysis.figures.curves import COLOURS, DASHED
from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK, MARKERS, QUIET
from analysis.figures.style import SETTINGS, legend, log_scale, panels
from analysis.frames.probe_results import ProbeResult

Kinds = Mapping[str, Mapping[str, Mapping[float, ProbeResult]]]
"""Kind of penalty → penalty → ε → the probe."""

SHADES = ("Greens_r", "Oranges_r", "Blues_r")
"""For each kind of penalty."""

SHOWN = 0.2
"""The figure shows the curve whose ε is closest to this."""


def decoders(
    corners: Mapping[float, np.ndarray], kinds: Kinds, losses: Mapping[float, Mapping[str, np.ndarray]]
) -> Drawing:
    """Three panels: the curve, the penalties' preferences against ε, and the VAE's against γ."""
    with mpl.rc_context(SETTINGS):
        figure, (row,) = panels(1, 3, height=3.3)
        _curve(row[0], corners)
        _penalties(row[1], kinds)
        _vae(row[2], losses)
        legend(figure, row, "Penalties that are continuous at 0 give up the sparse decoder as the curve folds")
        caption = (
            "Left: the curve; the sparse decoder sees its arc length alone. Middle: cost of the sparse decoder "
            "minus that of the dense one, in units of h(arc length) − h(0); below 0 the penalty prefers the sparse "
            "one. Green: penalties with a finite slope in u at 0; orange: with an infinite slope; blue: with a jump "
            "or a fall to −∞ (drawn at its limit, −1). Right: the same difference for a VAE's least loss, in nats "
            "(2J + κ), against γ; dashed: theory, log(γ/γ*)."
        )
        return Drawing.of("decoders", caption, figure)


def _curve(ax: Axes, corners: Mapping[float, np.ndarray]) -> None:
    eps = min(corners, key=lambda eps: abs(eps - SHOWN))
    ax.plot(*corners[eps].T, color=COLOURS[0], linewidth=1.3, solid_joinstyle="round")
    ax.plot(*corners[eps][0], "o", color=INK, markersize=4)
    ax.set_aspect("equal")
    ax.grid(visible=False)
    ax.set_xticks([0, eps], ["0", f"{eps:g}"])
    ax.set_yticks([0, eps], ["0", f"{eps:g}"])
    ax.set_title(f"ε = {eps:g}", loc="left", color=INK)


def _penalties(ax: Axes, kinds: Kinds) -> None:
    for shade, penalties in zip(SHADES, kinds.values(), strict=True):
        colours = colormaps[shade](np.linspace(0.1, 0.62, len(penalties)))
        for (name, found), colour, marker in zip(penalties.items(), colours, MARKERS, strict=False):
            eps = sorted(found)
            ratio = np.array([found[at]["difference"] / found[at]["rise"] for at in eps])
            # Only for the logarithm are both infinite; as the limit of log(u + δ) its ratio is −1.
            ratio = np.where(np.isnan(ratio), -1.0, ratio)
            ax.plot(eps, ratio, color=colour, marker=marker, markersize=3.5, linewidth=1.2, label=name)
    ax.axhline(0.0, color=QUIET, linewidth=1.0, zorder=0)
    log_scale(ax, "x")
    ax.invert_xaxis()  # as the curve folds more closely
    ax.set_xlabel("ε")
    ax.set_title("sparse minus dense, over h(T) − h(0)", loc="left", color=INK)


def _vae(ax: Axes, losses: Mapping[float, Mapping[str, np.ndarray]]) -> None:
    shades = colormaps["viridis"](np.linspace(0.1, 0.8, len(losses)))
    for (eps, arrays), shade, marker in zip(losses.items(), shades, MARKERS, strict=False):
        style = {"color": shade, "marker": marker, "markersize": 3.5, "linewidth": 1.2}
        ax.plot(arrays["gamma"], arrays["difference"], label=f"VAE, ε = {eps:g}", **style)
        expected = np.log(arrays["gamma"] / arrays["expected"])
        ax.plot(arrays["gamma"], expected, color=INK, linestyle=DASHED, linewidth=1.0, zorder=5)
    ax.axhline(0.0, color=QUIET, linewidth=1.0, zorder=0)
    log_scale(ax, "x")
    ax.set_xlabel("γ, data²")
    ax.set_title("VAE: sparse minus dense, nats", loc="left", color=INK)
