"""The overview for people: in a terminal, and as a Markdown page."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from analysis.claims.claim import FAILS, WORDS
from analysis.report.overview import SAID, UNASKED, Answer, Overview, Told
from analysis.report.terminal import VERDICT_COLOURS, claims_table, say

PARTS = (
    ("derived", "Derived", "What follows from theory, and was measured here."),
    ("questions", "Questions", "Nobody claims an answer. Each is answered yes or no where its interval says so."),
    ("checks", "Checks", "That this program measures what it says."),
)
"""The claims that test no statement: their place in the overview, their heading, and what they are."""


def print_overview(console: Console, found: Overview) -> None:
    """The statements source by source, then the other claims, which studies are missing, and what went wrong."""
    for source, answers in found.sources:
        console.print(f"[bold]{escape(source.name)}[/]: {escape(source.about)}")
        console.print(_statements(answers), "")
    for name, heading, _ in PARTS:
        if told := getattr(found, name):
            console.print(f"[bold]{heading}[/]")
            console.print(claims_table([one.claim for one in told]), "")
    if found.missing:
        say(console, f"not launched: {', '.join(found.missing)}. `collapsar launch STUDY` trains one")
    for fault in found.faults:
        say(console, f"[yellow]{escape(fault)}[/]")
    say(console, found.counted)


def _statements(answers: Sequence[Answer]) -> Table:
    """A line a statement: its number, its verdict in colour, what it says, and the number that decides."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for answer in answers:
        said = escape(answer.statement.says)
        if one := answer.deciding:
            said += f" [dim]{escape(told_by(one))}[/]"
        table.add_row(
            answer.statement.number, Text(SAID[answer.verdict], VERDICT_COLOURS.get(answer.verdict, "yellow")), said
        )
    return table


def told_by(one: Told) -> str:
    """The numbers of a claim, what it lacks, and where they come from."""
    claim = one.claim
    why = f"; {claim.why_undecided}" if claim.why_undecided else ""
    return f"{claim.data}: {claim.measured}{why} ({_from(one)})"


def _from(one: Told) -> str:
    claim = one.claim
    seeds = f", {claim.seeds} seed{'s' * (claim.seeds != 1)}" if claim.seeds else ""
    return f"{one.study}, {claim.scale or 'laptop'}, {claim.trials} trials{seeds}"


def as_markdown(found: Overview) -> str:
    """The overview as a page: source by source, what is wrong in them, and what was asked besides."""
    lines = [
        "# What holds",
        "",
        "What the sources say, statement by statement, judged from the records of one home by",
        "[one rule](reading_a_report.md#verdicts). `python -m analysis claims --page FILE.md` writes this page, and",
        "FILE.html beside it, with a picture of each interval.",
        "",
        f"**{found.counted}**",
    ]
    for source, answers in found.sources:
        lines += ["", f"## {source.name}", "", f"*{source.about}*", "", *_table(answers)]
    lines += ["", "## What the sources have wrong", "", "Each with what was found here.", "", *_errata(found.answers)]
    lines += ["", "## Claim by claim", ""]
    lines += [line for answer in found.answers if answer.told for line in _claims(answer)]
    for name, heading, about in PARTS:
        if told := getattr(found, name):
            lines += ["", f"## {heading}", "", about, "", *_rows(told)]
    if found.missing:
        lines += [
            "",
            "## Not launched",
            "",
            *(f"- launch it with `collapsar launch {study}`" for study in found.missing),
        ]
    if found.faults:
        lines += ["", "## Not told", "", *(f"- {fault}" for fault in found.faults)]
    return "\n".join(lines) + "\n"


def _table(answers: Sequence[Answer]) -> list[str]:
    rows = ["| no. | what is said | where | verdict | measured | scale | trials |", "| --- " * 7 + "|"]
    for answer in answers:
        told, one = answer.statement, answer.deciding
        name = f"[{told.number}](#{told.number.lower()})" if answer.told else told.number
        measured = (
            [f"{one.claim.data}: {one.claim.measured}", one.claim.scale, str(one.claim.trials)] if one else [""] * 3
        )
        rows.append(_row([name, told.says, told.where, _word(answer.verdict), *measured]))
    return rows


def _errata(answers: Sequence[Answer]) -> list[str]:
    rows = ["| no. | what is said | what is wrong | found here |", "| --- " * 4 + "|"]
    for answer in answers:
        if answer.statement.wrong:
            verdict = SAID[answer.verdict] if answer.verdict == UNASKED else _word(answer.verdict)
            told = answer.deciding
            found = f"{verdict}: {told.claim.measured}" if told else verdict
            rows.append(_row([answer.statement.number, answer.statement.says, answer.statement.wrong, found]))
    return rows


def _claims(answer: Answer) -> list[str]:
    told = answer.statement
    return [f"### {told.number}", "", f"{told.says} *{told.where}*", "", *_rows(answer.told), ""]


def _rows(told: Sequence[Told]) -> list[str]:
    rows = ["| verdict | claim | expected | measured | study | trials | seeds |", "| --- " * 7 + "|"]
    for one in told:
        claim = one.claim
        measured = f"{claim.measured}; {claim.why_undecided}" if claim.why_undecided else claim.measured
        cells = [_word(claim.verdict), f"{claim.data}: {claim.claim}", f"{claim.expected} ({claim.source})", measured]
        rows.append(_row([*cells, f"`{one.study}`", str(claim.trials), str(claim.seeds or "")]))
    return rows


def _word(verdict: str) -> str:
    word = SAID.get(verdict, WORDS.get(verdict, verdict))
    return f"**{word}**" if verdict == FAILS else word


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
