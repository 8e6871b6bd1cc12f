"""The trials of grid_gamma at β = 1 as its claims ask about them: those of one data set, by how γ is set."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from analysis.frames.load import Header
from analysis.frames.types import Column, Frame
from analysis.tables.cells import cells, label_text
from study.catalog.grid_gamma.table import GAMMAS, LONGER, ONE_STAGE


@dataclass(frozen=True)
class Question:
    """The trials of one data set at β = 1, and what is known about the data."""

    data: str
    trials: Frame
    learned: str
    fixed: dict[str, float]
    refit: str | None
    others: dict[str, str]
    keys: list[str]
    header: Header
    longer: Frame
    """Trials that train for more steps than the others; few ways to set γ have any."""

    @cached_property
    def r(self) -> int | None:
        known = self.trials["intrinsic_dim"].dropna()
        return int(known.iloc[0]) if len(known) else None

    @cached_property
    def largest(self) -> float:
        """T/d in data²: the decoder variance when nothing is encoded."""
        ratio = (self.trials["total_variance"] / self.trials["d"]).dropna()
        return float(ratio.iloc[0]) if len(ratio) else math.nan

    def of(self, label: str) -> Frame:
        return self.trials[self.trials["gamma"].eq(label)]

    def paired(self) -> Iterator[tuple[int, Frame, dict[str, Frame]]]:
        """κ, the learned trials and those of every other mode, for each combination of the other axes."""
        for _, trials in cells(self.trials, self.header, ["kappa", *self.keys]):
            labels = [*self.fixed, *self.others, *([self.refit] if self.refit else [])]
            by_label = {label: trials[trials["gamma"].eq(label)] for label in labels}
            yield int(trials["kappa"].iloc[0]), trials[trials["gamma"].eq(self.learned)], by_label


def questions(frame: Frame, header: Header) -> Iterator[Question]:
    """One for each data set of trials with the axes `gamma` and `kappa`; none without a learned and a fixed γ."""
    if not {"gamma", "kappa"} <= header.axes.keys():
        return
    modes = _modes(frame, header)
    fixed = {label: start for label, (mode, start) in modes.items() if mode == "fixed"}
    learned = next((label for label, (mode, _) in modes.items() if mode == "learned"), None)
    if learned is None or not fixed:
        return
    refit = next((label for label, (mode, _) in modes.items() if mode == "refit"), None)
    others = {label: mode for label, (mode, _) in modes.items() if mode in ("annealed", "optimal")}
    trials = _at_unit_beta(frame, header).copy()
    trials["kappa"] = pd.to_numeric(trials["kappa"], errors="coerce")
    longer = trials.iloc[:0]
    if "method" in header.axes:
        trials, longer = (trials[trials["method"].eq(method)] for method in (ONE_STAGE, LONGER))
    known = trials["data"].dropna().unique()
    if len(known) == 1:  # a study of one data set: trials without a record use it too
        trials["data"] = known[0]
    keys = header.varying("gamma", "kappa", "seed", "data", "beta", "method")
    for (data,), group in cells(trials.dropna(subset=["kappa", "data"]), header, ["data"]):
        own = longer[longer["data"].eq(data)]
        yield Question(f"{label_text(data)} at β = 1", group, learned, fixed, refit, others, keys, header, own)


def finished(trials: Frame) -> Frame:
    """Those with a result."""
    return trials[trials["status"].eq("finished")]


def _at_unit_beta(frame: Frame, header: Header) -> Frame:
    beta: Column = pd.to_numeric(frame["beta"], errors="coerce")
    return frame[beta.eq(1.0) | (beta.isna() & frame["status"].eq("missing") & ("beta" not in header.axes))]


def _modes(frame: Frame, header: Header) -> dict[str, tuple[str, Any]]:
    """γ's label → its mode and first value, as first stages recorded them, else as the study's table declares them."""
    found: dict[str, tuple[str, Any]]
    found = {label: (gamma.kind.lower(), gamma.start) for label, gamma in GAMMAS.items()}
    known = frame[frame["gamma_mode"].notna()]
    if "method" in header.axes:
        known = known[known["method"].eq(ONE_STAGE)]
    rows = known.drop_duplicates("gamma")
    found |= {str(row["gamma"]): (row["gamma_mode"], row["gamma_init"]) for row in rows.to_dict("records")}
    return {str(label): found[str(label)] for label in header.axes["gamma"] if str(label) in found}
