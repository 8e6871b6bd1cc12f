"""Means over seeds with 95 % Student-t intervals, and how they are written."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

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
    one = np.fromiter(values, float)
    mean, half = t_intervals(one, np.zeros(len(one), int), 1)
    return Interval(float(mean[0]), float(half[0]), int((~np.isnan(one)).sum()))


def t_intervals(
    values: Float[np.ndarray, " n"], group: Int[np.ndarray, " n"], groups: int
) -> tuple[Float[np.ndarray, " groups"], Float[np.ndarray, " groups"]]:
    """The means and half-widths of many intervals at once. `group` is the number of each value's own, from 0."""
    known = ~np.isnan(values)
    order = np.argsort(group[known], kind="stable")
    values, group = values[known][order], group[known][order]
    sizes = np.bincount(group, minlength=groups)
    mean, half = np.full(groups, np.nan), np.full(groups, np.nan)
    for n in np.unique(sizes[sizes > 0]):  # groups of one size are the rows of a matrix
        rows = values[sizes[group] == n].reshape(-1, n)
        mean[sizes == n] = rows.mean(1)
        if n > 1:  # one seed says nothing about the spread: no interval, not a zero one
            half[sizes == n] = t_quantile(n - 1) * rows.std(1, ddof=1) / np.sqrt(n)
    return mean, half


def t_quantile(freedom: Any) -> Any:
    """Student's t at the upper end of a central 95 % interval, for a number or an array of degrees of freedom."""
    from scipy.special import stdtrit  # scipy.stats.t.ppf, without its second of import; planning does without either

    return stdtrit(freedom, 0.5 + LEVEL / 2)


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
