"""Fitted collapse thresholds beside those of theory."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from numpy.typing import ArrayLike

from analysis.claims.claim import Claim, judge
from analysis.claims.topics import Topic
from analysis.fit import FITTED, INSUFFICIENT, Estimator, Sweep, Threshold, thresholds
from analysis.frames.types import Frame
from analysis.tables.interval import number

TOLERANCE = 0.03
"""How far a threshold may lie from theory's, relatively."""


@dataclass(frozen=True)
class ThresholdPair:
    """One mode's fitted threshold, and the β at which theory loses the mode."""

    expected: float
    fitted: Threshold

    @property
    def error(self) -> float:
        """Relative; NaN where no threshold was fitted."""
        return self.fitted.estimate / self.expected - 1

    @property
    def covered(self) -> bool:
        """Whether theory's threshold lies in the 95 % interval, without the systematic term."""
        return self.fitted.low <= self.expected <= self.fitted.high

    @property
    def agrees(self) -> bool:
        """Whether a threshold was fitted, and lies within the tolerance."""
        return self.fitted.verdict == FITTED and abs(self.error) <= TOLERANCE

    def __str__(self) -> str:
        if math.isnan(self.error):
            return f"{self.fitted.verdict} against {number(self.expected)}"
        return f"{number(self.fitted.estimate)} against {number(self.expected)} ({self.error:+.1%})"


def threshold_pairs(sweep: Sweep, expected: ArrayLike, estimator: Estimator = "active units") -> list[ThresholdPair]:
    """The modes that theory loses inside the grid of β, strongest first; `expected` holds every mode's β_i*."""
    found = thresholds(sweep, estimator)
    pairs = [ThresholdPair(float(beta), fit) for beta, fit in zip(pd.Series(expected), found, strict=False)]
    return [pair for pair in pairs if len(sweep.betas) and sweep.betas[0] < pair.expected < sweep.betas[-1]]


def thresholds_claim(
    data: str, source: str, pairs: Sequence[ThresholdPair], enough: bool, trials: int, topic: Topic
) -> Claim:
    """Every mode is lost where theory says, within 3 %."""
    enough = enough and bool(pairs) and all(pair.fitted.verdict != INSUFFICIENT for pair in pairs)
    covered = sum(pair.covered for pair in pairs)
    measured = f"β* = {'; '.join(map(str, pairs))}; {covered} of {len(pairs)} 95 % intervals hold ζᵢ²/γ"
    return Claim(
        data=data,
        claim="each mode collapses at β = ζᵢ²/γ",
        source=source,
        expected="the threshold of every mode inside the sweep",
        measured=measured,
        tolerance=f"{TOLERANCE:.0%}",
        verdict=judge(all(pair.agrees for pair in pairs), enough),
        trials=trials,
        topic=topic,
    )


def threshold_rows(labels: dict[str, str], pairs: Sequence[ThresholdPair]) -> Frame:
    """A row a mode: theory, estimate, interval, error, and the neighbouring β between which the mode is lost."""
    rows = [
        labels
        | {
            "mode": str(pair.fitted.mode + 1),
            "ζᵢ²/γ": pair.expected,
            "β*": pair.fitted.estimate,
            "95 % low": pair.fitted.low,
            "95 % high": pair.fitted.high,
            "error, %": f"{100 * pair.error:+.2f}" if math.isfinite(pair.error) else pair.fitted.verdict,
            "lost between": f"{number(pair.fitted.bracket[0])} and {number(pair.fitted.bracket[1])}",
        }
        for pair in pairs
    ]
    return pd.DataFrame(rows)
