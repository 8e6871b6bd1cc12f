"""What a study varies and measures, and what of it a chart shows before its reader has chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int

from analysis.explore.axes import Axis, axes_of
from analysis.explore.importance import importance
from analysis.explore.measures import MAIN, Measure, measures_of
from analysis.frames.load import Header
from analysis.frames.regime import MEANINGS, PROBE
from analysis.frames.types import Frame
from analysis.frames.view import View

MOST_PANELS = 12

SETTLED = ("finished", "diverged")
"""What has become of a trial with a result: charts of a part of a study show what varies in this part."""


@dataclass(frozen=True)
class Explored:
    """A study's trials with a result (its probes where it trains nothing), the axes that vary among them, and measures."""

    header: Header
    frame: Frame
    axes: Sequence[Axis]
    measures: Sequence[Measure]

    @classmethod
    def of(cls, view: View) -> "Explored":
        """What there is in a study. Raises: AnalysisError, HomeError."""
        trials, header = view.trials, view.header
        frame = trials[trials["stage"].ne(PROBE)] if header.trained else trials
        frame = frame[frame["status"].isin(SETTLED)].reset_index(drop=True)
        return cls(header, frame, axes_of(frame, header), measures_of(frame, header))

    @cached_property
    def finished(self) -> Frame:
        """The trials that measures are of."""
        return self.frame[self.frame["status"].eq("finished")]

    @property
    def is_search(self) -> bool:
        """Whether a search asked for the trials, each with settings of its own."""
        return self.header.is_search

    @property
    def settings(self) -> list[Axis]:
        """The axes that decide a trial."""
        return [axis for axis in self.axes if axis.role == "setting"]

    @property
    def choices(self) -> list[Axis]:
        """The axes that can be colours and panels."""
        return [axis for axis in self.axes if axis.role in ("setting", "sampler")]

    @cached_property
    def cells(self) -> Int[np.ndarray, " trials"]:
        """The number of each trial's cell: trials of a cell differ in their seeds alone. Every trial of a search is one."""
        if self.is_search:
            return np.arange(len(self.frame))
        codes = [axis.codes_of_labels(self.frame[axis.name]) for axis in self.settings]
        if not codes:
            return np.zeros(len(self.frame), int)
        return np.unique(np.stack(codes, 1), axis=0, return_inverse=True)[1].reshape(-1)

    @property
    def is_repeated(self) -> bool:
        """Whether some cell has several trials."""
        return len(np.unique(self.cells)) < len(self.frame)

    @cached_property
    def regime_of_cell(self) -> dict[int, str]:
        """The regime of more than half of each cell's finished trials, or "mixed"."""
        finished = self.finished.assign(cell=self.cells[self.finished.index])
        counts = finished.groupby(["cell", "regime"], observed=True).size().sort_values(kind="stable")
        most = counts.reset_index(name="agreeing").drop_duplicates("cell", keep="last").set_index("cell")
        of = finished.groupby("cell").size().reindex(most.index)
        regime = most["regime"].astype(str).where(2 * most["agreeing"] > of, "mixed")
        return {int(str(cell)): str(each) for cell, each in regime.items()}

    @cached_property
    def regimes(self) -> list[str]:
        """The regimes of trials and cells."""
        found = {*self.frame["regime"], *self.regime_of_cell.values()}
        return [regime for regime in MEANINGS if regime in found]

    def measure(self, column: str) -> Measure | None:
        """The measure of that column, if any trial has it."""
        return next((each for each in self.measures if each.column == column), None)

    @cached_property
    def main(self) -> list[Measure]:
        """The measures that stand for the study: what a search minimises first, then `MAIN`."""
        columns = dict.fromkeys([*self.header.minimised, *MAIN])
        return [each for column in columns if (each := self.measure(column))] or list(self.measures[:4])

    @cached_property
    def importance(self) -> dict[str, dict[str, float]]:
        """Measure's column → axis's name → share of the variance, see `analysis.explore.importance`."""
        place = self.cells[self.finished.index]
        return {each.column: importance(self.finished, self.settings, each, place) for each in self.measures}

    @cached_property
    def ranked(self) -> list[Axis]:
        """The settings, those first that decide the first of the `main` measures most."""
        shares = self.importance[self.main[0].column] if self.main else {}
        return sorted(self.settings, key=lambda axis: -np.nan_to_num(shares.get(axis.name, 0.0)))

    def horizontal(self, *without: str) -> Axis | None:
        """The setting along the horizontal axis: the numeric one that decides most, otherwise any."""
        left = [axis for axis in self.ranked if axis.name not in without]
        return next((axis for axis in left if axis.is_numeric), left[0] if left else None)

    def colour_and_panels(self, *shown: str) -> tuple[Axis | None, Axis | None, Axis | None]:
        """What colours and panels show first: how γ is set and the data set, or what decides most among what is left."""
        left = [axis for axis in self.ranked if axis.name not in shown]
        panels = [axis for axis in left if axis.name == "data"]
        left = [axis for axis in left if axis not in panels]
        by_mode = [axis for axis in left if axis.colours]
        colour = next(iter([*by_mode, *left]), None)
        count = int(np.prod([len(axis.texts) for axis in panels]))
        for axis in left:
            if (
                axis is not colour
                and not axis.is_continuous
                and len(panels) < 2
                and count * len(axis.texts) <= MOST_PANELS
            ):
                panels.append(axis)
                count *= len(axis.texts)
        if self.is_search:
            panels, sampler = panels[:1], next((axis for axis in self.axes if axis.role == "sampler"), None)
            panels = [axis for axis in panels if axis.name == "data"]
            colour = colour or sampler
        return colour, *[*panels, None, None][:2]
