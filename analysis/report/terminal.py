"""The report in a terminal: the glance as a rich table, the counts and the verdicts."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from analysis.claims.claim import FAILS, HOLDS, WORDS, Claim, tally
from analysis.tables.cells import Glance
from analysis.tables.sheet import Sheet

if TYPE_CHECKING:  # reports read the overview, which prints claims as this module does
    from analysis.report.report import AllReports, Report

COLOURS = {
    "balanced": "green",
    "over": "blue",
    "under": "yellow",
    "memorising": "magenta",
    "unfit": "bright_black",
    "diverged": "red",
    "failed": "red",
}


def print_report(console: Console, report: "Report") -> None:
    """Print what the report says and where it is."""
    console.print(f"[bold]{escape(report.study)}[/]: {escape(report.caption)}")
    if report.glance.rows and not report.has_own_table:
        console.print(glance_table(report.glance))
    for sheet in report.sheets:  # a study's own tables say it better than the table by cells
        console.print(sheet_table(sheet))
    for note in report.notes:
        console.print(escape(note), style="dim")
    console.print(_counted(report.counts))
    for item in report.claims:
        console.print(claim_line(item))
    for fault in report.faults:
        console.print(fault_line(fault), soft_wrap=True)
    console.print(f"report: {escape(report.location)}", soft_wrap=True)


def print_reports(console: Console, written: "AllReports") -> None:
    """Print a line for each study of a home, with its counts and verdicts, and where the page that lists them is."""
    for report in written.reports:
        console.print(f"[bold]{escape(report.study)}[/]: {_counted(report.counts)}; {tally(report.claims)}")
        for fault in report.faults:
            console.print(fault_line(fault), soft_wrap=True)
    for fault in written.faults:
        console.print(fault_line(fault), soft_wrap=True)
    console.print(f"all reports: {escape(written.location)}", soft_wrap=True)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items() if n or name == "declared")


def claim_line(item: Claim) -> str:
    """A claim in rich's markup: its verdict in colour, what it says, and the numbers behind it."""
    colour = {HOLDS: "green", FAILS: "red"}.get(item.verdict, "yellow")
    said = f"{escape(item.data)}: {escape(item.claim)} [dim]({escape(item.measured)})[/]"
    return f"[{colour}]{WORDS[item.verdict]}[/]  {said}"


def fault_line(fault: str) -> str:
    """Why claims, figures or sheets are missing, in rich's markup."""
    return f"[yellow]{escape(fault)}[/]"


def sheet_table(sheet: Sheet) -> Table:
    """A study's own table, under its caption."""
    head, body = sheet.text()
    table = Table(box=None, pad_edge=False, header_style="bold", title=escape(sheet.caption), title_justify="left")
    for name in head:
        table.add_column(escape(name))
    for row in body:
        table.add_row(*map(escape, row))
    return table


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
