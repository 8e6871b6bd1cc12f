"""From the report to MLflow: how to open its UI, and where each trial's run is.

The mirror leaves these links beside the study's plan. Without them the report does not mention MLflow.
"""

import json
from dataclasses import dataclass
from html import escape

from analysis.explore.axes import in_words
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.report.page.document import Section, scrolled
from analysis.tables.cells import label_text
from study.record import Home

MOST_ROWS = 500


@dataclass(frozen=True)
class RunLinks:
    """How to open MLflow, the page of the study's runs, and trial_id → name and page of its run."""

    open: str
    page: str
    runs: dict[str, dict[str, str]]


def read_links(study: str, home: Home) -> RunLinks | None:
    """The links that the mirror left in the home; None if the study was never mirrored."""
    try:
        return RunLinks(**json.loads(home.read(f"studies/{study}/mlflow.json")))
    except FileNotFoundError:
        return None


def section(found: RunLinks | None, frame: Frame, header: Header) -> Section | None:
    """The section of the page: how to open MLflow, and a row of links for every cell of the study."""
    if not found:
        return None
    start = "" if found.open.startswith("http") else f"While <code>{escape(found.open)}</code> runs: "
    rows = _cells(found, frame, header)
    left = f"<p class='quiet'>And {len(rows) - MOST_ROWS} more.</p>" if len(rows) > MOST_ROWS else ""
    cells = scrolled(f"<table>{''.join(rows[:MOST_ROWS])}</table>")
    content = (
        f"<p>{start}<a href='{escape(found.page)}'>the study</a>.</p>"
        f"<details><summary>Each trial's run</summary>{cells}{left}</details>"
    )
    return Section("mlflow", "In MLflow", content)


def _cells(found: RunLinks, frame: Frame, header: Header) -> list[str]:
    axes = header.varying("seed")
    groups: dict[str, list[str]] = {}
    for row in frame[["trial_id", *header.axes]].to_dict("records"):
        if run := found.runs.get(row["trial_id"]):
            name = "seed " + label_text(row["seed"]) if "seed" in row else run["name"]
            link = f"<a href='{escape(run['page'])}' title='trial {escape(row['trial_id'])}'>{escape(name)}</a>"
            groups.setdefault(in_words({axis: row[axis] for axis in axes}), []).append(link)
    return [f"<tr><td>{escape(cell)}</td><td>{', '.join(links)}</td></tr>" for cell, links in groups.items()]
