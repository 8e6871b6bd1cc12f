"""The report: `studies/<name>/report/` in the home, with the tables, the figures and one page that holds them all."""

from dataclasses import dataclass

import pandas as pd

from analysis.claims.claim import WORDS, Claim
from analysis.frames.load import DEFAULT_HOME, Place
from analysis.frames.regime import MEANINGS
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.report.answers import claims, drawings, sheets
from analysis.report.mlflow_links import mirrored, section
from analysis.report.page import page
from analysis.tables.cells import Glance, counts, glance, label_text, markdown, table, written
from analysis.tables.sheet import Sheet, in_latex


@dataclass(frozen=True)
class Report:
    """What was written and what it says. `paths` are relative to the home; `location` is the page a browser opens."""

    study: str
    caption: str
    location: str
    paths: list[str]
    counts: dict[str, int]
    glance: Glance
    sheets: list[Sheet]
    claims: list[Claim]
    notes: list[str]


def write_report(study: str, home: Place = DEFAULT_HOME) -> Report:
    """Write the study's report into the home. Raises: AnalysisError, HomeError."""
    view = View.of(study, home)
    head, frame = view.header, view.trials
    summary, seen, notes = table(frame, head), glance(frame, head), _notes(frame)
    found, drawn, own = claims(view), drawings(view), sheets(view)
    counted = counts(frame)
    files = {f"{drawing.name}.svg": drawing.svg for drawing in drawn}
    files |= {f"{drawing.name}.png": drawing.png for drawing in drawn}
    files |= {f"{sheet.name}.csv": sheet.csv() for sheet in own} | {f"{sheet.name}.tex": sheet.latex() for sheet in own}
    files["table.csv"] = summary.to_csv(index=False).encode()
    files["table.tex"] = in_latex(*written(summary, head), head.caption)
    files["table.md"] = _document(head.name, head.caption, seen, markdown(summary, head), own, found, notes).encode()
    runs = section(mirrored(study, view.home), frame, head)
    files["index.html"] = page(head, counted, seen, found, own, summary, drawn, notes, runs).encode()
    folder = f"studies/{study}/report"
    for name, content in files.items():
        view.home.write(f"{folder}/{name}", content)
    return Report(
        study=study,
        caption=head.caption,
        location=f"{view.home}/{folder}/index.html",
        paths=[f"{folder}/{name}" for name in files],
        counts=counted,
        glance=seen,
        sheets=own,
        claims=found,
        notes=notes,
    )


def _notes(frame: Frame) -> list[str]:
    """What a reader must know of the data sets whose dimension is unknown."""
    relative = frame[frame["regime_relative"]].drop_duplicates("data_id")
    return [
        f"{label_text(row['data'])}: r is unknown, so regimes are relative to {_active(row['needed_dims'])} "
        "of the converged trial with the lowest −ELBO on the test set."
        for row in relative.to_dict("records")
    ]


def _active(dims: float) -> str:
    return "the active latents (none has converged yet)" if pd.isna(dims) else f"the {dims:.0f} active latents"


def _document(
    name: str, caption: str, seen: Glance, full: str, own: list[Sheet], found: list[Claim], notes: list[str]
) -> str:
    """The Markdown file: glance, claims, the study's own tables and the whole table."""
    says = "".join(f"- **{WORDS[item.verdict]}**: {item.data}: {item.claim} ({item.measured})\n" for item in found)
    parts = [f"# {name}\n\n{caption}\n"] + ([_at_a_glance(seen)] if seen.rows else [])
    parts += [f"{note}\n" for note in notes]
    parts += [f"## What the numbers say\n\n{says}"] if says else []
    parts += [f"## {sheet.caption}\n\n{sheet.markdown()}" for sheet in own]
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
