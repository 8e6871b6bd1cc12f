"""Means over seeds with 95 % Student-t intervals, and how they are written."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

LEVEL = 0.95
NOTHING = "—"


@dataclass(frozen=True)
class Interval:
    """A mean, the half-width of its 95 % interval (NaN for fewer than two values), and the number of values."""

    mean: float
    half: float
    n: int

    @property
    def low(self) -> float:
        """The lower end; NaN for fewer than two values."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """The upper end; NaN for fewer than two values."""
        return self.mean + self.half

    def __str__(self) -> str:
        if not self.n:
            return NOTHING
        if math.isnan(self.half):
            return f"{number(self.mean)} ± n/a"
        return _with_half(self.mean, self.half)


def t_interval(values: Iterable[float]) -> Interval:
    """Mean and half-width t_{.975, n−1} · s/√n of independent values; NaNs are left out."""
    kept = np.asarray([value for value in values if not math.isnan(value)], float)
    if not len(kept):
        return Interval(math.nan, math.nan, 0)
    if len(kept) == 1:  # one seed says nothing about the spread: no interval, not a zero one
        return Interval(float(kept[0]), math.nan, 1)
    half = t_quantile(len(kept) - 1) * kept.std(ddof=1) / math.sqrt(len(kept))
    return Interval(float(kept.mean()), float(half), len(kept))


def t_quantile(freedom: Any) -> Any:
    """Student's t at the upper end of a central 95 % interval, for a number or an array of degrees of freedom."""
    return stdtrit(freedom, 0.5 + LEVEL / 2)  # scipy.stats.t.ppf, without its second of import


def number(value: float, digits: int = 3) -> str:
    """A number in `digits` significant digits: integers as they are, small and large ones in powers of ten."""
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    if not 1e-3 <= abs(value) < 1e5:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{max(digits - 1 - math.floor(math.log10(abs(value))), 0)}f}"


def _with_half(mean: float, half: float) -> str:
    """Mean ± half-width, the half-width in two significant digits and the mean to the same place."""
    if half <= 1e-9 * abs(mean):  # equal values leave rounding noise
        return f"{number(mean)} ± 0"
    size = max(abs(mean), half)
    place = math.floor(math.log10(half)) - 1
    if 1e-3 <= size < 1e5:
        return f"{mean:.{max(-place, 0)}f} ± {half:.{max(-place, 0)}f}"
    power = math.floor(math.log10(size))
    decimals = max(power - place, 0)
    return f"({mean / 10**power:.{decimals}f} ± {half / 10**power:.{decimals}f})e{power:+03d}"
