"""The report: `studies/<name>/report/` in the home, with the tables, the figures and one page that holds them all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.claims.claim import WORDS, Claim
from analysis.frames.load import DEFAULT_HOME, Header, Place
from analysis.frames.regime import MEANINGS, by_trial
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.report.findings import Findings, findings
from analysis.report.mlflow_links import read_links, section
from analysis.report.page import page
from analysis.tables.cells import Glance, counts, glance, label_text, markdown, table, written
from analysis.tables.sheet import Sheet, in_latex
from study.record.study_files import REGIMES, study_file


@dataclass(frozen=True)
class Report:
    """What was written and what it says. `paths` are relative to the home; `location` is the page a browser opens.

    `notes` are about the data, `faults` say why claims, figures or sheets are missing.
    """

    study: str
    caption: str
    location: str
    paths: list[str]
    counts: dict[str, int]
    glance: Glance
    sheets: list[Sheet]
    claims: list[Claim]
    notes: list[str]
    faults: list[str]


def write_report(study: str, home: Place = DEFAULT_HOME, live: Any = None) -> Report:
    """Write the report of the study of that name into the home.

    `live` is the study object, if this process has it: then its file does not run again.

    Raises: AnalysisError, HomeError.
    """
    view = View.of(study, home)
    head, frame = view.header, view.trials
    found, seen, counted = findings(view, live), glance(frame, head), counts(frame)
    notes = _notes(frame)
    files = _files(view, found, seen, counted, notes)
    folder = f"studies/{study}/report"
    for name, content in files.items():
        view.home.write(f"{folder}/{name}", content)
    view.home.write(study_file(study, REGIMES), json.dumps(by_trial(frame), ensure_ascii=False).encode())
    return Report(
        study=study,
        caption=head.caption,
        location=f"{view.home}/{folder}/index.html",
        paths=[f"{folder}/{name}" for name in files],
        counts=counted,
        glance=seen,
        sheets=found.sheets,
        claims=found.claims,
        notes=notes,
        faults=found.faults,
    )


def _files(view: View, found: Findings, seen: Glance, counted: dict[str, int], notes: list[str]) -> dict[str, bytes]:
    """The report's files by their names."""
    head, summary = view.header, table(view.trials, view.header)
    files = {f"{drawing.name}.svg": drawing.svg for drawing in found.figures}
    files |= {f"{drawing.name}.png": drawing.png for drawing in found.figures}
    files |= {f"{sheet.name}.csv": sheet.csv() for sheet in found.sheets}
    files |= {f"{sheet.name}.tex": sheet.latex() for sheet in found.sheets}
    files["table.csv"] = summary.to_csv(index=False).encode()
    files["table.tex"] = in_latex(*written(summary, head), head.caption)
    files["table.md"] = _document(head, seen, markdown(summary, head), found, notes).encode()
    runs = section(read_links(view.study, view.home), view.trials, head)
    files["index.html"] = page(head, counted, seen, found, summary, notes, runs).encode()
    return files


def _notes(frame: Frame) -> list[str]:
    """What a reader must know about data sets of unknown dimension."""
    relative = frame[frame["regime_relative"]].sort_values(["needed_dims", "converged"], ascending=[True, False])
    return [
        f"{label_text(row['data'])}: {_judged_by(row)}"
        for row in relative.drop_duplicates("data_id").to_dict("records")
    ]


def _judged_by(row: Mapping[str, Any]) -> str:
    """What the regimes of a data set go by; the row is that of a converged trial, if there is any."""
    if not pd.isna(dims := row["needed_dims"]):
        best = "of the converged trial with the lowest −ELBO on the test set"
        return f"r is unknown, so regimes are relative to the {dims:.0f} active latents {best}."
    why = "no converged trial keeps a latent" if row["converged"] else "no trial has converged yet"
    return f"r is unknown, and {why}, so no regime can be named."


def _document(head: Header, seen: Glance, full: str, found: Findings, notes: list[str]) -> str:
    """The Markdown file: glance, claims, the study's own tables and the whole table."""
    says = "".join(f"- **{WORDS[one.verdict]}**: {one.data}: {one.claim} ({one.measured})\n" for one in found.claims)
    parts = [f"# {head.name}\n\n{head.caption}\n"] + ([_at_a_glance(seen)] if seen.rows else [])
    parts += [f"{note}\n" for note in [*notes, *found.faults]]
    parts += [f"## What the numbers say\n\n{says}"] if says else []
    parts += [f"## {sheet.caption}\n\n{sheet.markdown()}" for sheet in found.sheets]
    parts += [f"## Table\n\nMean ± half-width of the 95 % t-interval over the seeds of the finished trials.\n\n{full}"]
    return "\n".join(parts)


def _at_a_glance(seen: Glance) -> str:
    head = [*seen.axes, *seen.columns]
    lines = [head, ["---"] * len(head)]
    lines += [[*labels, *(cell.text for cell in row)] for labels, row in zip(seen.rows, seen.cells, strict=True)]
    at_a_glance = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    regimes = sorted(
        {text for row in seen.cells for cell in row for text in (cell.regime, cell.mark)} & MEANINGS.keys()
    )
    clauses = "".join(f"- {regime}: {MEANINGS[regime]}\n" for regime in regimes)
    return f"## At a glance\n\n{at_a_glance}\n{clauses}"
