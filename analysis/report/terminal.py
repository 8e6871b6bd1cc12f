"""The report in a terminal: the glance, the study's own tables, the counts and the verdicts, fitted to its width."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby, takewhile
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from analysis.claims.claim import WORDS, Claim, tally
from analysis.report.failures import FAILURES
from analysis.report.table_layout import Grid, Section
from analysis.tables.cells import Cell, Glance, sparse
from analysis.tables.interval import NOTHING
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

VERDICT_COLOURS = {"holds": "green", "fails": "red", "yes": "cyan", "no": "cyan"}
"""Others wait for more data, in yellow. A question has no bad answer."""

MOST_FAILURES = 10
"""How many trials are listed that failed or diverged."""

BESIDE = 2
"""Where there are more axes, the first becomes a line of its own, however wide the terminal is."""

NUMBER = re.compile(r"[(<≤≥−-]*[\d∞]")
"""How a number begins, also one with an interval."""

MANY = 99
"""Blocks as which a table counts that needs a paragraph for each row."""


def print_report(console: Console, report: "Report") -> None:
    """Print what the report says and where it is."""
    console.print(f"[bold]{escape(report.study)}[/]: {escape(report.caption)}")
    sheets = [sheet for sheet in report.sheets if len(sheet.frame)]
    if not report.has_own_table:  # a study's own tables say it better than the table by cells
        _print_glance(console, report.glance)
    for place, sheet in enumerate(sheets):
        if place:
            console.print()
        most = MOST_FAILURES if sheet.name == FAILURES else len(sheet.frame)
        console.print(sheet_table(replace(sheet, frame=sheet.frame[:most]), console.width))
        if (more := len(sheet.frame) - most) > 0:
            console.print(f"and {more} more: see the report")
    for note in report.notes:
        console.print(escape(note), style="dim")
    console.print(_counted(report.counts))
    missing = report.counts["missing"]
    told = [item for item in report.claims if not item.is_undecided or not missing]
    if told:
        console.print(claims_table(told))
    if silent := len(report.claims) - len(told):
        lack = "1 claim is" if silent == 1 else f"{silent} claims are"
        are = "1 trial is" if missing == 1 else f"{missing} trials are"
        console.print(f"[yellow]{lack} undecided while {are} not trained: launch the whole study[/]")
    for fault in report.faults:
        say(console, f"[yellow]{escape(fault)}[/]")
    say(console, f"report: {escape(report.location)}")


def print_reports(console: Console, written: "AllReports") -> None:
    """Print a line for each study of a home, with its counts and verdicts, and where the page that lists them is."""
    for report in written.reports:
        console.print(f"[bold]{escape(report.study)}[/]: {_counted(report.counts)}; {tally(report.claims)}")
        for fault in report.faults:
            say(console, f"[yellow]{escape(fault)}[/]")
    for fault in written.faults:
        say(console, f"[yellow]{escape(fault)}[/]")
    say(console, f"all reports: {escape(written.location)}")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items() if n or name == "declared")


def _print_glance(console: Console, glance: Glance) -> None:
    """Print what of the glance was tried; nothing before anything was."""
    part, held = glance.tried()
    if held:
        console.print(f"[dim]tried so far: {escape(', '.join(f'{axis} {text}' for axis, text in held.items()))}[/]")
    if part.rows:
        console.print(glance_table(part, console.width))


def say(console: Console, text: str) -> None:
    """Print a sentence: folded between words for a person; on one line for a program, or where a path would be cut in two."""
    is_read = console.is_terminal or console.is_jupyter
    console.print(text, soft_wrap=not is_read or max(map(len, text.split()), default=0) > console.width)


def claims_table(claims: Sequence[Claim]) -> Table:
    """Claims below one another: the verdict of each in colour, what it says, and the numbers behind it."""
    table = Table.grid(padding=(0, 2))
    table.add_column(width=max(map(len, WORDS.values())))
    table.add_column(overflow="fold")
    for item in claims:
        why = f"; {item.why_undecided}" if item.why_undecided else ""
        said = f"{escape(item.data)}: {escape(item.claim)} [dim]({escape(item.measured + why)})[/]"
        table.add_row(Text(WORDS[item.verdict], style=VERDICT_COLOURS.get(item.verdict, "yellow")), said)
    return table


def sheet_table(sheet: Sheet, width: int) -> Group:
    """A study's own table, under its caption."""
    head, body = sheet.text()
    rows = [[Text(cell) for cell in row] for row in body]
    grid = Grid(head, [Section("", rows)], _naming(body))
    return Group(Text(sheet.caption, style="italic"), *grid.lay_out(width))


def _naming(body: Sequence[Sequence[str]]) -> int:
    """How many of the first columns name the rows: those that tell them apart, and those without a number after them."""
    last = len(body[0]) - 1
    apart = next((n for n in range(1, last) if len({tuple(row[:n]) for row in body}) == len(body)), min(1, last))
    more = takewhile(lambda column: not any(map(NUMBER.match, column)), list(zip(*body, strict=True))[apart:last])
    return apart + len([*more])


def glance_table(glance: Glance, width: int) -> Group:
    """The glance: active latents and regime, coloured by regime.

    Where the axes do not fit beside the cells of a narrow terminal, the first become lines of their own.
    """
    least = int(len(glance.axes) > BESIDE)
    layouts = [_grids(glance, above) for above in range(least, max(least + 1, len(glance.axes)))]
    chosen = min(layouts, key=lambda grids: max(len(grid.blocks(width)) or MANY for grid in grids))
    return Group(*(part for grid in chosen for part in ["", *grid.lay_out(width)][grid is chosen[0] :]))


def _grids(glance: Glance, above: int) -> list[Grid]:
    """The glance with its first axes `above` its rows; sections that follow one another share a grid where they fill the same
    columns."""
    lines = zip(glance.rows, glance.cells, strict=True)
    sections = [(labels, [*rows]) for labels, rows in groupby(lines, key=lambda line: line[0][:above])]
    filled = [(labels, rows, _filled([cells for _, cells in rows])) for labels, rows in sections]
    return [
        Grid(
            [*glance.axes[above:], *(glance.columns[i] for i in columns)],
            [Section(_title(glance.axes, labels), _texts(rows, above, columns)) for labels, rows, _ in alike],
            len(glance.axes) - above,
        )
        for columns, alike in groupby(filled, key=lambda each: each[2])
    ]


def _filled(rows: Sequence[Sequence[Cell]]) -> list[int]:
    """The columns in which any of these rows has a trial, by number."""
    return [i for i in range(len(rows[0])) if any(cells[i].regime != NOTHING for cells in rows)]


def _title(axes: Sequence[str], labels: Sequence[str]) -> str:
    return ", ".join(text if axis == "data" else f"{axis} {text}" for axis, text in zip(axes, labels, strict=False))


def _texts(rows: Sequence[tuple[list[str], list[Cell]]], above: int, columns: Sequence[int]) -> list[list[Text]]:
    labels = sparse([names[above:] for names, _ in rows])
    return [
        [*map(Text, names), *(Text(cells[i].text, style=COLOURS.get(cells[i].regime, "dim")) for i in columns)]
        for names, (_, cells) in zip(labels, rows, strict=True)
    ]
