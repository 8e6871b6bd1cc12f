"""The report in a terminal: the glance as a rich table, the counts and the verdicts."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from analysis.report import Report
from analysis.table import Glance
from analysis.verdicts import FAILS, HOLDS

COLOURS = {
    "balanced": "green",
    "over": "blue",
    "under": "yellow",
    "memorising": "magenta",
    "unfit": "bright_black",
    "diverged": "red",
    "failed": "red",
}


def print_report(console: Console, report: Report) -> None:
    """Print what the report says, and where it lies."""
    console.print(f"[bold]{escape(report.study)}[/]: {escape(report.caption)}")
    console.print(glance_table(report.glance))
    for note in report.notes:
        console.print(escape(note), style="dim")
    console.print(", ".join(f"{n} {name}" for name, n in report.counts.items() if n or name == "declared"))
    for item in report.verdicts:
        colour = {HOLDS: "green", FAILS: "red"}.get(item.verdict, "yellow")
        console.print(
            f"[{colour}]{item.verdict}[/]  {escape(item.data)}: {escape(item.claim)} [dim]({escape(item.numbers)})[/]"
        )
    console.print(f"report: {escape(report.location)}", soft_wrap=True)


def glance_table(glance: Glance) -> Table:
    """The glance as a rich table: active latents and regime, coloured by regime."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    # Three or more axes do not fit beside the cells of a narrow terminal: the first becomes a line of its own.
    heading = len(glance.axes) > 2
    for name in [*glance.axes[heading:], *glance.columns]:
        table.add_column(name, no_wrap=True)
    for labels, line in zip(glance.sparse_rows(), glance.cells, strict=True):
        if heading and labels[0]:
            name = labels[0] if glance.axes[0] == "data" else f"{glance.axes[0]} {labels[0]}"
            table.add_row(Text(name, style="bold underline"))
        marks = [Text(cell.text, style=COLOURS.get(cell.regime, "dim")) for cell in line]
        table.add_row(*(escape(label) for label in labels[heading:]), *marks)
    return table
