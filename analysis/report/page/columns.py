"""What the columns of a report's table mean, in which unit, and what they are called in the records."""

from collections.abc import Mapping
from html import escape

from analysis.frames.load import Header
from analysis.frames.recorded import Recorded, evaluated, recorded
from analysis.frames.types import Frame
from analysis.report.page.document import Section, scrolled
from analysis.tables.cells import MEASURES, also


def columns(header: Header, summary: Frame) -> Section:
    """The section on the columns of a study's table."""
    known = [*glossary(header.metrics).items(), *_of_metrics(header, summary).items()] if header.trained else []
    rows = "".join(
        f"<tr><td>{escape(heading)}</td><td>{escape(column)}</td><td>{escape(unit)}</td>"
        f"<td class='meaning'>{escape(meaning)}</td></tr>"
        for heading, (column, unit, meaning) in (*known, *_of_probes(header).items())
    )
    head = "<tr><th>heading</th><th>column</th><th>unit</th><th>meaning</th></tr>"
    return Section("columns", "Columns", scrolled(f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"))


def _of_probes(header: Header) -> dict[str, Recorded]:
    return {
        name.replace("_", " "): Recorded(f"evaluations.{name}", unit, meaning)
        for name, (unit, meaning) in header.measures.items()
    }


def _of_metrics(header: Header, summary: Frame) -> dict[str, Recorded]:
    """The table's further columns, as the metrics are declared."""
    shown = {n: text for n, text in also(header).items() if f"{n}_mean" in summary and n in header.metrics}
    return {text: evaluated(name, header.metrics) for name, text in shown.items()}


def glossary(metrics: Mapping[str, list[str]]) -> dict[str, Recorded]:
    """What every measured column is, by its heading, from the records' field metadata and the plan's metrics."""
    return {
        heading: evaluated(column, metrics) if column == "mmd" else recorded(column)
        for column, heading in MEASURES.items()
    }
