"""Errors against the signal over a sweep of βγ, and the level at which they are least."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar

from analysis.frames.declaration import declaration
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells
from analysis.theory import denoising
from study.catalog.denoising.table import LEARNED

Array = np.ndarray

FEWEST = 4
"""Levels of a seed below which no parabola of two widths is fitted to its errors."""


@dataclass(frozen=True)
class Sweep:
    """The trials of one noise, number of latents and way to set γ. Of a learned γ there is one β."""

    decoder: str
    kappa: int
    trials: Frame

    @cached_property
    def data(self) -> dict[str, Any]:
        """The declared data set, but for its seed."""
        return declaration(self.trials)["data"]

    @property
    def noise(self) -> float:
        """σ² in data²."""
        return float(self.data["noise"])

    @property
    def is_learned(self) -> bool:
        """Whether γ is learned."""
        return self.decoder == LEARNED

    @cached_property
    def finished(self) -> Frame:
        """The trials with a result; `level` is βγ and `error` the clean error, in data²."""
        kept = self.trials[self.trials["status"].eq("finished")]
        return kept.assign(level=kept["gamma_eff"], error=kept["clean_error"]).sort_values(["seed", "level"])

    @property
    def lacks(self) -> str:
        """What is missing of the trials; empty where all are there."""
        missing = len(self.trials) - len(self.finished)
        return f"{missing} of {len(self.trials)} trials have no result" if missing else ""

    def expected(self, levels: Float[Array, " k"]) -> Float[Array, " k"]:
        """The closed form's error at these levels."""
        return denoising.clean_error(self.data["eigenvalues"], self.noise, self.data["d"], levels, self.kappa)

    def at(self, level: float) -> list[float]:
        """Of each seed the error at the level of the sweep that is the nearest to this one, by their ratio."""
        apart = np.log(self.finished["level"] / level).abs()
        nearest = self.finished.loc[apart.groupby(self.finished["seed"]).idxmin()]
        return [float(value) for value in nearest["error"]]

    def best_levels(self) -> list[float]:
        """Of each seed that has a few the level of the least error, by a fit, in data²."""
        whole = self.finished[self.finished["level"].lt(min(self.data["eigenvalues"]) + self.noise)]
        return [
            least_at(trials["level"].to_numpy(float), trials["error"].to_numpy(float))
            for _, trials in whole.groupby("seed")
            if trials["level"].nunique() >= FEWEST
        ]

    def misfits(self) -> list[float]:
        """Of each seed the root mean square deviation of its errors from the closed form, relative to the least of that."""
        least = denoising.least_error(self.data["eigenvalues"], self.noise, self.data["d"], self.kappa)
        away = self.finished["error"] - self.expected(self.finished["level"].to_numpy(float))
        return [float(np.sqrt(np.mean(part**2)) / least) for _, part in away.groupby(self.finished["seed"])]


def sweeps(view: View) -> list[Sweep]:
    """Every sweep with a result, in declared order."""
    found = []
    for (_, kappa, decoder), trials in cells(view.trials, view.header, ["noise", "kappa", "decoder"]):
        if trials["status"].eq("finished").any():
            found.append(Sweep(str(decoder), int(kappa), trials))
    return found


def least_at(levels: Float[Array, " k"], errors: Float[Array, " k"]) -> float:
    """The vertex of the parabola in g that fits best, of another width on either side: as theory says, for every κ."""

    def misfit(log_vertex: float) -> float:
        away = levels - np.exp(log_vertex)
        sides = np.stack([np.ones_like(away), np.minimum(away, 0) ** 2, np.maximum(away, 0) ** 2], axis=1)
        return float(np.square(errors - sides @ np.linalg.lstsq(sides, errors, rcond=None)[0]).sum())

    ends = np.log(levels[1]), np.log(levels[-2])
    grid = np.linspace(*ends, 200)
    start = int(np.argmin([misfit(value) for value in grid]))
    around = grid[max(start - 1, 0)], grid[min(start + 1, len(grid) - 1)]
    found: Any = minimize_scalar(misfit, bounds=around, method="bounded", options={"xatol": 1e-8})
    return float(np.exp(found.x))
