"""The figure of learned_gamma_collapse: reconstruction error, γ and latents in use against β."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from analysis.claims.beta_sweep import LOST, BetaSweep, sweeps
from analysis.figures.bands import band
from analysis.figures.drawing import Drawing
from analysis.figures.looks import FIXED, INK, LEARNED, QUIET, Look
from analysis.figures.style import SETTINGS, legend, panels
from analysis.frames.view import View
from analysis.theory import learned_gamma, linear
from study.catalog.learned_gamma_collapse.table import learned_gamma_collapse

LOOKS = {False: Look("γ learned", LEARNED[0], "o"), True: Look("γ learned below a ceiling", FIXED[1], "s")}
DASHES: dict[bool, Any] = {False: (0, (4, 3)), True: (0, (1, 1.5))}
TICKS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 14, 20, 30, 50, 100)


@learned_gamma_collapse.figures
def drawings(view: View) -> list[Drawing]:
    """A column for each data set: NRE, γ over T/d, and latents in use, with and without the ceiling."""
    by_data: dict[str, list[BetaSweep]] = {}
    for sweep in sweeps(view):
        if len(sweep.finished):
            by_data.setdefault(sweep.data, []).append(sweep)
    if not by_data:
        return []
    with mpl.rc_context(SETTINGS):
        figure, grid = panels(3, len(by_data), height=2.2, sharex="col", sharey="row")
        for column, group in zip(zip(*grid, strict=True), by_data.values(), strict=True):
            _column(column, group)
        for line, label in zip(grid, ("NRE, test", "γ over T/d", "latents in use"), strict=True):
            line[0].set_ylabel(label)
        legend(figure, [ax for line in grid for ax in line], "Collapse with a learned γ")
        caption = (
            "Reconstruction error over the total variance (NRE), the learned γ over T/d, and latents in use "
            "(Var E[z|x] > 0.01) against β: median over seeds, shaded from minimum to maximum. Dashed, and dotted "
            "with a ceiling: linear theory from the training set's covariance; for the curved data it is only a "
            "reference. Vertical lines: d/r (solid) and β_c (dash-dotted)."
        )
        return [Drawing.of("collapse", caption, figure)]


def _column(axes: Sequence[Axes], group: list[BetaSweep]) -> None:
    errors, variances, counts = axes
    errors.set_title(group[0].title, loc="left", color=INK)
    variances.set_yscale("log")
    for sweep in group:
        trials = sweep.finished.assign(part=sweep.finished["gamma_value"] / sweep.variance)
        for ax, quantity in ((errors, "nre_test"), (variances, "part"), (counts, "n_burda")):
            band(ax, trials, "beta", quantity, LOOKS[sweep.capped], centre="median", markersize=2.5, linewidth=1.2)
        _theory(axes, sweep)
        if not sweep.capped:
            for ax in axes:
                ax.axvline(sweep.lossless, color=QUIET, linewidth=0.8, zorder=0)
                ax.axvline(sweep.collapse, color=QUIET, linewidth=0.8, linestyle="-.", zorder=0)
    errors.axhline(LOST, color=QUIET, linewidth=0.8, linestyle=":")
    betas = group[0].trials["beta"]
    ticks = [tick for tick in TICKS if betas.min() <= tick <= betas.max()]
    counts.set_xscale("log")
    counts.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    counts.xaxis.set_minor_locator(NullLocator())
    counts.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    counts.set_xlabel("β")


def _theory(axes: Sequence[Axes], sweep: BetaSweep) -> None:
    """NRE, γ (where it is not zero) and number of modes at the minimum of the linear objective."""
    errors, variances, counts = axes
    betas = np.geomspace(sweep.trials["beta"].min(), sweep.trials["beta"].max(), 600)
    gamma = learned_gamma.gamma_star(sweep.modes, betas, sweep.kappa, ceiling=sweep.gamma_max)
    level = betas * gamma
    lost = linear.distortion(sweep.modes, level, sweep.kappa) / sweep.modes.total
    kept = learned_gamma.active_modes(sweep.modes, betas, sweep.kappa, ceiling=sweep.gamma_max)
    style: dict[str, Any] = {"color": INK, "linestyle": DASHES[sweep.capped], "linewidth": 1.0, "zorder": 5}
    label = "linear theory, below the ceiling" if sweep.capped else "linear theory"
    errors.plot(betas, lost, label=label, **style)
    variances.plot(betas, np.where(gamma > 0, gamma / sweep.variance, np.nan), **style)
    counts.plot(betas, kept, **style)
