"""Energies of an autoencoder's codes, sorted, under each penalty."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from analysis.drawn.curves import COLOURS, DASHED
from analysis.figures import Drawing
from analysis.sparse_codes import ONE, Group
from analysis.style import INK, MARKERS, QUIET, SETTINGS, legend, panels, saved

KINDS = {
    "no slope at 0 in |z|, or the same": ("u", "Huber", "root"),
    "flat beyond a knee": ("MCP", "SCAD"),
    "steep at 0": ("power", "saturating", "log plus", "log"),
}
"""What a column of panels shows → the penalties."""

LEAST = 1e-11
"""Energies below it are drawn there, in parts of the data's variance."""

USED = 1e-3


def drawing(found: Mapping[tuple[str, str], Sequence[Group]]) -> list[Drawing]:
    """A row of panels for each data set and γ mode, a line a penalty: the median over seeds, every seed a point."""
    if not found:
        return []
    colours = {group.label: COLOURS[i] for kind in KINDS.values() for i, group in enumerate(_of(found, kind))}
    with mpl.rc_context(SETTINGS):
        figure, grid = panels(len(found), len(KINDS), height=2.3, sharex=True, sharey=True)
        for line, ((data, gamma), of) in zip(grid, found.items(), strict=True):
            for ax, (kind, names) in zip(line, KINDS.items(), strict=True):
                shown = [group for group in of if group.h in names]
                for group, marker in zip(shown, MARKERS, strict=False):
                    _energies(ax, group, colours[group.label], marker)
                _frame(ax, of[0])
                ax.set_title(f"{data}, γ {gamma}" if ax is line[0] else kind, loc="left", color=INK)
            line[0].set_ylabel("energy of a code")
        for ax in grid[-1]:
            ax.set_xlabel("code, by energy")
        legend(figure, [ax for line in grid for ax in line], "Where copies of a code cost more than one, spare codes die")
        caption = (
            "Variance times squared slope of the decoder for each code, in parts of the data's variance: median over seeds, "
            f"and every seed a point; what is below {LEAST:g} is drawn there. Left of the vertical line are the codes that are "
            "needed, above the horizontal one those that count as used. Dashed, on linear data: theory, where the minimum is "
            "unique and training at rest there."
        )
        return [Drawing("energies", caption, saved(figure, "svg"), saved(figure, "png"))]


def _of(found: Mapping[tuple[str, str], Sequence[Group]], names: Sequence[str]) -> list[Group]:
    """The penalties of a column, each once."""
    return list({group.label: group for of in found.values() for group in of if group.h in names}.values())


def _energies(ax: Axes, group: Group, colour: str, marker: str) -> None:
    parts = np.maximum(group.energies / group.total, LEAST)
    codes = np.arange(1, group.kappa + 1)
    ax.plot(codes, np.median(parts, axis=0), color=colour, linewidth=1.2, label=group.label)
    ax.plot(codes, parts.T, color=colour, marker=marker, markersize=3, linestyle="", alpha=0.7)
    if group.is_linear and (group.h == "u" or (group.h.startswith("log") and group.preference == ONE)):
        expected = group.expected / group.total
        ax.plot(codes[: len(expected)], expected, color=INK, linestyle=DASHED, linewidth=1.0, zorder=5)


def _frame(ax: Axes, group: Group) -> None:
    ax.set_yscale("log")
    ax.axvline(group.r + 0.5, color=QUIET, linewidth=1.0, zorder=0)
    ax.axhline(USED, color=QUIET, linewidth=0.8, linestyle=":", zorder=0)
    ax.set_xticks(range(1, group.kappa + 1))
