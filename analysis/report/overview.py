"""The overview: what every source says, topic by topic, with the claims that answer it, from the records there are."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.markup import escape

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT, WORDS, Claim
from analysis.claims.topics import PAPER, TOPICS, Topic
from analysis.frames.load import DEFAULT_HOME, AnalysisError, Place
from analysis.frames.view import View
from analysis.report.answers import claims
from analysis.report.terminal import claim_line
from study.record import Home

OTHER = Topic("other", "Claims that belong to no topic.", "", {})

MISSING = "missing"


@dataclass(frozen=True)
class Answer:
    """A topic, its claims with the names of their studies, and those of its studies that the home does not hold."""

    topic: Topic
    claims: Sequence[tuple[str, Claim]]
    missing: Sequence[str]

    @property
    def verdict(self) -> str:
        """What all claims say together: fails where one does, missing where no study of the topic has been launched."""
        said = {claim.verdict for _, claim in self.claims}
        if FAILS in said:
            return FAILS
        if said == {HOLDS} and not self.missing:
            return HOLDS
        return INSUFFICIENT if said or len(self.missing) < len(self.topic.patterns) else MISSING


def overview(home: Place = DEFAULT_HOME) -> list[Answer]:
    """Every topic, answered or missing, from the studies of a home. Raises: AnalysisError, HomeError."""
    place = home if isinstance(home, Home) else Home(home)
    names = place.folders("studies")
    if not names:
        raise AnalysisError(f"the home {place} holds no studies: launch one with `python -m study.launch`")
    found = [(name, claim) for name in names for claim in claims(View.of(name, place))]
    held = {name.removesuffix(PAPER) for name in names}
    answers = [
        Answer(
            topic,
            [(study, claim) for study, claim in found if topic.has(study, claim)],
            [study for study in topic.patterns if study not in held],
        )
        for topic in TOPICS
    ]
    others = [each for each in found if not any(topic.has(*each) for topic in TOPICS)]
    return [*answers, *([Answer(OTHER, others, [])] if others else [])]


def as_json(found: Sequence[Answer]) -> str:
    """A list of objects: every claim with its topic and study, and every topic that has none."""
    rows = []
    for answer in found:
        rows += [{"topic": answer.topic.name, "study": study} | asdict(claim) for study, claim in answer.claims]
        rows += [{"topic": answer.topic.name, "study": study, "verdict": MISSING} for study in answer.missing]
    return json.dumps(rows, ensure_ascii=False, indent=1)


def print_overview(console: Console, found: Sequence[Answer]) -> None:
    """The claims below their topics, which studies are missing, and how many claims hold."""
    for answer in found:
        if answer.claims:
            console.print(f"[bold]{escape(answer.topic.name)}[/]: {escape(answer.topic.says)}")
        for _, claim in answer.claims:
            console.print(claim_line(claim))
    absent = {study: None for answer in found for study in answer.missing}
    for study in absent:
        topics = ", ".join(answer.topic.name for answer in found if study in answer.missing)
        console.print(f"[yellow]{MISSING}[/]  {escape(topics)}: {_remedy(study)}")
    console.print(_counted(found))


def as_markdown(found: Sequence[Answer]) -> str:
    """The overview as a page: a table of topics, and below it every claim with what was expected and measured."""
    lines = [
        "# What holds",
        "",
        "Every claim of the sources that a study of the catalog answers, from the records of one home. A claim *holds*,",
        "*fails*, or has *insufficient data*; a topic fails where one of its claims does. `python -m analysis claims --page",
        "FILE` writes this page.",
        "",
        f"**{_counted(found)}**",
        "",
        "| topic | what is said | source | verdict | claims that hold |",
        "| --- | --- | --- | --- | --- |",
        *map(_topic_row, found),
    ]
    for answer in found:
        lines += ["", f"## {answer.topic.name}", "", f"{answer.topic.says} *{answer.topic.source}*", ""]
        if answer.claims:
            lines += ["| verdict | claim | expected | tolerance | measured | study | trials |", "| --- " * 7 + "|"]
            lines += [_claim_row(*each) for each in answer.claims]
        lines += [f"Missing: {_remedy(study)}." for study in answer.missing]
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
    return f"launch it with `python -m study.launch {study}`"


def _counted(found: Sequence[Answer]) -> str:
    said = [claim.verdict for answer in found for _, claim in answer.claims]
    missing = len({study for answer in found for study in answer.missing})
    return (
        f"{len(said)} claims: {said.count(HOLDS)} hold, {said.count(FAILS)} fail, "
        f"{said.count(INSUFFICIENT)} lack data" + (f"; {missing} studies missing" if missing else "")
    )
