"""A β sweep with a learned γ: its trials, what linear theory knows of its data, and where its two events were met."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from analysis.frames.declaration import declaration
from analysis.frames.types import Column, Frame
from analysis.frames.view import View
from analysis.tables.cells import ENOUGH, cells, label_text
from analysis.theory import Modes, learned_gamma, modes_of_spectrum

LOST, BURDA = 0.05, 0.01
"""NRE above which something is lost; Var E[z|x] above which a latent is in use."""


@dataclass(frozen=True)
class BetaSweep:
    """The trials of one data set and ceiling, over β and seeds, and what theory knows of the data."""

    data: str
    ceiling: str
    trials: Frame
    modes: Modes

    @cached_property
    def finished(self) -> Frame:
        """The trials with a result."""
        return self.trials[self.trials["status"].eq("finished")]

    @cached_property
    def enough(self) -> bool:
        """Trials that came to rest: two thirds of those declared, of two seeds at least."""
        rested = self.trials[self.trials["converged"]]
        return rested["seed"].nunique() >= 2 and len(rested) >= ENOUGH * len(self.trials)

    @cached_property
    def declaration(self) -> dict[str, Any]:
        """What the first recorded trial declares."""
        return declaration(self.trials)

    @property
    def linear(self) -> bool:
        """Whether the data are a linear subspace."""
        return self.declaration["data"]["kind"] == "LinearSubspace"

    @property
    def title(self) -> str:
        """The data in a few words: linear ones by the range of the declared eigenvalues."""
        if not self.linear:
            return self.data
        values = self.declaration["data"]["eigenvalues"]
        return f"{len(values)} linear modes, λ = {max(values):g}" + (
            f" … {min(values):g}" * (min(values) < max(values))
        )

    @property
    def gamma_max(self) -> float:
        """In data²; infinity where there is no ceiling."""
        return float(self.declaration["objective"]["gamma"].get("ceiling") or math.inf)

    @property
    def capped(self) -> bool:
        """Whether γ has a ceiling."""
        return math.isfinite(self.gamma_max)

    @property
    def kappa(self) -> int:
        """Latent dimensions."""
        return int(self.declaration["model"]["kappa"])

    @property
    def lossless(self) -> float:
        """d/r; NaN where r is not known."""
        return float(self.modes.d2 / self.trials["intrinsic_dim"].median())

    @property
    def collapse(self) -> float:
        """β_c, or later under a ceiling: there a mode is left iff β γ_max < ζ₁²."""
        return float(learned_gamma.thresholds(self.modes, self.kappa, ceiling=self.gamma_max)[0])

    @property
    def variance(self) -> float:
        """T/d in data²: γ where nothing is encoded."""
        return self.modes.total / self.modes.d2

    def kept(self) -> list[float]:
        """The largest β of each seed at which at most `LOST` of the variance is lost; 0 where there is none.

        Seeds that train around the last event alone say nothing of the first.
        """
        least = self.trials.groupby("seed")["beta"].min()
        own = ~self.trials["seed"].map(least).ge(self.lossless)
        return self._by_seed(own, lambda trials: float(trials[trials["nre_test"] <= LOST]["beta"].max()), 0.0)

    def dead(self) -> list[float]:
        """The smallest β of each seed at which no latent's mean moves; infinity where there is none."""
        every = self.trials["seed"].notna()
        return self._by_seed(every, lambda trials: float(trials[trials["n_burda"] == 0]["beta"].min()), math.inf)

    def after(self, beta: float) -> float:
        """The next β of the sweep."""
        return float(self.trials["beta"][self.trials["beta"] > beta].min())

    def before(self, beta: float) -> float:
        """The last β of the sweep below this one."""
        return float(self.trials["beta"][self.trials["beta"] < beta].max())

    def _by_seed(self, which: Column, of: Callable[[Frame], float], nothing: float) -> list[float]:
        found = [of(trials) for _, trials in self.finished[which.loc[self.finished.index]].groupby("seed")]
        return [nothing if math.isnan(value) else value for value in found]


def sweeps(view: View) -> list[BetaSweep]:
    """A sweep for each data set and ceiling that has a record."""
    found = []
    for (data, ceiling), trials in cells(view.trials, view.header, ["data", "ceiling"]):
        known = trials["data_id"].dropna()
        if len(known):
            modes = modes_of_spectrum(view.spectrum(str(known.iloc[0])))
            found.append(BetaSweep(label_text(data), str(ceiling), trials, modes))
    return found
