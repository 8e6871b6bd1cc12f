"""Figures of gamma_star: ‖∂J/∂z‖ and γ during training, and the final models of both ways to set γ."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK, Look
from analysis.figures.style import SETTINGS, legend, panels
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from study.catalog.gamma_star.table import gamma_star

LOOKS = {
    "learned": Look("γ learned", "#0072B2", "o"),
    "refit": Look("γ* from the start", "#D55E00", "s"),
}
"""By how γ is set, as `gamma_mode` records it."""

QUANTITIES = {"grad_z": "‖∂J/∂z‖, nats", "gamma_value": "decoder variance γ, data²"}
ENDS = {"n_active": "active latents, v < 0.5", "mmd": "MMD(q(z), prior)", "nre_test": "NRE, test"}


@gamma_star.figures
def drawings(view: View) -> list[Drawing]:
    """The course of training, and the final models."""
    finished = view.trials[view.trials["status"].eq("finished")]
    if finished.empty:
        return []
    groups = list(cells(finished, view.header, ["data"]))
    with mpl.rc_context(SETTINGS):
        return [_course(groups, view.curves), _ends(groups)]


def _course(groups: list[tuple[tuple[object, ...], Frame]], curves: Frame) -> Drawing:
    figure, grid = panels(len(QUANTITIES), len(groups), height=2.4, sharex="col")
    for column, ((data,), trials) in enumerate(groups):
        rows = curves[curves["trial_id"].isin(trials["trial_id"])]
        for line, (quantity, text) in zip(grid, QUANTITIES.items(), strict=True):
            ax = line[column]
            ax.set_yscale("log")
            for mode, look in LOOKS.items():
                of_mode = trials.loc[trials["gamma_mode"].eq(mode), "trial_id"]
                _along(ax, rows[rows["trial_id"].isin(of_mode)], quantity, look)
            if not column:
                ax.set_ylabel(text)
        grid[0][column].set_title(label_text(data), loc="left", color=INK)
        grid[-1][column].set_xlabel("training step")
    legend(figure, [ax for line in grid for ax in line], "Learning γ, and fixing it at its final value from the start")
    caption = (
        "Norm of the gradient of J with respect to z, and γ, during training: median over seeds, shaded from minimum "
        "to maximum. By construction the orange gradient starts larger by a factor of γ_init/γ*."
    )
    return Drawing.of("course", caption, figure)


def _along(ax: Axes, rows: Frame, quantity: str, look: Look) -> None:
    if rows.empty:
        return
    table = rows.pivot_table(index="step", columns="trial_id", values=quantity)
    steps, values = table.index.to_numpy(float), table.to_numpy(float)
    ax.fill_between(steps, np.nanmin(values, 1), np.nanmax(values, 1), color=look.colour, alpha=0.2, linewidth=0)
    ax.plot(steps, np.nanmedian(values, 1), color=look.colour, linewidth=1.3, label=look.label)


def _ends(groups: list[tuple[tuple[object, ...], Frame]]) -> Drawing:
    figure, grid = panels(len(groups), len(ENDS), height=2.1)
    for line, ((data,), trials) in zip(grid, groups, strict=True):
        for ax, (column, text) in zip(line, ENDS.items(), strict=True):
            if column != "n_active":
                ax.set_yscale("symlog" if (trials[column] <= 0).any() else "log", **_linear_below(trials[column]))
            for place, (mode, look) in enumerate(LOOKS.items()):
                values = trials.loc[trials["gamma_mode"].eq(mode), column].to_numpy(float)
                spread = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else np.zeros(len(values))
                ax.plot(place + spread, values, look.marker, color=look.colour, markersize=5, label=look.label)
            ax.set_xticks(range(len(LOOKS)), list(LOOKS))
            ax.set_xlim(-0.5, len(LOOKS) - 0.5)
            ax.set_title(text, loc="left", color=INK)
        line[0].yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        line[0].set_ylim(bottom=0)
        line[0].set_ylabel(label_text(data))
    legend(figure, [ax for line in grid for ax in line], "Final models of both ways to set γ")
    caption = (
        "Active latents, MMD of the aggregate posterior to the prior and reconstruction error, one point per seed."
    )
    return Drawing.of("ends", caption, figure)


def _linear_below(values: Frame) -> dict[str, float]:
    """An unbiased MMD may be negative: then the axis is linear around zero."""
    return {"linthresh": 1e-3} if (values <= 0).any() else {}
