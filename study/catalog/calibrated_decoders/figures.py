"""Figures of calibrated_decoders: bits and sample quality of each decoder, and pictures of its samples."""

import math

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.figures.drawing import Drawing
from analysis.figures.images import show_rows
from analysis.figures.looks import GRID, INK
from analysis.figures.style import SETTINGS, TITLE, log_scale, panels
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import t_interval
from study.catalog.calibrated_decoders.table import (
    BERNOULLI,
    BETAS,
    BITWISE,
    CATEGORICAL,
    DECODED,
    MIXTURE,
    OPTIMAL,
    PER_IMAGE,
    PER_PIXEL,
    SHARED,
    STUDENT,
    UNIT,
    calibrated_decoders,
)
from study.record import Home, read_artifacts

GROUPS = {
    "γ = 1": (UNIT, *BETAS),
    "a density whose scale is learned": (SHARED, OPTIMAL, PER_PIXEL, DECODED, PER_IMAGE, STUDENT),
    "probabilities of levels": (BERNOULLI, CATEGORICAL, BITWISE, MIXTURE),
}
COLOURS = dict(zip(GROUPS, ("#D55E00", "#0072B2", "#009E73"), strict=True))

SHOWN = {"bits": "bits per dimension", "fid": "FID of samples", "fd_conv": "FD of samples, random features"}
MOST = 8
"""Pictures in a row."""


@calibrated_decoders.figures
def drawings(view: View) -> list[Drawing]:
    """Every figure that the finished trials have numbers or pictures for."""
    finished = view.trials[view.trials["status"].eq("finished")]
    if finished.empty or "nll_levels" not in finished:
        return []
    finished = finished.assign(bits=finished["nll_levels"] / (finished["d"] * math.log(2)))
    with mpl.rc_context(SETTINGS):
        pictured = [
            _pictures(label_text(data), trials, view) for (data,), trials in cells(finished, view.header, ["data"])
        ]
        drawn = [_metrics(finished, view), *pictured]
    return [drawing for drawing in drawn if drawing]


def _metrics(finished: Frame, view: View) -> Drawing:
    groups = list(cells(finished, view.header, ["data"]))
    shown = [column for column in SHOWN if column in finished and finished[column].notna().any()][:2]
    sizes = [3 + trials["decoder"].nunique() for _, trials in groups]
    figure, grid = panels(len(groups), len(shown), 0.22 * sum(sizes) / len(sizes), gridspec_kw={"height_ratios": sizes})
    for line, ((data,), trials) in zip(grid, groups, strict=True):
        decoders = view.header.ordered("decoder", trials["decoder"])
        for ax, column in zip(line, shown, strict=True):
            if trials[column].isna().all():
                ax.set_axis_off()
                continue
            _dots(ax, trials, column, decoders)
            ax.set_xlabel(SHOWN[column])
            if column != "bits":
                log_scale(ax, "x")
        line[0].set_yticks(range(len(decoders)), [str(decoder) for decoder in decoders])
        for ax in line[1:]:
            ax.set_yticks(range(len(decoders)), [""] * len(decoders))
        line[0].set_title(label_text(data), loc="left", color=INK)
    handles = [Line2D([], [], color=COLOURS[name], marker="o", linestyle="") for name in GROUPS]
    figure.legend(
        handles,
        list(GROUPS),
        title="Decoders on the same images",
        title_fontsize=TITLE,
        loc="outside upper center",
        ncols=3,
        frameon=False,
    )
    caption = (
        "Each decoder's −log P of test images' levels, in bits per dimension, and the distance of its samples to the test "
        "set; smaller is better. Small points are seeds, large ones their means with 95 % t-intervals."
    )
    return Drawing.of("decoders", caption, figure)


def _dots(ax: Axes, trials: Frame, column: str, decoders: list[object]) -> None:
    for place, decoder in enumerate(decoders):
        values = trials.loc[trials["decoder"].eq(decoder), column].dropna().to_numpy(float)
        colour = next(COLOURS[name] for name, members in GROUPS.items() if decoder in members)
        ax.plot(values, np.full(len(values), place), "o", color=colour, markersize=2.5, alpha=0.5)
        found = t_interval(values)
        half = 0.0 if math.isnan(found.half) else found.half
        ax.errorbar([found.mean], [place], xerr=[[half], [half]], fmt="o", color=colour, markersize=5, elinewidth=1.2)
    ax.set_ylim(len(decoders) - 0.5, -0.5)
    ax.grid(axis="x", color=GRID, linewidth=0.7)


def _pictures(data: str, trials: Frame, view: View) -> Drawing | None:
    """Test images, then one row of samples per decoder, from the first seed."""
    rows: list[tuple[str, np.ndarray]] = []
    for (decoder,), of_decoder in cells(trials, view.header, ["decoder"]):
        arrays = _arrays_of(of_decoder.sort_values("seed").iloc[0], view.home)
        if "sample" in arrays:
            rows = rows or [("test images", arrays["original"][:MOST].astype(float))]
            rows.append((str(decoder), arrays["sample"][:MOST].astype(float)))
    if not rows:
        return None
    figure, ((ax,),) = panels(1, 1, height=0.52 * len(rows))
    show_rows(ax, rows)
    figure.suptitle(f"Decoded draws of the prior, {data}", fontsize=TITLE)
    caption = (
        f"{data}: the same draws of the prior under each decoder, one draw per column: its mean, without the decoder's "
        "noise, first seed. Top row: test images."
    )
    name = "samples-" + "".join(letter if letter.isalnum() else "-" for letter in data.lower())
    return Drawing.of(name, caption, figure)


def _arrays_of(row: Frame, home: Home) -> dict[str, np.ndarray]:
    try:
        return dict(read_artifacts(home, str(row["artifacts"]), str(row["trial_id"]), "pictures"))
    except FileNotFoundError:
        return {}
