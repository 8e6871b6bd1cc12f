"""The look of Matplotlib's figures: quiet axes, small letters, one legend."""

import io
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.figures.looks import GRID, INK, QUIET

SMALL, TITLE = 9.75, 11.25
"""Sizes of letters in points: 13 and 15 pixels, two of the three sizes that a report's page has."""

SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": SMALL,
    "axes.titlesize": SMALL,
    "axes.labelsize": SMALL,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.7,
    "svg.hashsalt": "collapsar",  # the same figure is the same file
}


AROUND = 4.0
"""What an entry of a legend takes beside its letters, in sizes of a letter: its line, and the gaps."""


def panels(rows: int, columns: int, height: float = 2.7, **shared: Any) -> tuple[Figure, list[list[Axes]]]:
    """A figure at report width with a grid of quiet axes; height in inches a row."""
    width = min(9.6, 3.2 + 3.2 * columns)
    figure = Figure(figsize=(width, height * rows + 1.0), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.06)  # pyright: ignore[reportOptionalMemberAccess, reportCallIssue]
    grid = figure.subplots(rows, columns, squeeze=False, **shared)
    for ax in grid.flat:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(axis="y", color=GRID, linewidth=0.7)
        ax.set_axisbelow(True)
        ax.tick_params(length=3, width=0.7)
    return figure, grid.tolist()


def log_scale(ax: Axes, which: Literal["x", "y"] = "y") -> None:
    """A logarithmic axis with a few labelled ticks, also where what is drawn spans less than two decades."""
    getattr(ax, f"set_{which}scale")("log")
    axis: Any = getattr(ax, f"{which}axis")
    low, high = axis.get_data_interval()
    narrow = low > 0 and high < 30 * low
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,), numticks=7))
    if narrow:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def legend(figure: Figure, axes: Iterable[Axes], title: str) -> None:
    """One legend for the whole figure, above the panels and under its title, with each label once."""
    entries: dict[str, Any] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    figure.legend(
        list(entries.values()),
        list(entries),
        title=title,
        title_fontsize=TITLE,
        loc="outside upper center",
        ncols=_columns(list(entries), 72 * figure.get_figwidth()),
        frameon=False,
        handlelength=1.8,
        columnspacing=1.4,
    )


def _columns(labels: Sequence[str], room: float) -> int:
    """How many columns of a legend fit that many points, six at most: a letter takes about 0.6 of its size."""
    widths = [SMALL * (0.6 * len(label) + AROUND) for label in labels]
    for columns in range(min(len(labels), 6), 1, -1):
        rows = -(-len(labels) // columns)
        if sum(max(widths[i : i + rows]) for i in range(0, len(labels), rows)) <= room:
            return columns
    return 1


def saved(figure: Figure, suffix: str) -> bytes:
    """The figure as the bytes of an SVG or a PNG file."""
    buffer = io.BytesIO()
    metadata = {"Date": None} if suffix == "svg" else {}
    with mpl.rc_context(SETTINGS):
        figure.savefig(buffer, format=suffix, dpi=160, metadata=metadata, facecolor="white")
    return buffer.getvalue()
