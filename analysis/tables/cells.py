"""The table: measurements grouped by every axis that varies except the seed, and the glance, one column per κ.

A mean is taken over the finished trials of a cell; diverged ones are counted beside it. A cell in which fewer than two
thirds of the finished trials converged is marked `?`: it shows how the trials were left, not where training ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.frames.load import Header
from analysis.frames.regime import kept
from analysis.frames.types import Frame
from analysis.tables.interval import NOTHING, Interval, t_interval
from analysis.tables.sheet import rows_in_markdown

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


def cell_of(trials: Frame) -> Cell:
    """The regime of more than half of a cell's finished trials, or the reason why the cell has none."""
    if trials.empty:  # a combination that the study does not declare
        return Cell(NOTHING, 0, 0)
    status = trials["status"].value_counts()
    finished, diverged = int(status.get("finished", 0)), int(status.get("diverged", 0))
    if not finished + diverged:
        return Cell("failed" if "failed" in status else "missing", 0, len(trials))
    if diverged > finished:
        return Cell("diverged", diverged, finished + diverged)
    usable = trials[trials["status"].eq("finished")]
    converged = int(usable["converged"].sum()) >= ENOUGH * finished
    counts = usable["regime"].value_counts()
    regime, agreeing = str(counts.index[0]), int(counts.iloc[0])
    active = tuple(float(value) for value in kept(usable).dropna())
    return Cell(regime if 2 * agreeing > len(usable) else "mixed", agreeing, len(usable), active, converged)


def cells(frame: Frame, header: Header, axes: list[str]) -> Iterator[tuple[tuple[Any, ...], Frame]]:
    """The trials of each combination of labels that occurs, in declared order."""
    if not axes:
        yield (), frame
        return
    found = dict(iter(frame.groupby(axes, sort=False, dropna=False)))
    for labels in sorted(found, key=lambda key: [header.position(a, v) for a, v in zip(axes, key, strict=True)]):
        yield labels, found[labels]


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
    status = trials["status"].value_counts()
    by_status = {name: int(status.get(name, 0)) for name in ("finished", "diverged", "failed", "missing")}
    unconverged = int((trials["status"].eq("finished") & ~trials["converged"]).sum())
    return {"declared": len(trials), **by_status, "unconverged": unconverged}


def table(frame: Frame, header: Header) -> Frame:
    """One row a cell: labels, regime, `<measure>_mean` and `<measure>_half` (95 %, NaN for one seed), counts."""
    rows = []
    axes, measures = header.varying("seed"), measured(frame, header)
    for labels, trials in cells(frame, header, axes):
        cell = cell_of(trials)
        usable = trials.iloc[:0] if cell.regime == "diverged" else trials[trials["status"].eq("finished")]
        said = {"regime": cell.regime, "agreeing": cell.agreeing, "of": cell.of, "converged": cell.converged}
        row = dict(zip(axes, labels, strict=True)) | said
        row["regime_relative"] = bool(trials["regime_relative"].any())
        for measure in measures:
            interval = t_interval(usable[measure])
            row |= {f"{measure}_mean": interval.mean, f"{measure}_half": interval.half}
        rows.append(row | counts(trials))
    return pd.DataFrame(rows)


def measured(frame: Frame, header: Header) -> dict[str, str]:
    """The measured columns of these trials' table, and their headings; numbers of probes keep their own names."""
    probed = {name: name.replace("_", " ") for name in header.measures if name in frame}
    if not header.trained:
        return probed
    return MEASURES | {n: text for n, text in also(header).items() if n in frame and frame[n].notna().any()} | probed


def also(header: Header) -> dict[str, str]:
    """Columns that the table has if any trial measured them, and their headings; the user's own keep their names."""
    return ALSO | {name: name.replace("_", " ") for name in header.own_metrics}


def markdown(summary: Frame, header: Header) -> str:
    """The table of `table` in Markdown, columns padded so that it also reads as plain text."""
    return rows_in_markdown(*written(summary, header))


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
    axes = header.varying("kappa", "seed")
    kappas = header.axes.get("kappa", [])
    if not kappas:
        rows = list(cells(frame, header, axes))
        return Glance(axes, ["result"], [_texts(key) for key, _ in rows], [[cell_of(trials)] for _, trials in rows])
    kappas = header.ordered("kappa", frame["kappa"])
    found = [(labels, trials) for labels, trials in cells(frame, header, axes)]
    return Glance(
        axes=axes,
        columns=[f"κ = {label_text(kappa)}" for kappa in kappas],
        rows=[_texts(labels) for labels, _ in found],
        cells=[[cell_of(trials[trials["kappa"].eq(kappa)]) for kappa in kappas] for _, trials in found],
    )


def label_text(label: Any) -> str:
    """A label as it is read: numbers in their shortest form."""
    return f"{label:g}" if isinstance(label, float) else str(label)


def _texts(labels: tuple[Any, ...]) -> list[str]:
    return [label_text(label) for label in labels]


def _regime(row: dict[Any, Any]) -> str:
    return f"{row['regime']}{'' if row['converged'] else '?'} {row['agreeing']}/{row['of']}"


def _measured(row: dict[Any, Any], measure: str) -> str:
    mean, half = row[f"{measure}_mean"], row[f"{measure}_half"]
    return str(Interval(mean, half, 0 if pd.isna(mean) else 1))
