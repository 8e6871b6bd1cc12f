"""Figures of a linear VAE over β: active units by mode, loss and rate, and the weights; theory is dashed."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from analysis.claims.linear_optimum import Cell
from analysis.figures.curves import band, log_beta, ordered_looks, theory
from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK, QUIET
from analysis.figures.style import SETTINGS, legend, panels
from study.catalog.linear_collapse.table import HELD, LEARNED

FINE = 400
"""Points of a dashed curve."""


def figures(cells: Sequence[Cell]) -> list[Drawing]:
    """Every figure whose networks are among the cells. Each cell must have settled trials."""
    learned = [cell for cell in cells if cell.variant == LEARNED]
    last = max((cell.kappa for cell in cells), default=0)
    both = [cell for cell in cells if cell.variant in (LEARNED, HELD) and cell.kappa == last]
    with mpl.rc_context(SETTINGS):
        drawn = [active_units(learned), loss(learned)] if learned else []
        return drawn + ([weights(both)] if both else [])


def active_units(cells: Sequence[Cell]) -> Drawing:
    """Active units of each mode against β, a panel for each κ."""
    figure, grid = panels(1, len(cells), sharey=True)
    for ax, cell in zip(grid[0], cells, strict=True):
        betas, found = _fine(cell), cell.by_mode
        expected = cell.expected_units(betas)
        inside = int((cell.modes.zeta2[: cell.kappa] / cell.gamma > betas[0]).sum())
        for mode, look in enumerate(ordered_looks([f"mode {mode + 1}" for mode in range(inside)])):
            band(ax, found.betas, found.active_units[mode], look)
            theory(ax, betas, expected[:, mode])
        ax.set_title(f"κ = {cell.kappa}", loc="left", color=INK)
        ax.set_ylim(-0.02, 1.0)
        log_beta(ax, "weight of the rate β")
    grid[0][0].set_ylabel("active units")
    legend(figure, grid[0], "Modes collapse one by one")
    caption = (
        "Active units of each mode against β, from the singular values of the decoder: mean over seeds, 95 % t-interval "
        "shaded. Dashed: (1 − β/βᵢ*)₊ with βᵢ* = ζᵢ²/γ from the spectrum of the training set. Modes whose threshold lies "
        "below the sweep are left out."
    )
    return _drawing("active_units", caption, figure)


def loss(cells: Sequence[Cell]) -> Drawing:
    """J and its derivative, the rate, against β, a curve for each κ."""
    figure, grid = panels(1, 2)
    left, right = grid[0]
    for cell, look in zip(cells, ordered_looks([f"κ = {cell.kappa}" for cell in cells]), strict=True):
        betas = _fine(cell)
        values = cell.losses.pivot(index="beta", columns="seed", values="j")
        band(left, values.index.to_numpy(float), values.to_numpy(float), look)
        theory(left, betas, cell.least(betas))
        band(right, cell.sweep.betas, cell.rates, look)
        theory(right, betas, np.gradient(cell.least(betas), betas))
    for threshold in cells[-1].modes.zeta2 / cells[-1].gamma:
        if threshold > cells[-1].sweep.betas[0]:
            right.axvline(threshold, color=QUIET, linestyle=":", linewidth=0.9, zorder=0)
    left.set_ylabel("objective J, nats")
    right.set_ylabel("rate K = dJ/dβ, nats")
    for ax in (left, right):
        log_beta(ax, "weight of the rate β")
    legend(figure, grid[0], "The loss is smooth where modes collapse; its slope has kinks")
    caption = (
        "J, exact over the training set, and its derivative with respect to β, the rate: mean over seeds, 95 % t-interval "
        "shaded. Dashed: the closed-form minimum. Dotted: βᵢ*, where the rate has a kink but no jump."
    )
    return _drawing("loss", caption, figure)


def weights(cells: Sequence[Cell]) -> Drawing:
    """Power of the encoder's means and of the decoder's columns against β, Σ learned and fixed."""
    figure, grid = panels(1, 2)
    for cell, look in zip(cells, ordered_looks([cell.variant for cell in cells]), strict=True):
        betas = _fine(cell)
        measured, expected = (cell.encoder_power, cell.decoder_power), cell.expected_power(betas)
        for ax, values, curve in zip(grid[0], measured, expected, strict=True):
            band(ax, cell.sweep.betas, values, look)
            theory(ax, betas, curve)
    left, right = grid[0]
    left.set_ylabel("encoder: Σ Var E[z|x]")
    right.set_ylabel("decoder: Σ ‖u‖², data²")
    for ax in (left, right):
        log_beta(ax, "weight of the rate β")
        ax.set_ylim(bottom=0)
    legend(figure, grid[0], f"Weights at κ = {cells[0].kappa}")
    caption = (
        f"Sums over the κ = {cells[0].kappa} latents of the variance of their means and of the squared columns of the "
        "decoder: mean over seeds, 95 % t-interval shaded. Dashed: theory, Σ(ζᵢ/√g − 1)₊ and Σ√g(ζᵢ − √g)₊ where Σ "
        "is fixed at the prior's variance, Σ(1 − g/ζᵢ²)₊ and Σ(ζᵢ² − g)₊ where it is learned; g = βγ."
    )
    return _drawing("weights", caption, figure)


def _fine(cell: Cell) -> np.ndarray:
    return np.geomspace(cell.sweep.betas[0], cell.sweep.betas[-1], FINE)


def _drawing(name: str, caption: str, figure: Figure) -> Drawing:
    return Drawing.of(name, caption, figure)
