"""A study's report as one page: the answer first, then figures, tables, what their columns mean, and the way to MLflow."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any

from analysis.figures.chart import Charts
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.report.best_trials import BEST
from analysis.report.findings import Findings
from analysis.report.page.answer import at_a_glance, counts, verdicts
from analysis.report.page.columns import columns
from analysis.report.page.document import Section, document
from analysis.report.page.figures import figures
from analysis.report.page.grid import Column, Entry, grid_section
from analysis.report.page.origin import Origin, facts
from analysis.tables.cells import Glance, measured_in, written
from analysis.tables.sheet import Sheet

UP = "../../../index.html"
"""The home's page, from a report."""

NO_CHARTS = Charts([], {})


@dataclass(frozen=True)
class Content:
    """All that a report's page shows."""

    header: Header
    origin: Origin
    counted: dict[str, int]
    glance: Glance
    found: Findings
    summary: Frame
    notes: Sequence[str]
    charts: Charts = field(default=NO_CHARTS)
    runs: Section | None = None

    @cached_property
    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings and rows of the table by cells, as they are written."""
        return written(self.summary, self.header)


def study_page(content: Content) -> str:
    """The page as HTML. It needs no network; the files that it links to lie beside it."""
    header, found = content.header, content.found
    top = (
        f"<h1>{escape(header.name)}</h1><p class='caption'>{escape(header.caption)}</p>"
        f"{counts(content.counted, header)}{facts(content.origin, header)}"
        + (f"<p class='quiet'>{escape(found.left_out)}</p>" if found.left_out else "")
        + "".join(f"<p class='fault'>{escape(fault)}</p>" for fault in found.faults)
    )
    sections = [
        *verdicts(found.claims),
        *_results(content),
        _table(content),
        columns(header, content.summary),
        *([content.runs] if content.runs else []),
    ]
    return document(header.name, top, sections, (UP, "all studies"))


def _results(content: Content) -> list[Section]:
    """Glance, figures and sheets. Of a search the glance has a row for each trial: best trials and history come before it."""
    seen, drawn = at_a_glance(content.glance, content.notes), figures(content.charts, content.found.figures)
    sheets = {sheet.name: _sheet(sheet) for sheet in content.found.sheets}
    if not content.header.is_search:
        return [*seen, *drawn, *sheets.values()]
    best = [sheets.pop(BEST)] if BEST in sheets else []
    return [*best, *drawn, *sheets.values(), *seen]


def _table(content: Content) -> Section:
    (head, body), summary, header = content.table, content.summary, content.header
    before = (
        "<p class='quiet'>Mean ± half-width of the 95 % t-interval over the seeds of the finished trials. A dash: nothing "
        f"to average. n/a: one seed, no interval. {_files('table')}</p>"
    )
    axes, measures = header.varying("seed"), measured_in(summary, header)
    regime = ["regime"] if header.trained else []
    values = [*axes, *regime, *(f"{name}_mean" for name in measures), *head[len(axes) + len(regime) + len(measures) :]]
    kinds = [_kind(summary[name]) for name in values]
    rows = [
        [
            _entry(text, row[name], header, name if name in axes else "", row["regime"] if name == "regime" else "")
            for text, name in zip(texts, values, strict=True)
        ]
        for texts, row in zip(body, summary.to_dict("records"), strict=True)
    ]
    shown = [Column(text, kind) for text, kind in zip(head, kinds, strict=True)]
    return grid_section("table", "Table", shown, rows, before)


def _sheet(sheet: Sheet) -> Section:
    head, body = sheet.text()
    kinds = [_kind(sheet.frame.iloc[:, i]) for i in range(len(head))]
    rows = [
        [_entry(text, value) for text, value in zip(texts, values, strict=True)]
        for texts, values in zip(body, sheet.frame.to_numpy(), strict=True)
    ]
    shown = [Column(text, kind) for text, kind in zip(head, kinds, strict=True)]
    before = f"<p class='quiet'>{_files(sheet.name)}</p>"
    is_best = sheet.name == BEST
    link = "Best trials" if is_best else ""
    return grid_section(f"sheet-{sheet.name}", sheet.caption, shown, rows, before, link, cards=is_best)


MOST_LABELS = 50
"""How many different texts a column may have for its filter to list them."""


def _kind(values: Any) -> Any:
    """Whether a column holds numbers, a few labels, or text."""
    known = [value for value in values if not _is_missing(value)]
    if known and all(_number(value) is not None for value in known):
        return "number"
    return "label" if len({str(value) for value in known}) <= MOST_LABELS else "text"


def _entry(text: str, value: Any, header: Header | None = None, axis: str = "", look: str = "") -> Entry:
    """A cell: sorted by its number, or by the place of its label where it is one of an axis."""
    number = _number(value)
    if number is None and header and axis:
        number = float(header.position(axis, value))
    return Entry(text, number, look)


def _number(value: Any) -> float | None:
    return None if isinstance(value, bool | str) or _is_missing(value) else _float(value)


def _float(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _is_missing(value: Any) -> bool:
    return value is None or value != value


def _files(name: str) -> str:
    links = [f"<a href='{escape(name)}.{kind}'>{text}</a>" for kind, text in (("csv", "CSV"), ("tex", "LaTeX"))]
    return f"<span class='files'>{' '.join(links)}</span>"
