"""The figures: active latents against κ, γ along training, and the gradient with respect to z along training.

Each figure fixes what it does not show, and its caption says at what. A study without the axes a figure needs goes
without that figure.
"""

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from analysis.figures.drawing import Drawing
from analysis.figures.style import INK, QUIET, SETTINGS, Look, legend, log_scale, looks, panels
from analysis.frames.load import Header
from analysis.frames.regime import PROBE
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cell_of, cells, label_text
from analysis.tables.interval import t_interval

MOST_ROWS, MOST_COLUMNS = 4, 3


def general_figures(view: View) -> list[Drawing]:
    """The figures of a study that draws none of its own; they show trainings, not probes."""
    trained = view.trials[view.trials["stage"].ne(PROBE)]
    return figures(trained, view.curves, view.header) if view.header.trained else []


def figures(frame: Frame, curve_rows: Frame, header: Header) -> list[Drawing]:
    """Every figure for which the study has the axes and the trials."""
    with mpl.rc_context(SETTINGS):
        drawings = [
            active_dimensions(frame, header),
            trajectory(frame, curve_rows, header, "gamma_value"),
            trajectory(frame, curve_rows, header, "grad_z"),
        ]
    return [drawing for drawing in drawings if drawing]


def active_dimensions(frame: Frame, header: Header) -> Drawing | None:
    """n_active against κ, a line per γ mode with 95 % intervals over seeds, a panel for each data set and skip."""
    if "kappa" not in header.varying() or not pd.api.types.is_numeric_dtype(frame["kappa"]):
        return None
    mode_axis = gamma_axis(frame, header)
    chosen, fixed = _held(frame, header, shown=("data", "skip", "kappa", "seed", mode_axis))
    kinds = _looks(frame, header, mode_axis)
    if not chosen["status"].eq("finished").any() or not kinds:
        return None
    figure, parts = _panels(chosen, header, _panel_axes(header), sharey="row")
    for ax, trials in parts:
        for index, (mode, look) in enumerate(kinds.items()):
            # Modes often agree: a small shift along κ keeps each of them visible.
            shift = 2 ** (0.05 * (index - (len(kinds) - 1) / 2))
            _saturation(ax, trials[trials[mode_axis].eq(mode)], look, shift)
        _theory(ax, trials)
        kappas = sorted(trials["kappa"].unique())
        ax.set_xscale("log", base=2)
        ax.set_xticks(kappas, [label_text(kappa) for kappa in kappas])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    _outer_labels(parts, "latent dimensions κ", "active latents, v < 0.5")
    for ax, _ in parts:  # after every panel is drawn: a limit set earlier would freeze a shared axis
        ax.set_ylim(bottom=-0.4)
    legend(figure, [ax for ax, _ in parts], f"Active latents against κ{fixed}")
    caption = (
        f"Active latents against κ{fixed}: mean and 95 % t-interval over seeds; hollow where fewer than two thirds of "
        "them converged. Dashed: min(κ, r), where the planted dimension r is known."
    )
    return Drawing.of("active_dimensions", caption, figure)


_TRAJECTORIES = {
    "gamma_value": (
        "gamma_trajectory",
        "Decoder variance along training",
        "decoder variance γ, data²",
        "Decoder variance γ along training{fixed}: median over seeds, band from least to greatest. "
        "Dotted: T/d, the variance per dimension of the data, where γ ends when nothing is encoded.",
    ),
    "grad_z": (
        "gradient_z",
        "Gradient with respect to z along training",
        "‖∂J/∂z‖, nats",
        "Norm of the gradient of J with respect to z along training{fixed}: median over seeds, band from least to "
        "greatest. A learned γ lets it grow as the decoder sharpens; a small fixed γ starts with it.",
    ),
}


def trajectory(frame: Frame, curve_rows: Frame, header: Header, quantity: str) -> Drawing | None:
    """A logged quantity along training, a line per γ mode and a panel per data set, at the largest κ."""
    name, title, ylabel, caption = _TRAJECTORIES[quantity]
    mode_axis = gamma_axis(frame, header)
    chosen, fixed = _held(frame, header, shown=("data", "seed", mode_axis))
    kept = [column for column in ("trial_id", "data", mode_axis, "total_variance", "d") if column in chosen]
    finished = chosen.loc[chosen["status"].eq("finished"), kept]
    rows = finished.merge(curve_rows[["trial_id", "step", quantity]], on="trial_id")
    rows = rows[rows[quantity] > 0]
    kinds = _looks(frame, header, mode_axis)
    if rows.empty or not kinds:
        return None
    figure, parts = _panels(rows, header, ["data"] if "data" in header.varying() else [])
    for ax, trials in parts:
        for mode, look in kinds.items():
            _band(ax, trials[trials[mode_axis].eq(mode)], quantity, look)
        if quantity == "gamma_value":
            ax.axhline(
                (trials["total_variance"] / trials["d"]).iloc[0], color=QUIET, linestyle=":", linewidth=1.2, label="T/d"
            )
        log_scale(ax)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5))
        ax.margins(x=0.02)
    _outer_labels(parts, "training step", ylabel)
    legend(figure, [ax for ax, _ in parts], f"{title}{fixed}")
    return Drawing.of(name, caption.format(fixed=fixed), figure)


RECORDED = ("data", "skip", "kappa", "beta", "seed")
"""Axes that do not say how γ is set, even if its first value follows from them."""


