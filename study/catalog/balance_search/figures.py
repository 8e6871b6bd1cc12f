"""Figures of balance_search: fronts of error against active dimensions, and how soon each search meets the balance."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from analysis.figures.drawing import Drawing
from analysis.figures.looks import FIXED, GRID, INK, LEARNED, OPTIMAL, QUIET
from analysis.figures.style import SETTINGS, legend, panels
from analysis.frames.types import Frame
from study.catalog.balance_search.table import SAMPLERS

COLOURS = dict(zip(SAMPLERS, (LEARNED[0], OPTIMAL[0], FIXED[1]), strict=True))


def figures(
    trials: Frame, met: Mapping[str, Sequence[int]], names: Mapping[str, str], nre_at_most: float
) -> list[Drawing]:
    """Both figures. `trials` holds each trial's last rung, `met` the number of trials that each search needed."""
    finished = trials[trials["status"].eq("finished")].dropna(subset=["n_active", "nre_mean_test"])
    samplers = [sampler for sampler in names if sampler in met]
    if finished.empty or not samplers:
        return []
    with mpl.rc_context(SETTINGS):
        return [_fronts(finished, samplers, names, nre_at_most), _races(trials, met, samplers, names)]


def _fronts(trials: Frame, samplers: Sequence[str], names: Mapping[str, str], nre_at_most: float) -> Drawing:
    figure, (axes,) = panels(1, len(samplers), height=2.9, sharex=True, sharey=True)
    for ax, sampler in zip(axes, samplers, strict=True):
        ax.set_title(names[sampler], loc="left", color=INK)
        _balance(ax, trials, nre_at_most)
        of_sampler = trials[trials["sampler"].eq(sampler)]
        # Counts would overlap, so each search has its own offset from the count.
        beside = of_sampler["n_active"] + 0.12 * (of_sampler["repeat"] - of_sampler["repeat"].median())
        ax.scatter(beside, of_sampler["nre_mean_test"], s=7, color=COLOURS[sampler], alpha=0.35, linewidths=0)
        for _, one in of_sampler.groupby("repeat"):
            ax.step(*front(one), where="post", color=COLOURS[sampler], linewidth=1.1)
        ax.plot([], [], color=COLOURS[sampler], label=f"{names[sampler]}: front of each search")
        ax.set_yscale("log")
        ax.set_xlabel("active dimensions, v < 0.5")
    axes[0].set_ylabel("NRE at the posterior mean, test")
    axes[0].set_ylim(top=2)
    legend(figure, list(axes), "What each search found")
    caption = (
        "Every trial at its last rung: the share of the variance that reconstructions lose against active dimensions. "
        "Step lines: the front of each search. Shaded: the balance, with as many active dimensions as the data have "
        f"and NRE ≤ {nre_at_most:g}."
    )
    return Drawing.of("fronts", caption, figure)


def front(trials: Frame) -> tuple[list[float], list[float]]:
    """The Pareto front of the trials: active dimensions, ascending, and the NRE at each."""
    best = trials.groupby("n_active")["nre_mean_test"].min().cummin()
    kept = best[~best.duplicated()]
    return list(kept.index.astype(float)), list(kept)


def _balance(ax: Axes, trials: Frame, nre_at_most: float) -> None:
    r = float(trials["intrinsic_dim"].iloc[0])
    low = float(trials["nre_mean_test"].min())
    ax.fill_between([r - 0.4, r + 0.4], low / 2, nre_at_most, color=GRID, linewidth=0, zorder=0)


def _races(
    trials: Frame, met: Mapping[str, Sequence[int]], samplers: Sequence[str], names: Mapping[str, str]
) -> Drawing:
    budget = int(trials["number"].max())
    figure, ((ax,),) = panels(1, 1, height=2.6)
    for sampler in samplers:
        steps = np.arange(budget + 1)
        share = [np.mean([n <= step for n in met[sampler]]) for step in steps]
        ax.step(steps, share, where="post", color=COLOURS[sampler], label=names[sampler])
    ax.axhline(0.5, color=QUIET, linestyle=":", linewidth=1.0)
    ax.set_xlabel("trials")
    ax.set_ylabel("searches that met the balance")
    ax.set_ylim(-0.03, 1.03)
    legend(figure, [ax], "How soon the balance is met")
    caption = (
        "Share of each sampler's searches that met the balance within this many trials. A curve crosses the dotted line "
        "at its median search."
    )
    return Drawing.of("races", caption, figure)
