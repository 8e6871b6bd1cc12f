"""The report: `studies/<name>/report/` in the home, with the tables, the figures and one page that holds them all."""

from dataclasses import dataclass

import pandas as pd

from analysis.absorption import absorption_verdicts
from analysis.figures import figures
from analysis.frames import Frame
from analysis.load import DEFAULT_HOME, Header, Place, curves, header, results, spectra
from analysis.page import page
from analysis.regime import MEANINGS
from analysis.runs import mirrored, section
from analysis.table import Glance, counts, glance, label_text, markdown, table
from analysis.verdicts import Verdict, verdicts
from study.record import Home


@dataclass(frozen=True)
class Report:
    """What was written and what it says. `paths` are relative to the home; `location` is the page a browser opens."""

    study: str
    caption: str
    location: str
    paths: list[str]
    counts: dict[str, int]
    glance: Glance
    verdicts: list[Verdict]
    notes: list[str]


def write_report(study: str, home: Place = DEFAULT_HOME) -> Report:
    """Write the study's report into the home. Raises: AnalysisError, HomeError."""
    place = home if isinstance(home, Home) else Home(home)
    head, frame = header(study, place), results(study, place)
    summary, seen, notes = table(frame, head), glance(frame, head), _notes(frame)
    found = _judged(frame, head, place)
    drawings = figures(frame, curves(study, place), head)
    counted = counts(frame)
    files = {f"{drawing.name}.svg": drawing.svg for drawing in drawings}
    files |= {f"{drawing.name}.png": drawing.png for drawing in drawings}
    files["table.csv"] = summary.to_csv(index=False).encode()
    files["table.md"] = _document(head.name, head.caption, seen, markdown(summary, head), found, notes).encode()
    runs = section(mirrored(study, place), frame, head)
    files["index.html"] = page(head, counted, seen, found, summary, drawings, notes, runs).encode()
    folder = f"studies/{study}/report"
    for name, content in files.items():
        place.write(f"{folder}/{name}", content)
    return Report(
        study=study,
        caption=head.caption,
        location=f"{place}/{folder}/index.html",
        paths=[f"{folder}/{name}" for name in files],
        counts=counted,
        glance=seen,
        verdicts=found,
        notes=notes,
    )


def _judged(frame: Frame, head: Header, home: Home) -> list[Verdict]:
    """The claims of the catalog's studies, at either scale: a user's own study makes its own."""
    match head.name.removesuffix("-paper"):
        case "grid_gamma":
            return verdicts(frame, head)
        case "effective_gamma":
            return absorption_verdicts(frame, head, spectra(home))
    return []


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


def _document(name: str, caption: str, seen: Glance, full: str, found: list[Verdict], notes: list[str]) -> str:
    """The Markdown file: glance, verdicts and the whole table."""
    head = [*seen.axes, *seen.columns]
    lines = [head, ["---"] * len(head)]
    lines += [[*labels, *(cell.text for cell in row)] for labels, row in zip(seen.rows, seen.cells, strict=True)]
    at_a_glance = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    regimes = sorted(
        {text for row in seen.cells for cell in row for text in (cell.regime, cell.mark)} & MEANINGS.keys()
    )
    clauses = "".join(f"- {regime}: {MEANINGS[regime]}\n" for regime in regimes)
    says = "".join(f"- **{item.verdict}**: {item.data}: {item.claim} ({item.numbers})\n" for item in found)
    parts = [f"# {name}\n\n{caption}\n", f"## At a glance\n\n{at_a_glance}\n{clauses}"]
    parts += [f"{note}\n" for note in notes]
    parts += [f"## What the numbers say\n\n{says}"] if says else []
    parts += [f"## Table\n\nMean ± half-width of the 95 % t-interval over the seeds of the finished trials.\n\n{full}"]
    return "\n".join(parts)
