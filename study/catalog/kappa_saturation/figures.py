"""Figures of kappa_saturation: active latents, reconstruction and likelihood against κ."""

import math
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis.figures.bands import SKIPS, band, kappa_axis
from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK, QUIET, Look
from analysis.figures.style import SETTINGS, legend, panels
from analysis.fit import Saturation, counts, saturation
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import number
from study.catalog.kappa_saturation.table import kappa_saturation


@kappa_saturation.figures
def drawings(view: View) -> list[Drawing]:
    """Active latents against κ with the fitted curve and theory; reconstruction and likelihood against κ."""
    if not view.trials["status"].eq("finished").any():
        return []
    with mpl.rc_context(SETTINGS):
        return [_counts_drawn(view), _quality_drawn(view)]


def _counts_drawn(view: View) -> Drawing:
    groups = _measured(view, ["data", "skip"])
    columns = len({skip for (_, skip), _ in groups})
    figure, grid = panels(-(-len(groups) // columns), columns, sharey="row")
    axes = [ax for line in grid for ax in line]
    for ax, ((data, skip), trials) in zip(axes, groups, strict=False):
        ax.set_title(f"{label_text(data)}, {SKIPS[skip].label}", loc="left", color=INK)
        finished = trials[trials["status"].eq("finished")]
        band(ax, finished, "kappa", "n_burda", Look("Var E[z|x] > 0.01", QUIET, "v"), linewidth=0.9)
        band(ax, finished, "kappa", "n_active", Look("active: v < 0.5", SKIPS[skip].colour, SKIPS[skip].marker))
        _curves(ax, trials, saturation(*counts(trials)))
        kappa_axis(ax, trials)
        ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    for ax in axes:  # after every panel is drawn: a limit set earlier would freeze a shared axis
        ax.set_ylim(bottom=0)
    for line in grid:
        line[0].set_ylabel("active latents")
    for ax in grid[-1]:
        ax.set_xlabel("latent dimensions κ")
    legend(figure, axes, "Active latents against κ, γ learned")
    caption = (
        "Active latents against κ with a learned γ, by two criteria: mean and 95 % t-interval over seeds. Dashed: "
        "min(κ, r) where r is planted. Dotted: the curve with the least AICc; band at the right: its plateau's 95 % interval."
    )
    return Drawing.of("saturation", caption, figure)


def _measured(view: View, axes: list[str]) -> list[tuple[tuple[Any, ...], Frame]]:
    """The groups with a finished trial: each gets a panel."""
    every = cells(view.trials, view.header, axes)
    return [(labels, trials) for labels, trials in every if trials["status"].eq("finished").any()]


def _curves(ax: Axes, trials: Frame, fit: Saturation) -> None:
    kappas = np.geomspace(trials["kappa"].min(), trials["kappa"].max(), 300)
    known = trials["intrinsic_dim"].dropna()
    if len(known):
        style: dict[str, Any] = {"color": INK, "linestyle": (0, (4, 3)), "linewidth": 1.0, "zorder": 5}
        ax.plot(kappas, np.minimum(kappas, known.iloc[0]), label="theory: min(κ, r)", **style)
    if fit.selected:
        ax.plot(kappas, fit.selected.at(kappas), color=INK, linestyle=":", linewidth=1.3, label="fitted curve")
        high = fit.high if math.isfinite(fit.high) else fit.low
        start = float(np.clip(np.nan_to_num(fit.selected.kappa_95, nan=kappas[0]), kappas[0], kappas[200]))
        ax.fill_between([start, kappas[-1]], fit.low, high, color=INK, alpha=0.1, linewidth=0, label="plateau, 95 %")
        ax.text(
            0.97, 0.06, f"{fit.selected.curve.name}: r = {number(fit.estimate)}", transform=ax.transAxes, ha="right"
        )


def _quality_drawn(view: View) -> Drawing:
    groups = _measured(view, ["data"])
    figure, grid = panels(2, len(groups), sharex="col")
    axes = [ax for line in grid for ax in line]
    for column, ((data,), trials) in enumerate(groups):
        error, likelihood = grid[0][column], grid[1][column]
        error.set_title(label_text(data), loc="left", color=INK)
        error.set_yscale("log")
        for skip, of_skip in trials[trials["status"].eq("finished")].groupby("skip", sort=False):
            band(error, of_skip, "kappa", "nre_test", SKIPS[str(skip)])
            band(likelihood, of_skip, "kappa", "iwae_nll", SKIPS[str(skip)])
        _principal_components(error, trials, view)
        kappa_axis(likelihood, trials)
        likelihood.set_xlabel("latent dimensions κ")
    grid[0][0].set_ylabel("NRE, test")
    grid[1][0].set_ylabel("NLL, nats per example")
    legend(figure, axes, "Reconstruction and likelihood against κ, γ learned")
    caption = (
        "Reconstruction error over the total variance (NRE) and importance-weighted NLL (K = 64) on the test set against "
        "κ: mean and 95 % t-interval over seeds. Dashed: the NRE of κ principal components on the training set."
    )
    return Drawing.of("quality", caption, figure)


def _principal_components(ax: Axes, trials: Frame, view: View) -> None:
    """1 − Σ_{i≤κ} λ_i/T: the least that any linear decoder of κ latents loses."""
    known = trials["data_id"].dropna()
    if known.empty or view.datasets[str(known.iloc[0])]["spectrum"] is None:
        return
    spectrum = np.array(view.spectrum(str(known.iloc[0])))
    kappas = np.arange(trials["kappa"].min(), min(trials["kappa"].max(), len(spectrum) - 1) + 1)
    left = 1 - np.cumsum(spectrum)[kappas - 1] / spectrum.sum()
    seen = left > 1e-6
    style: dict[str, Any] = {"color": INK, "linestyle": (0, (4, 3)), "linewidth": 1.0}
    ax.plot(kappas[seen], left[seen], label="κ principal components", **style)
