"""The one rule for verdicts: an interval against what is expected.

A comparison *holds* where the whole interval, with its stated systematic part, lies where the claim says. It *fails* where
the interval lies wholly elsewhere. Else the data are *insufficient*, and from the spread that they have follows how many
seeds would decide. No study has a rule of its own.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from analysis.claims.estimate import Estimate
from analysis.tables.interval import number

HOLDS, FAILS, INSUFFICIENT = "holds", "fails", "insufficient"

Outcome = Literal["holds", "fails", "insufficient"]

MOST_SEEDS = 10_000
"""Beyond that many, a number of seeds is no advice."""


@dataclass(frozen=True)
class Target:
    """Where a claim says that a number lies: between `low` and `high`, and what that is in words.

    An `is_order` says on which side of its end the number lies. A number that cannot be told from the end then decides
    nothing: two methods that both reach the most there is are not ordered.
    """

    low: float
    high: float
    says: str
    is_order: bool = False

    def judge(self, found: Estimate) -> Outcome:
        """Whether the interval lies inside, outside or across."""
        low, high = found.widest
        if math.isnan(low) or math.isnan(high):
            return INSUFFICIENT
        if high < self.low or low > self.high:
            return FAILS
        inside = self.low < low and high < self.high if self.is_order else self.low <= low and high <= self.high
        return HOLDS if inside else INSUFFICIENT


def within(tolerance: float, of: float, unit: str = "") -> Target:
    """No farther than `tolerance` from the number `of`, in its unit."""
    return Target(of - tolerance, of + tolerance, f"within {number(tolerance)}{unit} of {number(of)}{unit}")


def near(of: float, share: float, unit: str = "") -> Target:
    """No farther from the number `of` than this share of it."""
    apart = share * abs(of)
    return Target(of - apart, of + apart, f"within {100 * share:.3g} % of {number(of)}{unit}")


def at_most(most: float, unit: str = "") -> Target:
    """This or less."""
    return Target(-math.inf, most, f"at most {number(most)}{unit}")


def at_least(least: float, unit: str = "") -> Target:
    """This or more."""
    return Target(least, math.inf, f"at least {number(least)}{unit}")


def between(low: float, high: float, unit: str = "") -> Target:
    """From `low` to `high`."""
    return Target(low, high, f"{number(low)} to {number(high)}{unit}")


def above(end: float, unit: str = "") -> Target:
    """More than this."""
    return Target(end, math.inf, f"above {number(end)}{unit}", is_order=True)


def below(end: float, unit: str = "") -> Target:
    """Less than this."""
    return Target(-math.inf, end, f"below {number(end)}{unit}", is_order=True)


def most() -> Target:
    """A share of more than a half."""
    return Target(0.5, math.inf, "most", is_order=True)


@dataclass(frozen=True)
class Comparison:
    """A number that was measured, beside what a claim says of it. `what` names the number: "β* of mode 1"."""

    what: str
    found: Estimate
    target: Target

    @property
    def outcome(self) -> Outcome:
        """By the rule of this module."""
        return self.target.judge(self.found)

    @property
    def needed(self) -> int | None:
        """How many seeds (or what else the estimate counts) would decide, if their mean and spread stay as they are.

        None where that is decided, where there is no spread to go by, and where more than `MOST_SEEDS` would be needed.
        """
        if self.outcome != INSUFFICIENT or self.found.n < 2 or math.isnan(self.found.low):
            return None
        if self.found.made == "computed" or self.target.judge(self.found.with_n(MOST_SEEDS)) == INSUFFICIENT:
            return None
        few, many = self.found.n, MOST_SEEDS
        while (
            many - few > 1
        ):  # a share may be decided, undecided and decided again as counts round: the first is near enough
            middle = (few + many) // 2
            few, many = (
                (few, middle) if self.target.judge(self.found.with_n(middle)) != INSUFFICIENT else (middle, many)
            )
        return many

    def __str__(self) -> str:
        return f"{self.what}: {self.found}"


def together(outcomes: Iterable[Outcome]) -> Outcome:
    """A claim of several comparisons fails where one does, and holds where all do; of none it is insufficient."""
    said = [*outcomes]
    if FAILS in said:
        return FAILS
    return HOLDS if said and INSUFFICIENT not in said else INSUFFICIENT
