"""Sorted energies of an autoencoder's codes: under each penalty, and by how γ is set."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from analysis.figures.curves import DASHED
from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK, MARKERS, QUIET, Look
from analysis.figures.style import SETTINGS, legend, panels
from analysis.frames.view import View
from study.catalog.sparse_codes.groups import Group, groups
from study.catalog.sparse_codes.table import sparse_codes

Found = Mapping[tuple[str, str], Sequence[Group]]

KINDS = {
    "many copies cost no more": (("u", "Huber", "root"), "Oranges_r"),
    "flat beyond a knee": (("MCP", "SCAD"), "Greens_r"),
    "steep where codes begin": (("power", "saturating", "log plus", "log"), "Blues_r"),
}
"""Title of a column of panels → its penalties, and their shades."""

LEAST = 1e-11
"""Energies below this fraction of the data's variance are drawn at it."""

USED = 1e-3

HOW = (
    "Variance times squared slope of the decoder for each code, as a fraction of the data's variance: median over seeds, "
    f"and a point for each seed; values below {LEAST:g} are drawn at {LEAST:g}. Left of the vertical line lie the needed "
    "codes, above the dotted line the codes that count as used."
)


@sparse_codes.figures
def drawings(view: View) -> list[Drawing]:
    """The codes' sorted energies: every penalty at a fixed γ, and, where γ is also learned, by how it is set."""
    found = groups(view)
    looks = _looks(found)
    fixed = {place: of for place, of in found.items() if of[0].is_fixed}
    again = {data for (data, _), of in found.items() if not of[0].is_fixed}
    modes = {place: of for place, of in found.items() if place[0] in again}
    with mpl.rc_context(SETTINGS):
        return ([_by_penalty(fixed, looks)] if fixed else []) + [
            _by_gamma(modes, data, looks) for data in sorted(again)
        ]


def _by_penalty(found: Found, looks: Mapping[str, Look]) -> Drawing:
    tried = {group.h for of in found.values() for group in of}
    kinds = {kind: names for kind, (names, _) in KINDS.items() if tried & set(names)}
    figure, grid = panels(len(found), len(kinds), height=2.5, sharex=True, sharey=True)
    for line, ((data, _), of) in zip(grid, found.items(), strict=True):
        for ax, (kind, names) in zip(line, kinds.items(), strict=True):
            _panel(ax, [group for group in of if group.h in names], looks)
            if line is grid[0]:
                ax.set_title(kind, loc="left", color=INK)
            if line is grid[-1]:
                ax.set_xlabel("code, by energy")
        line[0].set_ylabel(f"{data}\nenergy of a code")
    legend(
        figure,
        [ax for line in grid for ax in line],
        "Spare codes die where copies cost more and the penalty has a slope",
    )
    caption = f"{HOW} Dashed, under u and both logarithms on linear data: theory, whose minimum is unique there."
    return Drawing.of("energies", caption, figure)


def _by_gamma(found: Found, data: str, looks: Mapping[str, Look]) -> Drawing:
    shared = set.intersection(*({group.label for group in of} for of in found.values() if not of[0].is_late))
    figure, (line,) = panels(1, len(found), height=2.6, sharex=True, sharey=True)
    for ax, ((_, gamma), of) in zip(line, found.items(), strict=True):
        _panel(ax, [group for group in of if group.label in shared], looks)
        ax.set_title(f"γ {gamma}", loc="left", color=INK)
        ax.set_xlabel("code, by energy")
    line[0].set_ylabel(f"{data}\nenergy of a code")
    legend(figure, line, "Logarithms keep the needed codes, unless γ starts large")
    return Drawing.of("gamma", HOW, figure)


def _looks(found: Found) -> dict[str, Look]:
    """A shade and a marker for each penalty, the same in every figure."""
    looks = {}
    for names, shades in KINDS.values():
        labels = list(dict.fromkeys(group.label for of in found.values() for group in of if group.h in names))
        colours = colormaps[shades](np.linspace(0.05, 0.6, len(labels)))
        looks |= {label: Look(label, c, m) for label, c, m in zip(labels, colours, MARKERS, strict=False)}
    return looks


def _panel(ax: Axes, of: Sequence[Group], looks: Mapping[str, Look]) -> None:
    for group in of:
        look, codes = looks[group.label], np.arange(1, group.kappa + 1)
        parts = np.maximum(group.energies / group.total, LEAST)
        ax.plot(
            codes,
            np.median(parts, axis=0),
            color=look.colour,
            linewidth=1.2,
            marker=look.marker,
            markersize=4,
            label=look.label,
        )
        ax.plot(codes, parts.T, color=look.colour, marker=look.marker, markersize=2.5, linestyle="", alpha=0.5)
        if group.is_linear and group.h in ("u", "log plus", "log"):
            expected = group.expected / group.total
            ax.plot(codes[: len(expected)], expected, color=INK, linestyle=DASHED, linewidth=1.0, zorder=5)
        ax.axvline(group.r + 0.5, color=QUIET, linewidth=1.0, zorder=0)
        ax.set_xticks(codes)
    ax.set_yscale("log")
    ax.axhline(USED, color=QUIET, linewidth=0.8, linestyle=":", zorder=0)
