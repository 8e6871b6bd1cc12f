"""What was measured, with the interval that it may lie in, however it was measured."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from analysis.claims.residuals import worst
from analysis.tables.interval import LEVEL, number, t_interval, t_quantile

if TYPE_CHECKING:  # a study's file imports these estimates, and planning it shall not import pandas
    from analysis.fit.thresholds import Threshold

Made = Literal["mean", "share", "fit", "computed"]

COUNTING_ERROR = math.sqrt(1 / 12)
"""Standard deviation of rounding to whole numbers: counts that agree in all seeds are no surer than that."""


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval from `n` independent values, which `of` names: seeds, trials, pairs.

    `systematic` is an error, in the number's own unit, that all values may share and that the interval cannot show. `low`
    and `high` do not hold it. They are NaN where there are too few values for an interval.
    """

    value: float
    low: float
    high: float
    n: int
    made: Made = "mean"
    of: str = "seeds"
    systematic: float = 0.0

    @property
    def widest(self) -> tuple[float, float]:
        """The interval with the systematic error on both sides."""
        return self.low - self.systematic, self.high + self.systematic

    def with_n(self, n: int) -> "Estimate":
        """What one would expect to find from `n` values of the same mean and spread."""
        if self.made == "share":
            return share_of(round(self.value * n), n, self.of)
        if self.made == "computed" or self.n < 2:
            return self
        narrower = (t_quantile(n - 1) / math.sqrt(n)) / (t_quantile(self.n - 1) / math.sqrt(self.n))
        low, high = (self.value + narrower * (end - self.value) for end in (self.low, self.high))
        return Estimate(self.value, low, high, n, self.made, self.of, self.systematic)

    def __str__(self) -> str:
        if not self.n or math.isnan(self.value):
            return "not measured"
        if self.made == "computed":
            return number(self.value)
        if math.isnan(self.low):
            return f"{number(self.value)} without an interval"
        if self.made == "share":
            return f"{round(self.value * self.n)} of {self.n} {self.of} (95 %: {self.low:.0%} to {self.high:.0%})"
        return f"{number(self.value)} (95 %: {number(self.low)} to {number(self.high)})"


def mean_of(values: Iterable[float], of: str = "seeds", systematic: float = 0.0) -> Estimate:
    """The mean of independent values, one a seed, with its Student-t interval; NaNs are left out."""
    found = t_interval(values)
    return Estimate(found.mean, found.low, found.high, found.n, "mean", of, systematic)


def mean_count_of(values: Iterable[float], of: str = "seeds") -> Estimate:
    """The mean of whole numbers, one a seed: as `mean_of`, with a spread of `COUNTING_ERROR` at least."""
    kept = [value for value in values if not math.isnan(value)]
    found = t_interval(kept)
    if found.n < 2:
        return Estimate(found.mean, math.nan, math.nan, found.n, "mean", of)
    half = max(found.half, float(t_quantile(found.n - 1)) * COUNTING_ERROR / math.sqrt(found.n))
    return Estimate(found.mean, found.mean - half, found.mean + half, found.n, "mean", of)


def share_of(agreeing: int, n: int, of: str = "trials") -> Estimate:
    """The share of `n` independent trials that agree. Source: Clopper & Pearson (1934)."""
    if not n:
        return Estimate(math.nan, math.nan, math.nan, 0, "share", of)
    from scipy.special import betaincinv

    tail = (1 - LEVEL) / 2
    low = float(betaincinv(agreeing, n - agreeing + 1, tail)) if agreeing else 0.0
    high = float(betaincinv(agreeing + 1, n - agreeing, 1 - tail)) if agreeing < n else 1.0
    return Estimate(agreeing / n, low, high, n, "share", of)


def fitted(threshold: "Threshold") -> Estimate:
    """A fitted collapse threshold; of one that the sweep does not reach only its bracket is known."""
    fit, value = threshold.fit, threshold.estimate
    shared = threshold.systematic * value if math.isfinite(value) else 0.0
    return Estimate(value, fit.low, fit.high, threshold.n_seeds, "fit", "seeds", shared)


def computed(value: float, n: int = 1, of: str = "problems") -> Estimate:
    """A number that was computed, not sampled: it has no interval beyond itself."""
    return Estimate(value, value, value, n, "computed", of)


def worst_of(errors: Iterable[float], of: str = "problems") -> Estimate:
    """The largest of computed errors, in absolute value; NaN where one is, or none are."""
    sizes = [*errors]
    return computed(worst(sizes), len(sizes), of)
