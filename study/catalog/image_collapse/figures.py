"""Figures of images over β: samples of the prior as pictures, and modes and variance of samples against β."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis.claims.network_sweep import NetworkSweep
from analysis.figures.curves import DASHED, band, log_beta, ordered_looks, theory
from analysis.figures.drawing import Drawing
from analysis.figures.images import show_rows
from analysis.figures.looks import INK, Look
from analysis.figures.style import SETTINGS, TITLE, legend, panels
from analysis.frames.types import Frame
from analysis.theory import linear
from study.record import Home, read_artifacts

FINE = 400
"""Points of a dashed curve."""


def figures(data: str, every: Mapping[str, NetworkSweep], home: Home) -> list[Drawing]:
    """Every figure of one data set, for networks with settled trials."""
    with mpl.rc_context(SETTINGS):
        drawn = [modes(data, every), samples(data, every, home)]
    return [drawing for drawing in drawn if drawing]


def modes(data: str, every: Mapping[str, NetworkSweep]) -> Drawing:
    """Modes left and variance of samples against β."""
    figure, (grid,) = panels(1, 2)
    left, right = grid
    for (_, trials), look in zip(every.items(), ordered_looks(list(every)), strict=True):
        _range(left, *_by_seed(trials, "n_burda"), look)
        band(right, *_by_seed(trials, "sample_variance"), look)
    trials = next(iter(every.values()))
    betas = np.geomspace(trials.settled["beta"].min(), trials.settled["beta"].max(), FINE)
    count = linear.active_modes(trials.modes.zeta2, betas * trials.gamma, trials.kappa)
    left.step(betas, count, where="post", color=INK, linestyle=DASHED, linewidth=1.0, zorder=5, label="theory, linear")
    theory(right, betas, trials.expected_variance(betas), "theory, linear")
    left.set_ylabel("modes left, AU > 0.01")
    right.set_ylabel("variance of samples, data²")
    left.yaxis.set_major_locator(MaxNLocator(integer=True))
    for ax in grid:
        log_beta(ax, "weight of the rate β")
        ax.set_ylim(bottom=-0.02 * ax.get_ylim()[1])
    legend(figure, grid, f"{data}: modes left, and variance of samples")
    caption = (
        "Left: latents with more than 0.01 active units against β, median over seeds, shaded from minimum to maximum. "
        "Right: variance of the decoder's mean over the prior, tr Cov m(z), mean over seeds, 95 % t-interval shaded. "
        "Dashed: #{ζᵢ² > βγ} and Σ(ζᵢ² − βγ)₊ of a linear VAE."
    )
    return Drawing.of(f"modes-{data.lower()}", caption, figure)


def samples(data: str, every: Mapping[str, NetworkSweep], home: Home) -> Drawing | None:
    """Samples of the prior, a row for each β and the same draws of z in every row."""
    grids = {name: _pictures(trials, home) for name, trials in every.items()}
    grids = {name: rows for name, rows in grids.items() if rows}
    if not grids:
        return None
    figure, (axes,) = panels(1, len(grids), height=0.42 * max(map(len, grids.values())))
    for ax, (name, rows) in zip(axes, grids.items(), strict=True):
        show_rows(ax, [(f"{beta:g}", row) for beta, row in rows.items()])
        ax.set_title(name, loc="left", color=INK)
    axes[0].set_ylabel("weight of the rate β")
    figure.suptitle(f"{data}: samples of the prior", fontsize=TITLE)
    caption = (
        "Decoded draws of the prior at each β, one seed; each column is one draw. Grey levels are those of the images. "
        "Where every mode is lost, all samples are the mean image."
    )
    return Drawing.of(f"samples-{data.lower()}", caption, figure)


def _range(ax: Axes, x: np.ndarray, values: np.ndarray, look: Look) -> None:
    """Median over seeds, shaded from minimum to maximum: a t-interval of counts from few seeds means little."""
    ax.fill_between(x, np.nanmin(values, 1), np.nanmax(values, 1), color=look.colour, alpha=0.2, linewidth=0)
    ax.plot(
        x,
        np.nanmedian(values, 1),
        color=look.colour,
        marker=look.marker,
        markersize=3.2,
        linewidth=1.1,
        label=look.label,
    )


def _pictures(trials: NetworkSweep, home: Home) -> dict[float, Float[np.ndarray, "images height width *colour"]]:
    """The stored samples of the first seed at each β, ascending, without any β whose pictures are gone."""
    rows: Frame = trials.settled.sort_values(["beta", "seed"]).drop_duplicates("beta")
    found = {}
    for row in rows.to_dict("records"):
        try:
            pictures = read_artifacts(home, str(row["artifacts"]), row["trial_id"], "pictures")
        except FileNotFoundError:
            continue
        if "sample" in pictures:
            found[float(row["beta"])] = pictures["sample"].astype(float)
    return found


def _by_seed(trials: NetworkSweep, column: str) -> tuple[np.ndarray, np.ndarray]:
    """β (k,) and the column (k, seeds)."""
    table = trials.settled.pivot(index="beta", columns="seed", values=column)
    return table.index.to_numpy(float), table.to_numpy(float)
