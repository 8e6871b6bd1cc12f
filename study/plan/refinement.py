"""Refinement: more values of β between two at which a latent is lost, until they are close enough.

With latents ranked by their active units (AU = Var_x E[z_j|x]), the i-th is lost between the largest β at which most seeds
keep it and the next one: that is its bracket. Near a collapse AU falls linearly in β to zero, as 1 − β/βᵢ* in a linear VAE,
so the next β lie on either side of the zero of the line through the last two points. Where AU is not linear, refinement
needs more β but is not misled: only trained trials move a bracket.

Source of the line: Wang & Ziyin (2022), eqs. 11-13.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
from jaxtyping import Float

from study.declare.axes import Label
from study.declare.table import Row, Study, Table
from study.errors import OptionError
from study.record import RESULTS, Home, read

BETA, SEED = "beta", "seed"

KEPT_ABOVE = 0.01
"""Active units above which a latent is kept."""

FINEST = 1e-4
"""The smallest width: a β has five significant digits."""

INSIDE = 0.9
"""The fraction of the allowed width that two new β enclose, so that rounding does not take them beyond it."""

APART = 1.15
"""The least ratio of two β that give a slope: at closer ones differences between seeds drown it."""

FAR = 3
"""A bracket wider than this many allowed widths is also halved, where the line meets zero outside it."""

Units = Mapping[str, Float[np.ndarray, " kappa"]]
"""trial_id → active units, largest first."""


@dataclass(frozen=True)
class Refinement:
    """Adds β inside each bracket of a table until the bracket is within ± `width` of its middle."""

    table: Table
    width: float
    earlier: Sequence[Mapping[str, Label]] = ()
    """The labels of the rows at the last launch: β that were added then stay."""

    @classmethod
    def of(cls, study: Study, table: Any, width: float, earlier: Sequence[Mapping[str, Label]] = ()) -> "Refinement":
        """Raises: OptionError where there is nothing to refine."""
        if not FINEST <= width < 1:
            raise OptionError(f"--refine {width:g} is not a relative width: write 0.02 for ± 2 %, say")
        labels = table.labels.get(BETA, ()) if isinstance(table, Table) else ()
        if len(labels) < 2 or not all(map(_is_beta, labels)):
            raise OptionError(f"study {study.name} sweeps no axis {BETA} of numbers: leave --refine out")
        return cls(table, width, earlier)

    @property
    def remaining(self) -> Counter[int | None]:
        """Nothing: nobody knows how many β it will take."""
        return Counter()

    def more(self, rows: Sequence[Row], home: Home) -> list[Row]:
        """The rows of the next β, for every seed, of each sweep whose trials all have results."""
        settled, units = _results(home)
        found: list[Row] = []
        for place, sweep in groupby(sorted(rows, key=_place), key=_place):
            listed = list(sweep)
            there = {row.axes[BETA] for row in listed}
            betas = [beta for beta in self._known[place] if beta not in there]
            if not betas and all(row.trial.trial_id in settled for row in listed):
                betas = [beta for beta in self._next(listed, units) if beta not in there]
            found += self._rows(listed, betas)
        return found

    @cached_property
    def _known(self) -> Mapping[tuple[str, ...], Sequence[float]]:
        """Sweep → the β that earlier launches added to it."""
        found: dict[tuple[str, ...], dict[float, None]] = defaultdict(dict)
        for axes in self.earlier:
            if set(axes) == set(self.table.axes) and axes[BETA] not in self.table.labels[BETA]:
                found[_place_of(axes)][float(axes[BETA])] = None
        return defaultdict(tuple, {place: tuple(betas) for place, betas in found.items()})

    def _next(self, rows: Sequence[Row], units: Units) -> list[float]:
        """The β at which a sweep trains next."""
        by_beta: dict[float, list[Float[np.ndarray, " kappa"]]] = {}
        for row in rows:
            if row.trial.trial_id in units:
                by_beta.setdefault(float(row.axes[BETA]), []).append(units[row.trial.trial_id])
        betas = sorted(by_beta)
        asked: dict[float, None] = {}
        for rank in range(min((len(one) for many in by_beta.values() for one in many), default=0)):
            values = [np.array([one[rank] for one in by_beta[beta]]) for beta in betas]
            kept = [i for i, value in enumerate(values) if (value > KEPT_ABOVE).mean() > 0.5]
            if kept and kept[-1] + 1 < len(betas):
                means = [float(value.mean()) for value in values]
                asked |= dict.fromkeys(between(betas, means, kept[-1], self.width))
        return list(asked)

    def _rows(self, sweep: Sequence[Row], betas: Sequence[float]) -> Iterator[Row]:
        first = {row.axes.get(SEED): row for row in reversed(sweep)}
        for beta in betas:
            for row in reversed(first.values()):
                pairs = {axis: (self._value(axis, label), label) for axis, label in row.axes.items()}
                if new := self.table.row(pairs | {BETA: (beta, beta)}):
                    yield new

    def _value(self, axis: str, label: Label) -> Any:
        """The value that a label stands for; an added β is its own label."""
        labels = self.table.labels[axis]
        return self.table.axes[axis][labels.index(label)] if label in labels else label


def between(betas: Sequence[float], units: Sequence[float], low: int, width: float) -> list[float]:
    """The next β inside the bracket from `betas[low]` to the one above; none where it is narrow enough.

    `units` are the active units at each β, mean over seeds.
    """
    lower, upper = betas[low], betas[low + 1]
    allowed = (1 + width) / (1 - width)
    if upper / lower <= allowed:
        return []
    step = allowed**INSIDE
    middle = [math.sqrt(lower * upper)] if upper / lower > allowed**FAR else []
    end = _end(betas[: low + 1], units[: low + 1])
    if end >= upper:
        asked = [upper / step, *middle]
    elif end <= lower:
        asked = [lower * step, *middle]
    else:
        asked = [end / step**0.5, end * step**0.5]
    return [beta for beta in map(_rounded, asked) if lower < beta < upper] or [_rounded(math.sqrt(lower * upper))]


def _end(betas: Sequence[float], units: Sequence[float]) -> float:
    """Where the line through two points meets zero: the last point, and the nearest below it at a ratio of `APART`.

    Where there is none, or the line does not fall, the second point is AU = 1 at β = 0.
    """
    far = [i for i, beta in enumerate(betas) if beta * APART <= betas[-1]]
    slope = (units[-1] - units[far[-1]]) / (betas[-1] - betas[far[-1]]) if far else 0.0
    if slope >= 0:
        slope = (units[-1] - 1) / betas[-1]
    return betas[-1] - units[-1] / slope if slope < 0 else betas[-1]


def _results(home: Home) -> tuple[set[str], Units]:
    """The ids of all trials with a result, and the active units of those that finished."""
    trials = read(home, "trials", ["trial_id", "status"]).to_pylist()
    finished = {row["trial_id"] for row in trials if row["status"] == "finished"}
    found: dict[str, list[float]] = {}
    for row in read(home, "latents", ["trial_id", "mean_var"]).to_pylist():
        if row["trial_id"] in finished and row["mean_var"] is not None:
            found.setdefault(row["trial_id"], []).append(row["mean_var"])
    units = {trial: np.sort(values)[::-1] for trial, values in found.items()}
    return {row["trial_id"] for row in trials if row["status"] in RESULTS}, units


def _place(row: Row) -> tuple[str, ...]:
    """The labels that all rows of one sweep share."""
    return _place_of(row.axes)


def _place_of(axes: Mapping[str, Label]) -> tuple[str, ...]:
    return tuple(str(label) for axis, label in axes.items() if axis not in (BETA, SEED))


def _is_beta(label: Label) -> bool:
    return isinstance(label, int | float) and not isinstance(label, bool) and label > 0


def _rounded(beta: float) -> float:
    """A β as tables show it, with five significant digits."""
    return float(f"{beta:.5g}")
