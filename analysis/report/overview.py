"""The overview: every statement of the sources, and every other claim, judged from the records of one home."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any

from analysis.claims.claim import CHECK, DERIVED, NO, OPEN, QUESTION, SOURCE, WORDS, YES, Claim
from analysis.claims.comparison import FAILS, HOLDS, INSUFFICIENT
from analysis.claims.statements import SOURCES, Source, Statement
from analysis.claims.statements.studies import STUDIES, studies_of
from analysis.claims.stored import as_row
from analysis.frames.load import DEFAULT_HOME, AnalysisError, Place
from analysis.frames.load import studies_of as studies_of_home
from analysis.frames.view import View
from analysis.report.findings import Findings, claims_of
from study.record import Home

MISSING, UNASKED, CORRECTED, ANSWERED = "missing", "not asked", "corrected", "answered"

ORDER = (HOLDS, FAILS, INSUFFICIENT, CORRECTED, ANSWERED, MISSING, UNASKED)
"""What can become of a statement."""

SAID = WORDS | {MISSING: "not launched", UNASKED: "not asked", CORRECTED: "corrected", ANSWERED: "answered"}


@dataclass(frozen=True)
class Told:
    """A claim, and the study whose records it speaks of."""

    study: str
    claim: Claim


@dataclass(frozen=True)
class Answer:
    """A statement of a source, the claims that test it, and the studies of the catalog that were not launched for it."""

    statement: Statement
    told: Sequence[Told]
    missing: Sequence[str] = ()

    @property
    def verdict(self) -> str:
        """Of all claims of its source together.

        A statement that only derived claims speak of is wrong as it stands: it is corrected where they hold. One that only
        questions speak of leaves something open: it is answered where they are, by yes or no.
        """
        own = {one.claim.verdict for one in self.told if one.claim.kind == SOURCE}
        others = {one.claim.verdict for one in self.told if one.claim.kind != SOURCE}
        if FAILS in own:
            return FAILS
        if not (own or others):
            return MISSING if self.missing else UNASKED
        if self.missing or INSUFFICIENT in own:
            return INSUFFICIENT
        return HOLDS if own else self._of_others(others)

    @staticmethod
    def _of_others(said: Set[str]) -> str:
        """What derived claims and questions say of a statement that no claim of its source tests."""
        if said == {HOLDS}:
            return CORRECTED
        return ANSWERED if said <= {YES, NO} else INSUFFICIENT

    @property
    def deciding(self) -> Told | None:
        """The claim that tells most: the first that fails, else the first that is undecided, else the first."""
        worst = {FAILS: 0, INSUFFICIENT: 1}
        return min(self.told, key=lambda one: worst.get(one.claim.verdict, 2), default=None)


@dataclass(frozen=True)
class Overview:
    """What a home's studies say: source by source, then claims that test no statement, by kind; and why some are silent."""

    sources: Sequence[tuple[Source, Sequence[Answer]]]
    derived: Sequence[Told]
    questions: Sequence[Told]
    checks: Sequence[Told]
    missing: Sequence[str]
    faults: Sequence[str]

    @property
    def answers(self) -> list[Answer]:
        """Those of all sources."""
        return [answer for _, answers in self.sources for answer in answers]

    @property
    def counted(self) -> str:
        """How many statements of the sources hold, and how many questions are answered, in a sentence."""
        said = Counter(answer.verdict for answer in self.answers)
        words = SAID | {HOLDS: "hold", FAILS: "fail"}
        known = sum(answer.verdict == FAILS and bool(answer.statement.wrong) for answer in self.answers)
        words[FAILS] += f" ({known} of them known errors of the sources)" if known else ""
        parts = ", ".join(f"{said[verdict]} {words[verdict]}" for verdict in ORDER if said[verdict])
        answered = sum(one.claim.verdict != OPEN for one in self.questions)
        asked = f"; {answered} of {len(self.questions)} questions answered" if self.questions else ""
        return f"Of {len(self.answers)} statements of the sources: {parts}{asked}."


def overview(home: Place = DEFAULT_HOME) -> Overview:
    """Every statement with its claims from a home's studies, or what is missing. Raises: AnalysisError, HomeError."""
    place = home if isinstance(home, Home) else Home(home)
    asked = {name: _asked(name, place) for name in studies_of_home(place)}
    found = [Told(name, claim) for name, findings in asked.items() for claim in findings.claims]
    faults = [fault for findings in asked.values() for fault in findings.faults]
    return overview_of(found, {findings.in_catalog for findings in asked.values()}, faults)


def overview_of(found: Sequence[Told], held: Set[str | None], faults: Sequence[str] = ()) -> Overview:
    """The overview of claims; `held` are the studies of the catalog that were launched."""

    def answer(statement: Statement) -> Answer:
        told = [one for one in found if statement.number in one.claim.statements]
        return Answer(statement, told, [study for study in studies_of(statement.number) if study not in held])

    def others(kind: str) -> list[Told]:
        return [one for one in found if one.claim.kind == kind and (kind == QUESTION or not one.claim.statements)]

    return Overview(
        sources=[(source, [answer(one) for one in source.statements]) for source in SOURCES],
        derived=others(DERIVED),
        questions=others(QUESTION),
        checks=others(CHECK),
        missing=[study for study in STUDIES if study not in held],
        faults=faults,
    )


def _asked(name: str, home: Home) -> Findings:
    """The claims of one study; if it cannot be read, a fault that says so."""
    try:
        return claims_of(View.of(name, home))
    except AnalysisError as fault:
        return Findings(faults=[f"{name} cannot be read: {fault}"])


def as_json(found: Overview) -> str:
    """A list of objects: every statement with its verdict, every claim with its numbers, every study and fault."""
    rows: list[dict[str, Any]] = [
        {
            "statement": answer.statement.number,
            "source": source.name,
            "where": answer.statement.where,
            "says": answer.statement.says,
            "wrong": answer.statement.wrong,
            "verdict": answer.verdict,
            "missing": [*answer.missing],
        }
        for source, answers in found.sources
        for answer in answers
    ]
    rows += [{"study": one.study, **as_row(one.claim)} for one in every_claim(found)]
    rows += [{"study": study, "verdict": MISSING} for study in found.missing]
    rows += [{"fault": fault} for fault in found.faults]
    return json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False)


def every_claim(found: Overview) -> list[Told]:
    """Each claim once, in the overview's order."""
    parts: Iterable[Iterable[Told]] = [answer.told for answer in found.answers]
    told = [one for part in (*parts, found.derived, found.questions, found.checks) for one in part]
    return [*{id(one.claim): one for one in told}.values()]
