"""Trials by cell: what is counted, averaged and listed of each cell is so for all cells at once, however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.tables.interval import t_intervals


@dataclass(frozen=True)
class Grouping:
    """The labels of each cell, and the number of each trial's cell, from 0. A cell may have no trial."""

    labels: Sequence[tuple[Any, ...]]
    number: Int[np.ndarray, " trials"]

    @classmethod
    def of(cls, frame: Frame, header: Header, axes: Sequence[str]) -> "Grouping":
        """The combinations of labels that occur, in declared order; of no axes the only one."""
        if not axes:
            return cls([()], np.zeros(len(frame), int))
        number = frame.groupby([*axes], sort=False, dropna=False).ngroup().to_numpy()
        first = np.unique(number, return_index=True)[1]
        found = list(frame[[*axes]].iloc[first].itertuples(index=False, name=None))
        places = [[header.position(*each) for each in zip(axes, labels, strict=True)] for labels in found]
        order = sorted(range(len(found)), key=places.__getitem__)
        return cls([found[i] for i in order], np.argsort(order)[number])

    def __len__(self) -> int:
        return len(self.labels)

    def times(self, other: "Grouping") -> "Grouping":
        """Every cell of this grouping divided into all cells of another one of the same trials."""
        labels = [(*mine, *others) for mine in self.labels for others in other.labels]
        return Grouping(labels, self.number * len(other) + other.number)

    def count(self, chosen: Bool[np.ndarray, " trials"]) -> Int[np.ndarray, " cells"]:
        """How many of the chosen trials each cell has."""
        return np.bincount(self.number[chosen], minlength=len(self))

    def listed(self, values: Float[np.ndarray, " trials"]) -> list[tuple[float, ...]]:
        """The values of each cell in the order of its trials, without NaN."""
        known = ~np.isnan(values)
        order = np.argsort(self.number[known], kind="stable")
        ends = np.cumsum([0, *self.count(known)]).tolist()
        ordered = values[known][order].tolist()
        return [tuple(ordered[start:end]) for start, end in pairwise(ends)]

    def intervals(
        self, values: Float[np.ndarray, " trials"]
    ) -> tuple[Float[np.ndarray, " cells"], Float[np.ndarray, " cells"]]:
        """The mean of each cell, and the half-width of its 95 % t-interval; NaN as `t_intervals` has them."""
        return t_intervals(values, self.number, len(self))

    def most_common(
        self, texts: Any, chosen: Bool[np.ndarray, " trials"]
    ) -> tuple[list[str], Int[np.ndarray, " cells"]]:
        """The text that most of each cell's chosen trials have, and how many do; empty, and 0, where none is chosen."""
        codes, names = pd.factorize(texts[chosen])
        held = np.bincount(self.number[chosen] * len(names) + codes, minlength=len(self) * len(names))
        held = held.reshape(len(self), len(names)) if len(names) else np.zeros((len(self), 1), int)
        names = [*map(str, names)] or [""]
        return [names[i] for i in held.argmax(1)], held.max(1)