def gamma_axis(frame: Frame, header: Header) -> str:
    """The axis that says how γ is set, whatever its name; without one, the recorded column `gamma_mode`.

    According to the records each of its labels has one mode, and no two labels have the same mode and first values.
    """
    known = frame[frame["gamma_mode"].notna()]
    for axis in header.varying(*RECORDED):
        by_label = known.groupby(axis)
        starts = by_label["gamma_init"].agg(lambda values: tuple(sorted(values.dropna().unique())))
        ways = set(zip(by_label["gamma_mode"].first(), starts, strict=True))
        if by_label["gamma_mode"].nunique().eq(1).all() and 1 < len(ways) == by_label.ngroups:
            return axis
    return "gamma_mode"


def _looks(frame: Frame, header: Header, axis: str) -> dict[Any, Look]:
    """The look of each γ mode, by its label on the axis, in declared order."""
    recorded = frame.dropna(subset=["gamma_mode"]).drop_duplicates(axis).set_index(axis, drop=False)["gamma_mode"]
    return looks({label: recorded[label] for label in header.ordered(axis, recorded.index)})


def _panel_axes(header: Header) -> list[str]:
    return [axis for axis in ("data", "skip") if axis in header.varying()]


def _held(frame: Frame, header: Header, shown: tuple[str, ...]) -> tuple[Frame, str]:
    """The trials at one label of every axis that is not shown, and those labels as text.

    β is held where it is nearest to 1, κ where it is largest, anything else at its first label; of what has finished.
    """
    chosen, texts = frame, []
    for axis in header.varying(*shown):
        choose: Callable[[list[Any]], Any] = {"beta": _nearest_to_one, "kappa": max}.get(axis, lambda labels: labels[0])
        finished = frame.loc[frame["status"].eq("finished"), axis]
        label = choose(header.ordered(axis, finished if len(finished) else frame[axis]))
        chosen = chosen[chosen[axis].eq(label)]
        texts.append(f"{ {'beta': 'β', 'kappa': 'κ'}.get(axis, axis) } = {label_text(label)}")
    return chosen, f" at {', '.join(texts)}" if texts else ""


def _nearest_to_one(labels: list[Any]) -> Any:
    numbers = [label for label in labels if not isinstance(label, str)]
    return min(numbers, key=lambda value: abs(np.log(value)) if value > 0 else np.inf) if numbers else labels[0]


def _panels(trials: Frame, header: Header, axes: list[str], **shared: Any) -> tuple[Any, list[tuple[Axes, Any]]]:
    """A panel for each combination of the axes' labels, in declared order; a row per data set where skip varies too."""
    groups = list(cells(trials, header, axes))[: MOST_ROWS * MOST_COLUMNS]
    per_row = len({labels[1] for labels, _ in groups}) if len(axes) == 2 else len(groups)
    columns = min(per_row, MOST_COLUMNS)
    rows = -(-len(groups) // columns)
    with mpl.rc_context(SETTINGS):
        figure, grid = panels(rows, columns, **shared)
    flat = [ax for line in grid for ax in line]
    for ax in flat[len(groups) :]:
        ax.set_visible(False)
    for ax, (labels, _) in zip(flat, groups, strict=False):
        named = zip(axes, labels, strict=True)
        parts = [label_text(v) if axis == "data" else f"{axis} {label_text(v)}" for axis, v in named]
        ax.set_title(", ".join(parts), loc="left", color=INK)
    return figure, [(ax, group) for ax, (_, group) in zip(flat, groups, strict=False)]


def _saturation(ax: Axes, trials: Frame, look: Look, shift: float) -> None:
    points = []
    for kappa, cell in trials.groupby("kappa"):
        # A cell without a finished trial breaks the line: what lies between its neighbours is not known.
        seen = cell_of(cell)
        interval = t_interval(seen.n_active)
        points.append((float(str(kappa)) * shift, interval.mean, interval.half, seen.converged))
    if not np.isnan([mean for _, mean, _, _ in points]).all():
        x, mean, half, settled = np.array(points).T
        bars = np.nan_to_num(half)  # one seed has no interval: a bare marker
        style: dict[str, Any] = {"color": look.colour, "marker": look.marker, "markersize": 4.5}
        ax.errorbar(x, mean, yerr=bars, elinewidth=1, capsize=0, label=look.label, **style)
        hollow = settled == 0
        ax.plot(x[hollow], mean[hollow], linestyle="none", markerfacecolor="white", zorder=6, **style)


def _theory(ax: Axes, trials: Frame) -> None:
    known = trials["intrinsic_dim"].dropna()
    if len(known):
        kappas = np.geomspace(trials["kappa"].min(), trials["kappa"].max(), 200)
        style: dict[str, Any] = {"color": INK, "linestyle": (0, (4, 3)), "linewidth": 1.0, "zorder": 5}
        ax.plot(kappas, np.minimum(kappas, known.iloc[0]), label="theory: min(κ, r)", **style)


def _band(ax: Axes, rows: Frame, quantity: str, look: Look) -> None:
    if rows.empty:
        return
    over_seeds = rows.groupby("step")[quantity]
    middle, low, high = over_seeds.median(), over_seeds.min(), over_seeds.max()
    ax.fill_between(middle.index, low, high, color=look.colour, alpha=0.15, linewidth=0)
    ax.plot(middle.index, middle, color=look.colour, label=look.label)


def _outer_labels(panels: list[tuple[Axes, Any]], x: str, y: str) -> None:
    """Axis labels where nothing stands to the left of a panel, or below it."""
    for index, (ax, _) in enumerate(panels):
        columns = place.get_gridspec().ncols if (place := ax.get_subplotspec()) else 1
        if index % columns == 0:
            ax.set_ylabel(y)
        if index >= len(panels) - columns:
            ax.set_xlabel(x)
