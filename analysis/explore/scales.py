"""How numbers lie along an axis of a chart: evenly, by their logarithms, or by logarithms of both signs.

A chart whose axis is chosen by its reader cannot change Vega-Lite's own type of scale. So numbers are moved to positions
before they are drawn, and the axis writes the numbers that belong to its positions.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Kind = Literal["linear", "log", "symlog"]

SPREAD = 30.0
"""Ratio of the 95th to the 5th percentile from which positive measurements are shown by their logarithms."""

SPREAD_OF_FACTORS = 3.0
"""The same for what acts by its order of magnitude, as a variance does."""

OUTLYING = 100.0
"""Ratio of the largest size to the median size from which measurements of both signs are."""

GEOMETRIC = 3.0
"""Least ratio of the largest to the smallest value of an axis whose values may be spread geometrically."""


@dataclass(frozen=True)
class Scale:
    """Positions of numbers: x itself, log₁₀ x, or x/unit up to the unit and sign(x) (1 + log₁₀(|x|/unit)) beyond it."""

    kind: Kind = "linear"
    unit: float = 1.0

    def position(self, values: Any) -> np.ndarray:
        """Where numbers lie; NaN where the scale has no place for one."""
        numbers = np.asarray(values, float)
        if self.kind == "symlog":
            size = np.abs(numbers) / self.unit
            return np.sign(numbers) * np.where(size <= 1, size, 1 + np.log10(np.maximum(size, 1)))
        if self.kind == "log":
            return np.log10(np.where(numbers > 0, numbers, np.nan))
        return numbers


def scale_of_axis(values: Any) -> Scale:
    """Logarithmic where the values of an axis are spread geometrically: nearer to it than to an even spread."""
    numbers = np.unique(np.asarray(values, float))
    if len(numbers) < 2 or numbers[0] <= 0 or numbers[-1] < GEOMETRIC * numbers[0]:
        return Scale()
    if len(numbers) == 2:
        return Scale("log") if numbers[1] >= GEOMETRIC**2 * numbers[0] else Scale()
    return Scale("log") if _lopsided(np.log(numbers)) < _lopsided(numbers) else Scale()


def scale_of_measure(values: Any, spread: float = SPREAD) -> Scale:
    """Logarithmic where positive values spread, and of both signs where a few values dwarf all others."""
    numbers = np.asarray(values, float)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers) or np.all(numbers == np.round(numbers)):  # counts are read off as they are
        return Scale()
    low, high = np.quantile(numbers, (0.05, 0.95))
    if numbers.min() > 0:
        return Scale("log") if high >= spread * low or numbers.max() >= OUTLYING * np.median(numbers) else Scale()
    typical = float(np.median(np.abs(numbers)))
    if typical > 0 and np.abs(numbers).max() >= OUTLYING * typical:
        return Scale("symlog", float(10.0 ** np.floor(np.log10(typical))))
    return Scale()


def _lopsided(numbers: np.ndarray) -> float:
    """How far the median is from the middle of the range, as a share of the range."""
    return abs(np.median(numbers) - (numbers[0] + numbers[-1]) / 2) / (numbers[-1] - numbers[0])
