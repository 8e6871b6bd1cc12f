"""The table: measurements grouped by every axis that varies except the seed, and the glance, one column per κ.

A mean is taken over the finished trials of a cell; diverged ones are counted beside it. A cell in which fewer than two
thirds of the finished trials converged is marked `?`: it shows how the trials were left, not where training ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.frames.load import Header
from analysis.frames.regime import kept
from analysis.frames.types import Frame
from analysis.tables.grouping import Grouping
from analysis.tables.interval import NOTHING, Interval

MEASURES = {
    "neg_elbo_test": "−ELBO",
    "distortion_test": "distortion",
    "rate_test": "rate",
    "n_active": "active",
    "gamma_value": "γ value",
    "mmd": "MMD",
    "nre_mean_test": "NRE mean",
}
"""Measured columns of the table, and their headings."""

ALSO = {
    "auroc": "AUROC",
    "auroc_pca": "AUROC, components",
    "mmd_x": "MMD, samples",
    "ndb_100": "NDB, K = 100",
    "fd_x": "FD",
    "fd_conv": "FD, features",
    "fid": "FID",
    "codes_used": "codes used",
}
"""Columns of trials with `outliers`, `samples` or a price on codes: the table has them if any trial measured them."""

COUNTS = ("declared", "finished", "diverged", "failed", "missing", "unconverged")

OF_PROBES = ("declared", "finished", "failed", "missing")
"""What can become of a probe."""

ENOUGH = 2 / 3
"""Share of the trials in question that must have converged before a claim is judged."""


@dataclass(frozen=True)
class Cell:
    """What the trials of one cell say: a regime (or why there is none), how many agree, and whether they converged."""

    regime: str
    agreeing: int
    of: int
    n_active: tuple[float, ...] = ()
    converged: bool = True

    @property
    def mark(self) -> str:
        """A question mark where too few trials converged to say where training ends."""
        return "" if self.converged else "?"

    @property
    def text(self) -> str:
        """Mean number of active latents and regime: "3 balanced"; a whole number where all seeds agree."""
        if not self.n_active:
            return self.regime
        mean = sum(self.n_active) / len(self.n_active)
        digits = 0 if len(set(self.n_active)) == 1 else 1
        return f"{mean:.{digits}f} {self.regime}{self.mark}"


@dataclass(frozen=True)
class Glance:
    """The study on one page: `rows` of labels under the `axes`, and one cell for each of the `columns`."""

    axes: list[str]
    columns: list[str]
    rows: list[list[str]]
    cells: list[list[Cell]]

    def sparse_rows(self) -> list[list[str]]:
        """The rows' labels for display, blank where they repeat the row above."""
        return sparse(self.rows)

    def tried(self) -> tuple["Glance", dict[str, str]]:
        """The rows and columns with a trial that was tried; and the axes that are the same in all of these, with their label.

        A glance without rows where no trial was.
        """
        tried = [[cell.regime not in (NOTHING, "missing") for cell in row] for row in self.cells]
        columns = [i for i in range(len(self.columns)) if any(row[i] for row in tried)]
        rows = [i for i in range(len(self.rows)) if any(tried[i])]
        if not rows:
            return Glance([], [], [], []), {}
        labels = {axis: [self.rows[i][place] for i in rows] for place, axis in enumerate(self.axes)}
        held = {axis: texts[0] for axis, texts in labels.items() if len(rows) < len(self.rows) and len({*texts}) == 1}
        axes = [axis for axis in self.axes if axis not in held]
        part = Glance(
            axes=axes,
            columns=[self.columns[i] for i in columns],
            rows=[[self.rows[i][self.axes.index(axis)] for axis in axes] for i in rows],
            cells=[[self.cells[row][column] for column in columns] for row in rows],
        )
        return part, held


