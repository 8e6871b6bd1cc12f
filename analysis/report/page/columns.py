"""What the columns of a report's table mean, in which unit, and what they are called in the records."""

from collections.abc import Mapping
from html import escape

from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.report.page.document import Section, scrolled
from analysis.tables.cells import MEASURES, also
from study.record import TABLES

UNDECLARED = {"mmd_imq": ["-", "unbiased inverse-multiquadratic MMD² between q(z) and N(0, I); may be negative"]}
"""Unit and meaning of a metric in homes whose plans do not give them."""


def columns(header: Header, summary: Frame) -> Section:
    """The section on the columns of a study's table."""
    known = [*glossary(header.metrics), *_of_metrics(header, summary)] if header.trained else []
    rows = "".join(
        f"<tr><td>{escape(heading)}</td><td>{escape(column)}</td><td>{escape(unit)}</td>"
        f"<td class='meaning'>{escape(meaning)}</td></tr>"
        for heading, column, unit, meaning in [*known, *_of_probes(header)]
    )
    head = "<tr><th>heading</th><th>column</th><th>unit</th><th>meaning</th></tr>"
    return Section("columns", "Columns", scrolled(f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"))


def _of_probes(header: Header) -> list[tuple[str, str, str, str]]:
    return [
        (name.replace("_", " "), f"evaluations.{name}", unit, meaning)
        for name, (unit, meaning) in header.measures.items()
    ]


def _of_metrics(header: Header, summary: Frame) -> list[tuple[str, str, str, str]]:
    """The table's further columns, as the metrics are declared."""
    shown = {n: text for n, text in also(header).items() if f"{n}_mean" in summary and n in header.metrics}
    return [(text, f"evaluations.{name}", *_declared(header.metrics, name)) for name, text in shown.items()]


def _declared(metrics: Mapping[str, list[str]], name: str) -> tuple[str, str]:
    unit, meaning = metrics[name]
    return unit, meaning


def glossary(metrics: Mapping[str, list[str]]) -> list[tuple[str, str, str, str]]:
    """Heading, column, unit and meaning of every measured column, from the records' field metadata and the plan's metrics."""
    rows = []
    for column, heading in MEASURES.items():
        if column == "mmd":
            rows.append((heading, "evaluations.mmd_imq", *_declared({**UNDECLARED, **metrics}, "mmd_imq")))
            continue
        name = "gamma" if column == "gamma_value" else column
        metadata = TABLES["trials"].field(name).metadata
        rows.append((heading, f"trials.{name}", metadata[b"unit"].decode(), metadata[b"meaning"].decode()))
    return rows
