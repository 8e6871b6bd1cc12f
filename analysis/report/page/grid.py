"""Tables that a reader sorts, filters and searches. Without scripts a page shows their first rows."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from analysis.report.page.document import Section, scrolled
from analysis.report.page.libraries import TABLES, TABLES_STYLE

ROWS_AT_ONCE = 25
"""Rows of a table that are shown at once, and without scripts at all."""

Kind = Literal["number", "label", "text"]


@dataclass(frozen=True)
class Column:
    """A heading, and what stands below it: numbers, a few labels, or text."""

    heading: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Entry:
    """A cell: its text, what it is sorted by (None: the text, or no number), a class of the page's style, and a link."""

    text: str
    value: float | None = None
    look: str = ""
    link: str = ""

    def as_json(self) -> Any:
        """The text alone, or a list of all four without those at its end that are empty."""
        known = self.value is not None and math.isfinite(self.value)
        parts: list[Any] = [self.text, self.value if known else None, self.look, self.link]
        while len(parts) > 1 and not parts[-1] and parts[-1] != 0:
            parts.pop()
        return parts if len(parts) > 1 else self.text


def grid_section(
    anchor: str,
    heading: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Entry]],
    before: str = "",
    link: str = "",
    cards: bool = False,
) -> Section:
    """A section with such a table. `before` is HTML above it; `cards` makes a card of each row on a narrow screen."""
    name = f"rows-{anchor}"
    kinds = [{"heading": column.heading, "kind": column.kind} for column in columns]
    content = {"columns": kinds, "rows": [[entry.as_json() for entry in row] for row in rows]}
    look = " cards" if cards else ""
    head = "".join(f"<th scope='col' class='{one.kind}'>{escape(one.heading)}</th>" for one in columns)
    parts = f"<thead><tr>{head}</tr></thead><tbody>{''.join(_row(columns, row) for row in rows[:ROWS_AT_ONCE])}</tbody>"
    table = f"<table class='grid{look}' data-rows='{escape(name)}'>{parts}</table>"
    more = len(rows) - ROWS_AT_ONCE
    left = f"<noscript><p class='quiet'>And {more} more rows, which need JavaScript.</p></noscript>" if more > 0 else ""
    return Section(
        anchor,
        heading,
        f"{before}{scrolled(table)}{left}",
        link,
        {name: json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)},
        (TABLES, TABLES_STYLE),
    )


def _row(columns: Sequence[Column], row: Sequence[Entry]) -> str:
    cells = ""
    for column, entry in zip(columns, row, strict=True):
        text = escape(entry.text)
        shown = f"<a href='{escape(entry.link)}'>{text}</a>" if entry.link else text
        looks = escape(f"{column.kind} {entry.look}".strip())
        cells += f"<td class='{looks}' data-label='{escape(column.heading)}'>{shown}</td>"
    return f"<tr>{cells}</tr>"