def sparse(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Rows of labels for display, blank where they repeat the row above."""
    above = [[], *rows]
    return [
        [text if row[: i + 1] != last[: i + 1] else "" for i, text in enumerate(row)]
        for last, row in zip(above, rows, strict=False)
    ]


def cells_of(frame: Frame, by: Grouping) -> list[Cell]:
    """What each cell says: the regime of more than half of its finished trials, or the reason why it has none."""
    became = {name: by.count(marks) for name, marks in _became(frame).items()}
    is_finished = frame["status"].eq("finished").to_numpy()
    regimes, agreeing = by.most_common(frame["regime"], is_finished)
    active = by.listed(kept(frame).where(is_finished).to_numpy(float))
    converged = became["finished"] - became["unconverged"] >= ENOUGH * became["finished"]
    found = []
    for i, (declared, finished, diverged, failed) in enumerate(
        zip(*(became[name].tolist() for name in ("declared", "finished", "diverged", "failed")), strict=True)
    ):
        if not declared:  # a combination that the study does not declare
            found.append(Cell(NOTHING, 0, 0))
        elif not finished + diverged:
            found.append(Cell("failed" if failed else "missing", 0, declared))
        elif diverged > finished:
            found.append(Cell("diverged", diverged, finished + diverged))
        else:
            regime = regimes[i] if 2 * agreeing[i] > finished else "mixed"
            found.append(Cell(regime, int(agreeing[i]), finished, active[i], bool(converged[i])))
    return found


def cells(frame: Frame, header: Header, axes: list[str]) -> Iterator[tuple[tuple[Any, ...], Frame]]:
    """The trials of each combination of labels that occurs, in declared order."""
    if not axes:
        yield (), frame
        return
    by = Grouping.of(frame, header, axes)
    for number, trials in frame.groupby(by.number):
        yield by.labels[int(number)], trials


def enough_converged(trials: Frame) -> bool:
    """Whether a claim about where training ends may rest on these trials."""
    usable = int(trials["converged"].sum())
    return usable >= 2 and usable >= ENOUGH * len(trials)


def moving(trials: Frame) -> str:
    """How many of these trials have not converged, as the end of a sentence; empty if all have."""
    n = int((trials["status"].eq("finished") & ~trials["converged"]).sum())
    return f"; {n} of these trials have not converged" if n else ""


def counts(trials: Frame) -> dict[str, int]:
    """How many trials were declared, and what became of them; `unconverged` ones are among the finished."""
    return {name: int(marks.sum()) for name, marks in _became(trials).items()}


def _became(trials: Frame) -> dict[str, np.ndarray]:
    """For each of `COUNTS`, which trials it counts."""
    found = {name: trials["status"].eq(name).to_numpy() for name in ("finished", "diverged", "failed", "missing")}
    unconverged = found["finished"] & ~trials["converged"].to_numpy(bool)
    return {"declared": np.ones(len(trials), bool), **found, "unconverged": unconverged}


def table(frame: Frame, header: Header) -> Frame:
    """One row a cell: labels, regime, `<measure>_mean` and `<measure>_half` (95 %, NaN for one seed), counts."""
    axes = header.varying("seed")
    by = Grouping.of(frame, header, axes)
    found = cells_of(frame, by)
    columns: dict[str, Any] = {axis: [labels[i] for labels in by.labels] for i, axis in enumerate(axes)}
    columns |= {name: [getattr(cell, name) for cell in found] for name in ("regime", "agreeing", "of", "converged")}
    columns["regime_relative"] = by.count(frame["regime_relative"].to_numpy(bool)) > 0
    averaged = np.array([cell.regime != "diverged" for cell in found], bool)[by.number]
    averaged &= frame["status"].eq("finished").to_numpy()
    for measure in measured(frame, header):
        mean, half = by.intervals(frame[measure].where(averaged).to_numpy(float))
        columns |= {f"{measure}_mean": mean, f"{measure}_half": half}
    return pd.DataFrame(columns | {name: by.count(marks) for name, marks in _became(frame).items()})


def measured(frame: Frame, header: Header) -> dict[str, str]:
    """The measured columns of these trials' table, and their headings; numbers of probes keep their own names."""
    probed = {name: name.replace("_", " ") for name in header.measures if name in frame}
    if not header.trained:
        return probed
    return MEASURES | {n: text for n, text in also(header).items() if n in frame and frame[n].notna().any()} | probed


def also(header: Header) -> dict[str, str]:
    """Columns that the table has if any trial measured them, and their headings; the user's own keep their names."""
    return ALSO | {name: name.replace("_", " ") for name in header.own_metrics}


def written(summary: Frame, header: Header) -> tuple[list[str], list[list[str]]]:
    """The table's headings and rows as text."""
    axes = header.varying("seed")
    headings = measured_in(summary, header)
    ends = COUNTS if header.trained else OF_PROBES
    body = [
        [
            *(label_text(row[axis]) for axis in axes),
            *([_regime(row)] if header.trained else []),
            *(_measured(row, measure) for measure in headings),
            *(str(row[name]) for name in ends),
        ]
        for row in summary.to_dict("records")
    ]
    return [*axes, *(["regime"] if header.trained else []), *headings.values(), *ends], body


def measured_in(summary: Frame, header: Header) -> dict[str, str]:
    """The measurements that a table holds the means of, and their headings."""
    known = MEASURES | also(header) | {name: name.replace("_", " ") for name in header.measures}
    return {name: text for name, text in known.items() if f"{name}_mean" in summary}


def glance(frame: Frame, header: Header) -> Glance:
    """One row for each combination of the varying axes but κ and seed, one column for each κ; empty for probes alone."""
    if not header.trained:
        return Glance([], [], [], [])
    rows = Grouping.of(frame, header, axes := header.varying("kappa", "seed"))
    columns = Grouping.of(frame, header, ["kappa"] if header.axes.get("kappa") else [])
    found, n = cells_of(frame, rows.times(columns)), len(columns)
    return Glance(
        axes=axes,
        columns=[f"κ = {label_text(*kappa)}" if kappa else "result" for kappa in columns.labels],
        rows=[[label_text(label) for label in labels] for labels in rows.labels],
        cells=[found[row * n : (row + 1) * n] for row in range(len(rows))],
    )


def label_text(label: Any) -> str:
    """A label as it is read: numbers in their shortest form."""
    return f"{label:g}" if isinstance(label, float) else str(label)


def _regime(row: dict[Any, Any]) -> str:
    return f"{row['regime']}{'' if row['converged'] else '?'} {row['agreeing']}/{row['of']}"


def _measured(row: dict[Any, Any], measure: str) -> str:
    mean, half = row[f"{measure}_mean"], row[f"{measure}_half"]
    return str(Interval(mean, half, 0 if pd.isna(mean) else 1))
