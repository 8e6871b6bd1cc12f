"""Where the first mode is lost, from the networks of one pair of weights: by their mean map, and by their losses.

Encoder and decoder together multiply a mode by its *gain*, 1 − t in `analysis.theory.kl_halves`: a singular value of U W. It
says whether a mode is kept whatever the scale of its latent is, which the halves alone do not fix. In the range of the study
the first mode is the only one left where it is lost.

A loss is an exact expectation over the training set, 2γ J without its constant, in data²:

    E‖x − Uμ(x)‖² + Σ_j σ_j² ‖u_j‖² + 2βγ (α K_μ + δ K_σ)
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar

from analysis.claims.estimate import Estimate, share_of
from analysis.frames.declaration import declaration
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells
from analysis.theory.kl_halves import Halves
from study.catalog.kl_halves.table import KEPT, LOST
from study.record import Home, read_artifacts

Array = np.ndarray

KEPT_ABOVE = 0.1
"""Gain of a mode that is kept. Before it is lost by a jump it is 0.2 at least."""


AROUND = 0.04
"""How far from the level of equal losses twins are counted, relatively."""


@dataclass(frozen=True)
class Networks:
    """The trials of one pair of weights: `trials` as declared, `seen` the finished ones with what `_seen` adds."""

    name: str
    zeta2: float
    """Variance of the first mode in the training set, in data²."""
    trials: Frame
    seen: Frame

    @property
    def is_held(self) -> bool:
        """Whether Σ is fixed at the prior's."""
        return isinstance(declaration(self.trials)["model"]["post_var"], list)

    @cached_property
    def theory(self) -> Halves:
        """The closed forms for these weights."""
        return Halves(*_weights(self.trials))

    @property
    def lacks(self) -> str:
        """What is missing of the trials; empty where all are there."""
        rested = int(self.seen["converged"].sum())
        return f"{rested} of {len(self.trials)} trials have come to rest" if rested < len(self.trials) else ""

    def expected_gain(self, levels: Float[Array, " k"]) -> Float[Array, " k"]:
        """The gain at the minimum on the kept side. Source: Wang & Ziyin (2022), Prop. 2, where Σ is fixed."""
        if self.is_held:
            return np.maximum(1 - np.sqrt(self.theory.mean * levels / self.zeta2), 0)
        return 1 - self.theory.shrinkage(self.zeta2, levels)

    def lost_level(self) -> float:
        """The level from which on theory loses the first mode, in data²."""
        return self.zeta2 / self.theory.mean if self.is_held else float(self.theory.lost_level(self.zeta2))

    def side(self, side: str) -> Frame:
        """The trials that start on one side."""
        return self.seen[self.seen["side"].eq(side)]

    def fitted_levels(self, side: str) -> list[float]:
        """Of each seed the level at which its gains fall to 0, over that of theory: by the scale of theory's own curve."""
        return [self._fitted(trials) for _, trials in self.side(side).groupby("seed")]

    def _fitted(self, trials: Frame) -> float:
        levels, gains = (trials[name].to_numpy(float) for name in ("level", "gain"))

        def misfit(scale: float) -> float:
            return float(np.square(gains - self.expected_gain(levels / scale)).sum())

        found: Any = minimize_scalar(misfit, bounds=(0.7, 1.4), method="bounded", options={"xatol": 1e-6})
        return float(found.x)

    def last_kept(self, side: str, of: float) -> list[float]:
        """Of each seed the level between the last at which the mode is kept and the next one, in units of the level `of`.

        NaN where it is kept at no level, or at all of them.
        """
        found = []
        for _, trials in self.side(side).groupby("seed"):
            ordered = trials.sort_values("level")
            levels, kept = ordered["level"].to_numpy(float), ordered["gain"].to_numpy(float) > KEPT_ABOVE
            last = int(np.flatnonzero(kept)[-1]) if kept.any() else -1
            inside = 0 <= last < len(levels) - 1
            found.append(math.sqrt(levels[last] * levels[last + 1]) / of if inside else math.nan)
        return found

    @cached_property
    def both(self) -> Frame:
        """Pairs of twins that ended on different sides: level, seed, how much lower the kept one's loss is, and its E‖μ‖²."""
        kept, lost = (self.side(side)[["seed", "level", "gain", "loss", "power"]] for side in (KEPT, LOST))
        pairs = kept.merge(lost, on=["seed", "level"], suffixes=("", "_lost"))
        pairs = pairs[pairs["gain"].gt(KEPT_ABOVE) & pairs["gain_lost"].le(KEPT_ABOVE)]
        return pairs.assign(gain=pairs["loss_lost"] - pairs["loss"]).sort_values(["seed", "level"])

    @property
    def apart(self) -> Estimate:
        """The share of twins within `AROUND` of the level of equal losses that end on different sides."""
        about = (self.side(KEPT)["level"] / self.lost_level() - 1).abs().lt(AROUND)
        apart = (self.both["level"] / self.lost_level() - 1).abs().lt(AROUND)
        return share_of(int(apart.sum()), int(about.sum()), "twins")

    @cached_property
    def crossings(self) -> list[tuple[float, float]]:
        """Of each seed the level at which both sides have one loss, over theory's, and the kept side's E‖μ‖² there.

        NaN where their losses do not cross, or cross more than once.
        """
        return [self._crossing(self.both[self.both["seed"].eq(seed)]) for seed in sorted(self.seen["seed"].unique())]

    def _crossing(self, pairs: Frame) -> tuple[float, float]:
        levels, lower, power = (pairs[name].to_numpy(float) for name in ("level", "gain", "power"))
        falls = np.flatnonzero((lower[:-1] > 0) & (lower[1:] <= 0))
        if len(falls) != 1:
            return math.nan, math.nan
        place = slice(falls[0], falls[0] + 2)
        at = np.interp(0.0, -lower[place], levels[place])
        return float(at) / self.lost_level(), float(np.interp(at, levels[place], power[place]))


