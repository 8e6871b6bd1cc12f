"""balance_search: how many trials does a search need to find the balance, and how good is its final front?

A trial meets the balance if it has exactly r active dimensions and loses at most 1 % of the variance at the posterior mean.
The count is over trials, not rungs: a trial that the search trains again with more steps counts once. A search that never
meets the balance counts as if its very next trial had met it, which favours it.

The quality of a front is its dominated volume: the share of a box in which some trial of the search is better in both
respects. The box ends at κ = 16 active dimensions and NRE = 1, with NRE on a log scale from `FLOOR`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, above, at_most
from analysis.claims.estimate import Estimate, mean_of
from analysis.figures.drawing import Drawing
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.interval import number, t_interval
from analysis.tables.sheet import Sheet
from study.catalog.balance_search.figures import figures
from study.catalog.balance_search.table import CHANCE, SAMPLERS, balance_search

NAMES = dict(zip(SAMPLERS, ("TPE", "NSGA-II", "random"), strict=True))

NRE_AT_MOST = 0.01
"""Largest share of the variance that a balanced trial may lose."""

SHARE = round(1 / 3, 12)
"""Largest number of trials for a search that learns, as a share of random search's."""

LEAST_REPEATS = 5
FLOOR = 1e-3
"""Smaller NREs count as this one."""

SOURCE = "Dai, Wenliang & Wipf (2021), definition 1 of the balance; budget after Bergstra & Bengio (2012)"


@dataclass(frozen=True)
class Searches:
    """The searches of one sampler; `met` holds each one's trials until the balance, or all its trials plus one."""

    sampler: str
    met: list[int]
    found: int
    volumes: list[float]
    trials: int

    @property
    def median(self) -> float:
        """Trials until the balance, in the median search."""
        return float(np.median(self.met)) if self.met else math.nan


@balance_search.claims
def claims(view: View) -> list[Claim]:
    """Whether each sampler that learns meets the balance sooner than chance, and ends with a better front."""
    listed = searches(view)
    chance = next((one for one in listed if one.sampler == CHANCE), None)
    others = [one for one in listed if one is not chance]
    data = next(iter(view.trials["data"].dropna()), "")
    if chance is None:
        return []
    return [make(data, one, chance) for one in others for make in (_sooner, _better_front)]


@balance_search.figures
def drawings(view: View) -> list[Drawing]:
    """The fronts, and how soon each search met the balance."""
    return figures(best_rungs(view.trials), {one.sampler: one.met for one in searches(view)}, NAMES, NRE_AT_MOST)


@balance_search.sheets
def sheets(view: View) -> list[Sheet]:
    """One row per sampler."""
    rows = [
        {
            "sampler": NAMES.get(one.sampler, one.sampler),
            "searches": len(one.met),
            "met the balance": one.found,
            "trials until then, median": one.median,
            "least": min(one.met),
            "most": max(one.met),
            "dominated volume": str(t_interval(one.volumes)),
        }
        for one in searches(view)
    ]
    return [
        Sheet("searches", f"Trials until r active dimensions and NRE ≤ {NRE_AT_MOST:g}, by sampler", pd.DataFrame(rows))
    ]


def searches(view: View) -> list[Searches]:
    """For each sampler in declared order, the searches whose trials all have results."""
    trials = best_rungs(view.trials)
    open_ = view.trials[view.trials["status"].isin(["missing", "failed"])]
    unfinished = set(zip(open_["sampler"], open_["repeat"], strict=True))
    found = []
    budget = int(trials["number"].max()) if len(trials) else 0
    for sampler in view.header.ordered("sampler", trials["sampler"]):
        of_sampler = trials[trials["sampler"].eq(sampler)]
        whole = [one for repeat, one in of_sampler.groupby("repeat") if (sampler, repeat) not in unfinished]
        met = [_met(one, budget) for one in whole]
        volumes = [volume(one) for one in whole]
        found.append(Searches(str(sampler), met, sum(n <= budget for n in met), volumes, len(of_sampler)))
    return [one for one in found if one.met]


def best_rungs(trials: Frame) -> Frame:
    """One row per trial with a result: its rung with the most steps."""
    settled = trials[trials["status"].isin(["finished", "diverged"])]
    return settled.sort_values("steps", kind="stable").drop_duplicates(["sampler", "repeat", "number"], keep="last")


def is_balanced(trials: Frame) -> pd.Series:
    """Which trials have exactly as many active dimensions as the data, and an NRE within the limit."""
    return trials["n_active"].eq(trials["intrinsic_dim"]) & trials["nre_mean_test"].le(NRE_AT_MOST)


def _met(trials: Frame, budget: int) -> int:
    numbers = trials.loc[is_balanced(trials), "number"]
    return int(numbers.min()) if len(numbers) else budget + 1


def volume(trials: Frame) -> float:
    """The share of the box that the trials dominate."""
    finished = trials[trials["status"].eq("finished")].dropna(subset=["n_active", "nre_mean_test"])
    most = int(trials["kappa"].max())
    errors = (finished["nre_mean_test"].clip(FLOOR, 1.0) / FLOOR).apply(math.log) / -math.log(FLOOR)
    best = errors.groupby(finished["n_active"].astype(int)).min()
    least = [best[best.index <= active].min() if (best.index <= active).any() else 1.0 for active in range(most)]
    return float(np.mean([1 - height for height in least]))


def _sooner(data: str, one: Searches, chance: Searches) -> Claim:
    ratio = _geometric_mean([a / b for a, b in zip(one.met, chance.met, strict=False)])
    share = Comparison("trials until the balance, of random search's", ratio, at_most(SHARE))
    measured = (
        f"{share}; medians {number(one.median)} ({', '.join(map(number, sorted(one.met)))}) and "
        f"{number(chance.median)} ({', '.join(map(number, sorted(chance.met)))})"
    )
    asked = f"does {NAMES[one.sampler]} meet the balance in at most a third of random search's trials?"
    lacks = "" if chance.found else "random search never met the balance"
    return _question(data, asked, one, chance, share, measured, lacks)


def _geometric_mean(ratios: Sequence[float]) -> Estimate:
    """The geometric mean of a ratio a search, with the interval of its logarithm."""
    logs = mean_of(map(math.log, ratios), "searches")
    # Rounding must not decide: a third is a third.
    value, low, high = (round(math.exp(end), 12) for end in (logs.value, logs.low, logs.high))
    return replace(logs, value=value, low=low, high=high)


def _better_front(data: str, one: Searches, chance: Searches) -> Claim:
    gains = [a - b for a, b in zip(one.volumes, chance.volumes, strict=False)]
    gain = Comparison("dominated volume − random search's", mean_of(gains, "searches"), above(0.0))
    measured = f"{gain}; {t_interval(one.volumes)} of the box, random {t_interval(chance.volumes)}"
    asked = f"does {NAMES[one.sampler]} end with a better front than random search at equal budget?"
    return _question(data, asked, one, chance, gain, measured, "")


def _question(
    data: str, asked: str, one: Searches, chance: Searches, compared: Comparison, measured: str, lacks: str
) -> Claim:
    repeats = min(len(one.met), len(chance.met))
    few = f"there are {repeats} searches of each, and {LEAST_REPEATS} are needed" if repeats < LEAST_REPEATS else ""
    return Claim(
        data,
        asked,
        SOURCE,
        measured=measured,
        comparisons=[compared],
        lacks=few or lacks,
        trials=one.trials + chance.trials,
        kind="question",
    )
