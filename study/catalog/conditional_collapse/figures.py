"""Figures of networks that learn a linear map: loss and posterior standard deviations against β, theory dashed."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import FuncFormatter

from analysis.claims.network_sweep import NetworkSweep
from analysis.figures.curves import log_beta, ordered_looks, theory
from analysis.figures.drawing import Drawing
from analysis.figures.looks import GRID, INK, QUIET
from analysis.figures.style import SETTINGS, legend, panels

FINE = 400
"""Points of a dashed curve."""

SHADED = 0.01
"""Half-width of the shaded band about theory's loss."""


def figures(every: Mapping[str, NetworkSweep]) -> list[Drawing]:
    """Every figure, for networks with settled trials."""
    if not every:
        return []
    with mpl.rc_context(SETTINGS):
        return [loss(every), posterior(every)]


def loss(every: Mapping[str, NetworkSweep]) -> Drawing:
    """The loss against β, and by how much it exceeds theory's."""
    figure, (grid,) = panels(1, 2)
    left, right = grid
    right.axhspan(-100 * SHADED, 100 * SHADED, color=GRID, linewidth=0, zorder=0)
    for (name, swept), look in zip(every.items(), ordered_looks(list(every)), strict=True):
        best, others = swept.best, swept.settled
        faint = {"linestyle": "none", "marker": ".", "markersize": 3, "color": look.colour, "alpha": 0.35}
        strong = {"linestyle": "none", "marker": look.marker, "markersize": 4.2, "color": look.colour, "label": name}
        left.plot(best["beta"], best["loss"], **strong)
        right.plot(others["beta"], 100 * (others["loss"] / others["expected"] - 1), **faint)
        right.plot(best["beta"], 100 * (best["loss"] / best["expected"] - 1), **strong)
    swept = next(iter(every.values()))
    betas = _fine(swept)
    theory(left, betas, swept.expected_loss(betas))
    right.axhline(0, color=INK, linestyle=(0, (4, 3)), linewidth=1)
    right.set_ylim(-2, 5)
    left.set_ylabel("loss L, nats")
    right.set_ylabel("L/L* − 1")
    right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    for ax in grid:
        log_beta(ax, "weight of the rate β")
    legend(figure, grid, "Networks that learn y = Mx reach the linear minimum")
    caption = (
        "Loss R/2γ + βK on the training set against β, best seed. Dashed: the linear minimum L*. Right: the relative excess "
        f"over L*, ±{SHADED:.0%} shaded. Small dots: the other seeds; those above 5 % are cut off."
    )
    return Drawing.of("loss", caption, figure)


def posterior(every: Mapping[str, NetworkSweep]) -> Drawing:
    """The posterior standard deviation of each latent against β, a panel for each network."""
    figure, (grid,) = panels(1, len(every), sharey=True)
    for ax, (name, swept) in zip(grid, every.items(), strict=True):
        betas, stds = _fine(swept), swept.stds()
        expected = swept.expected_std(betas)
        for rank, look in enumerate(ordered_looks([f"latent {i + 1}" for i in range(swept.kappa)])):
            theory(ax, betas, expected[:, rank])
            rows = stds[stds["rank"].eq(rank)]
            best, others = rows[rows["is_best"]], rows[~rows["is_best"]]
            ax.plot(others["beta"], others["std"], ".", markersize=2.5, color=look.colour, alpha=0.3)
            ax.plot(
                best["beta"],
                best["std"],
                linestyle="none",
                marker=look.marker,
                markersize=3.8,
                color=look.colour,
                label=look.label,
            )
        ax.axvline(float(swept.modes.zeta2[0]) / swept.gamma, color=QUIET, linestyle=":", linewidth=0.9, zorder=0)
        ax.set_title(name, loc="left", color=INK)
        log_beta(ax, "weight of the rate β")
        ax.set_ylim(0, 1.06)
    grid[0].set_ylabel("posterior standard deviation σ̄")
    legend(figure, grid, "Each latent widens to the prior")
    caption = (
        "Root mean square over x of the posterior standard deviation of each latent, narrowest first, best seed. "
        "Small dots: the other seeds. Dashed: min(1, √βγ/ζᵢ). Dotted: ζ₁²/γ, where the last mode is lost."
    )
    return Drawing.of("posterior", caption, figure)


def _fine(swept: NetworkSweep) -> np.ndarray:
    betas = swept.settled["beta"]
    return np.geomspace(betas.min(), betas.max(), FINE)