def networks(view: View) -> list[Networks]:
    """Those of each pair of weights of which some have a result, in declared order."""
    found = []
    for (name,), trials in cells(view.trials, view.header, ["halves"]):
        known = trials["data_id"].dropna()
        if len(known):
            spectrum = view.spectrum(str(known.iloc[0]))
            seen = _seen(trials[trials["status"].eq("finished")], view, float(np.sum(spectrum)))
            if len(seen):
                found.append(Networks(str(name), float(spectrum[0]), trials, seen))
    return found


def _seen(trials: Frame, view: View, total: float) -> Frame:
    """`level` βγ, `gain`, `loss` in data² and `power` E‖μ‖² of finished trials that kept their weights."""
    trials = trials[trials["has_weights"].eq(1)]
    rows = view.latents[view.latents["trial_id"].isin(trials["trial_id"])]
    spread = (rows["post_var"] * rows["decoder_norm"] ** 2).groupby(rows["trial_id"]).sum()
    if not len(trials):
        return trials
    mean_weight, variance_weight = _weights(trials)
    of_means = trials["rate_of_means_train"]
    counted = mean_weight * of_means + variance_weight * (trials["rate_train"] - of_means)
    distortion = trials["nre_mean_train"] * total + trials["trial_id"].map(spread)
    return trials.assign(
        level=trials["gamma_eff"],
        gain=[_gain(view.home, trial) for trial in trials.to_dict("records")],
        loss=distortion + 2 * trials["gamma_eff"] * counted,
        power=2 * of_means,
    )


def _weights(trials: Frame) -> tuple[float, float]:
    """α and δ of trials that share them."""
    declared = declaration(trials)["objective"]
    return declared["mean_weight"], declared["variance_weight"]


def _gain(home: Home, trial: dict[Any, Any]) -> float:
    """The largest singular value of the mean map."""
    weights = read_artifacts(home, trial["artifacts"], trial["trial_id"], "weights")
    return float(np.linalg.norm(weights["network.decoder.0.weight"] @ weights["network.mu.weight"], 2))
