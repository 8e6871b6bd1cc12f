"""The figure of denoising: the error against the signal over βγ, a panel for each noise; theory is dashed."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from analysis.figures.curves import band, log_beta, ordered_looks, theory
from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK, QUIET, Look
from analysis.figures.style import SETTINGS, legend, log_scale, panels
from analysis.tables.interval import number
from study.catalog.denoising.sweeps import Sweep

FINE = 400
"""Points of a dashed curve."""


def figures(every: Sequence[Sweep]) -> list[Drawing]:
    """Error against level of every network."""
    noises = list(dict.fromkeys(one.noise for one in every))
    if not noises:
        return []
    kappas = list(dict.fromkeys(one.kappa for one in every))
    looks = dict(zip(kappas, ordered_looks([f"κ = {kappa}" for kappa in kappas]), strict=True))
    with mpl.rc_context(SETTINGS):
        figure, grid = panels(1, len(noises), sharey=True)
        for ax, noise in zip(grid[0], noises, strict=True):
            for one in every:
                if one.noise == noise:
                    (_point if one.is_learned else _curve)(ax, one, looks[one.kappa])
            ax.axvline(1.0, color=QUIET, linestyle=":", linewidth=0.9, zorder=0)
            ax.set_title(f"noise σ² = {number(noise)}", loc="left", color=INK)
            log_beta(ax, "level βγ over σ²")
            log_scale(ax)
        grid[0][0].set_ylabel("E‖s − x̂‖², data²")
        legend(figure, grid[0], "Reconstructions of noisy data against the signal beneath the noise")
    caption = (
        "Squared error of held-out reconstructions against the signal, s, for several κ and fixed γ as β varies: mean over "
        "seeds, each with data of its own, 95 % t-interval shaded. Dashed: the closed form, least at βγ = σ². Open: β = 1 "
        "with a learned γ, at the level where γ ended."
    )
    return [Drawing.of("denoising", caption, figure)]


def _curve(ax: Axes, one: Sweep, look: Look) -> None:
    values = one.finished.pivot(index="level", columns="seed", values="error")
    levels = values.index.to_numpy(float)
    band(ax, levels / one.noise, values.to_numpy(float), look)
    fine = np.geomspace(levels[0], levels[-1], FINE)
    theory(ax, fine / one.noise, one.expected(fine))


def _point(ax: Axes, one: Sweep, look: Look) -> None:
    levels, errors = one.finished["level"] / one.noise, one.finished["error"]
    label = f"learned γ, {look.label}"
    ax.plot(levels, errors, look.marker, color=look.colour, fillstyle="none", markersize=9, zorder=6, label=label)
