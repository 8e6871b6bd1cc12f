"""Figures of vaeplus: sample metrics of each method beside their null, and images of samples."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from analysis.figures.drawing import Drawing
from analysis.figures.images import show_rows
from analysis.figures.looks import INK, Look
from analysis.figures.style import SETTINGS, TITLE, legend, panels
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from study.catalog.vaeplus.table import ONE, PLUS, WAE, vaeplus
from study.record import Home, read_artifacts

LOOKS = {
    WAE: Look("WAE-MMD", "#009E73", "D"),
    ONE: Look("VAE", "#0072B2", "o"),
    PLUS: Look("VAE+", "#D55E00", "s"),
}

SHOWN = {
    "fd_conv": "FD, random features",
    "fd_x": "FD in data space",
    "ndb_100": "NDB/K, K = 100",
    "mmd_x": "MMD in data space",
}

MOST = 3
"""Most metrics drawn for one data set."""


@vaeplus.figures
def drawings(view: View) -> list[Drawing]:
    """Metrics of samples, and pictures of them where the data are images."""
    finished = view.trials[view.trials["status"].eq("finished") & view.trials["method"].isin(list(LOOKS))]
    if finished.empty:
        return []
    with mpl.rc_context(SETTINGS):
        drawn = [_metrics(finished, view), _pictures(finished, view)]
    return [drawing for drawing in drawn if drawing]


def _metrics(finished: Frame, view: View) -> Drawing | None:
    groups = list(cells(finished, view.header, ["data"]))
    chosen = {data: [c for c in SHOWN if c in rows and rows[c].notna().any()][:MOST] for (data,), rows in groups}
    columns = max(map(len, chosen.values()))
    if not columns:
        return None
    figure, grid = panels(len(groups), columns, height=2.3)
    for line, ((data,), trials) in zip(grid, groups, strict=True):
        firsts = view.header.ordered("first", trials["first"])
        for ax, column in zip(line, chosen[data], strict=False):
            for method, look in LOOKS.items():
                _points(ax, trials[trials["method"].eq(method)], column, firsts, look)
            null = trials[f"{column}_null"].mean()
            ax.axhline(null, color=INK, linestyle=(0, (4, 3)), linewidth=1.0, label="real examples")
            ax.set_title(SHOWN[column], loc="left", color=INK)
            ax.set_xticks(range(len(firsts)), [str(first) for first in firsts])
            ax.set_xlim(-0.5, len(firsts) - 0.5)
            ax.set_ylim(bottom=0)
        for ax in line[len(chosen[data]) :]:
            ax.set_axis_off()
        line[0].set_ylabel(label_text(data))
    legend(figure, [ax for line in grid for ax in line], "Samples against the test set, by first stage")
    caption = (
        "Metrics of samples against the test set, a point for each seed; smaller is better. Dashed: the score of "
        "held-out real examples in place of samples. WAE has no γ, and is drawn with the balanced first stage."
    )
    return Drawing.of("samples", caption, figure)


def _points(ax: Axes, trials: Frame, column: str, firsts: list[object], look: Look) -> None:
    shift = 0.2 * (list(LOOKS.values()).index(look) - 1)
    places = trials["first"].map(firsts.index).to_numpy(float) + shift
    ax.plot(places, trials[column], look.marker, color=look.colour, markersize=5, label=look.label)


def _pictures(finished: Frame, view: View) -> Drawing | None:
    """A row of samples for each method and first stage, of the first seed."""
    rows: list[tuple[str, np.ndarray]] = []
    for (_, first, method), trials in cells(finished, view.header, ["data", "first", "method"]):
        if (images := _samples_of(trials.sort_values("seed").iloc[0], view.home)) is not None:
            rows.append((f"{method}, {first}" if method != WAE else "WAE-MMD", images))
    if not rows:
        return None
    figure, ((ax,),) = panels(1, 1, height=0.55 * len(rows))
    show_rows(ax, rows)
    figure.suptitle("Samples", fontsize=TITLE)
    caption = "Samples of each method, first seed; all rows of a column use the same draw of the prior."
    return Drawing.of("pictures", caption, figure)


def _samples_of(row: Frame, home: Home) -> np.ndarray | None:
    try:
        arrays = read_artifacts(home, str(row["artifacts"]), str(row["trial_id"]), "pictures")
    except FileNotFoundError:
        return None
    return arrays["sample"].astype(float) if "sample" in arrays else None
