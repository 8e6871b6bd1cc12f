"""Fitted collapse thresholds beside those of theory."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from numpy.typing import ArrayLike

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, near
from analysis.claims.estimate import fitted
from analysis.fit import Estimator, Sweep, Threshold, thresholds
from analysis.frames.types import Frame
from analysis.tables.interval import number

TOLERANCE = 0.05
"""How far a threshold may lie from theory's, relatively: the interval with its systematic 2 % on both sides."""


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
    data: str, source: str, pairs: Sequence[ThresholdPair], lacks: str, trials: int, statements: Sequence[str]
) -> Claim:
    """Every mode is lost where theory says, within `TOLERANCE`."""
    covered = sum(pair.covered for pair in pairs)
    return Claim(
        data,
        "each mode collapses at β = ζᵢ²/γ",
        source,
        measured=f"β* = {'; '.join(map(str, pairs))}; {covered} of {len(pairs)} 95 % intervals hold ζᵢ²/γ",
        comparisons=[
            Comparison(f"β* of mode {pair.fitted.mode + 1}", fitted(pair.fitted), near(pair.expected, TOLERANCE))
            for pair in pairs
        ],
        lacks=lacks or ("" if pairs else "no threshold lies inside the sweep"),
        trials=trials,
        statements=statements,
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
