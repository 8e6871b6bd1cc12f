"""The overview: what the sources say, topic by topic, and the claims that answer it, judged from the home's records."""

import json
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT, WORDS, Claim
from analysis.claims.stored import as_row
from analysis.claims.topics import OTHER, TOPICS, Topic
from analysis.frames.load import DEFAULT_HOME, AnalysisError, Place, studies_of
from analysis.frames.view import View
from analysis.report.findings import Findings, claims_of
from analysis.report.terminal import claims_table, say
from study.record import Home

MISSING = "missing"


@dataclass(frozen=True)
class Answer:
    """A topic, its claims with their studies' names, and the topic's studies that the home does not hold."""

    topic: Topic
    claims: Sequence[tuple[str, Claim]]
    missing: Sequence[str]

    @property
    def verdict(self) -> str:
        """The verdict of all claims together: fails if one does, missing if no study of the topic was launched."""
        said = {claim.verdict for _, claim in self.claims}
        if FAILS in said:
            return FAILS
        if said == {HOLDS} and not self.missing:
            return HOLDS
        return INSUFFICIENT if said or len(self.missing) < len(self.topic.studies) else MISSING


@dataclass(frozen=True)
class Overview:
    """The answers, topic by topic, and why some studies could not be asked."""

    answers: Sequence[Answer]
    faults: Sequence[str]


def overview(home: Place = DEFAULT_HOME) -> Overview:
    """Every topic with its claims from a home's studies, or what is missing. Raises: AnalysisError, HomeError."""
    place = home if isinstance(home, Home) else Home(home)
    asked = {name: _asked(name, place) for name in studies_of(place)}
    found = [(name, claim) for name, findings in asked.items() for claim in findings.claims]
    faults = [fault for findings in asked.values() for fault in findings.faults]
    return Overview(answers(found, {findings.in_catalog for findings in asked.values()}), faults)


def answers(found: Sequence[tuple[str, Claim]], held: Set[str | None]) -> list[Answer]:
    """Claims with their studies' names, topic by topic; `held` are the studies of the catalog that were launched."""
    others = dict.fromkeys(claim.topic for _, claim in found if claim.topic not in (*TOPICS, OTHER))
    every = [
        Answer(
            topic,
            [(study, claim) for study, claim in found if claim.topic == topic],
            [study for study in topic.studies if study not in held],
        )
        for topic in (*TOPICS, *others, OTHER)
    ]
    return [one for one in every if one.claims or one.topic in TOPICS]


def _asked(name: str, home: Home) -> Findings:
    """The claims of one study; if it cannot be read, a fault that says so."""
    try:
        return claims_of(View.of(name, home))
    except AnalysisError as fault:
        return Findings(faults=[f"{name} cannot be read: {fault}"])


def as_json(found: Overview) -> str:
    """A list of objects: every claim with its topic and study, every topic that has none, and every fault."""
    rows: list[dict[str, Any]] = []
    for answer in found.answers:
        topic = {"topic": answer.topic.name}
        rows += [as_row(claim) | topic | {"study": study} for study, claim in answer.claims]
        rows += [topic | {"study": study, "verdict": MISSING} for study in answer.missing]
    rows += [{"fault": fault} for fault in found.faults]
    return json.dumps(rows, ensure_ascii=False, indent=1)


def print_overview(console: Console, found: Overview) -> None:
    """The claims below their topics, which studies are missing, what went wrong, and how many claims hold."""
    for answer in found.answers:
        if answer.claims:
            console.print(f"[bold]{escape(answer.topic.name)}[/]: {escape(answer.topic.says)}")
            console.print(claims_table([claim for _, claim in answer.claims]), "")
    if any(answer.missing for answer in found.answers):
        console.print(_missing_table(found.answers))
        console.print("launch what is missing with `collapsar launch STUDY`", "")
    for fault in found.faults:
        say(console, f"[yellow]{escape(fault)}[/]")
    console.print(_counted(found.answers))


def _missing_table(answers: Sequence[Answer]) -> Table:
    """The studies that the home does not hold, each with the topics that it answers."""
    table = Table(box=None, pad_edge=False, header_style="yellow")
    table.add_column("missing", no_wrap=True)
    table.add_column("answers", overflow="fold")
    for study in dict.fromkeys(study for answer in answers for study in answer.missing):
        table.add_row(study, Text(", ".join(answer.topic.name for answer in answers if study in answer.missing)))
    return table


def as_markdown(found: Overview) -> str:
    """The overview as a page: a table of topics, and below it every claim with what was expected and measured."""
    lines = [
        "# What holds",
        "",
        "Every claim of the sources that a study of the catalog answers, from the records of one home. A claim *holds*,",
        "*fails*, or is *undecided*; a topic fails where one of its claims does. `python -m analysis claims --page",
        "FILE` writes this page.",
        "",
        f"**{_counted(found.answers)}**",
        "",
        "| topic | what is said | source | verdict | claims that hold |",
        "| --- | --- | --- | --- | --- |",
        *map(_topic_row, found.answers),
    ]
    for answer in found.answers:
        lines += ["", f"## {answer.topic.name}", "", f"{answer.topic.says} *{answer.topic.source}*", ""]
        if answer.claims:
            lines += ["| verdict | claim | expected | tolerance | measured | study | trials |", "| --- " * 7 + "|"]
            lines += [_claim_row(*each) for each in answer.claims]
        lines += [f"Missing: {_remedy(study)}." for study in answer.missing]
    if found.faults:
        lines += ["", "## Not told", "", *(f"- {fault}" for fault in found.faults)]
    return "\n".join(lines) + "\n"


def _topic_row(answer: Answer) -> str:
    hold = sum(claim.verdict == HOLDS for _, claim in answer.claims)
    cells = [
        f"[{answer.topic.name}](#{_anchor(answer.topic.name)})",
        answer.topic.says,
        answer.topic.source,
        WORDS.get(answer.verdict, answer.verdict),
        f"{hold} of {len(answer.claims)}",
    ]
    return _row(cells)


def _claim_row(study: str, claim: Claim) -> str:
    verdict = f"**{WORDS[claim.verdict]}**" if claim.verdict == FAILS else WORDS[claim.verdict]
    said = f"{claim.data}: {claim.claim}"
    return _row([verdict, said, claim.expected, claim.tolerance, claim.measured, f"`{study}`", str(claim.trials)])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _anchor(name: str) -> str:
    """As GitHub makes one of a heading: letters, digits and hyphens."""
    kept = "".join(letter for letter in name.lower() if letter.isalnum() or letter in " -")
    return kept.replace(" ", "-")


def _remedy(study: str) -> str:
    return f"launch it with `collapsar launch {study}`"


def _counted(found: Sequence[Answer]) -> str:
    said = [claim.verdict for answer in found for _, claim in answer.claims]
    missing = len({study for answer in found for study in answer.missing})
    return (
        f"{len(said)} claims: {said.count(HOLDS)} hold, {said.count(FAILS)} fail, "
        f"{said.count(INSUFFICIENT)} undecided" + (f"; {missing} studies missing" if missing else "")
    )
