"""A claim, and what a study's trials say about it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Literal

from analysis.claims.comparison import FAILS, HOLDS, INSUFFICIENT, Comparison, together
from analysis.claims.statements import STATEMENTS

SOURCE, DERIVED, CHECK, QUESTION = "source", "derived", "check", "question"

Kind = Literal["source", "derived", "check", "question"]
"""Whose claim it is: a sentence of a paper, a result of theory that is ours, a check of this program, or a question."""

YES, NO, OPEN = "yes", "no", "open"

Verdict = Literal["holds", "fails", "insufficient", "yes", "no", "open"]

ANSWERS: dict[str, Verdict] = {HOLDS: YES, FAILS: NO, INSUFFICIENT: OPEN}
"""What a question is answered, by what becomes of its comparisons."""

WORDS: dict[str, str] = {
    HOLDS: "holds",
    FAILS: "fails",
    INSUFFICIENT: "undecided",
    YES: "yes",
    NO: "no",
    OPEN: "open",
}
"""How a verdict is written for a person."""


@dataclass(frozen=True)
class Claim:
    """One claim about one data set, and the comparisons that decide it.

    `claim` is a sentence, or a question where `kind` is one. `statements` are the numbers of the sentences of the sources
    that it tests (`analysis.claims.statements`); with one the kind is *source*, without *derived*, if not said. `lacks` says
    why the trials do not suffice, whatever their numbers are: "2 of 15 trials converged". `expected` and `measured` are
    written from the comparisons where they are not given. `scale` and `seeds` are those of the study, added by the report.
    """

    data: str
    claim: str
    source: str
    _: KW_ONLY
    comparisons: Sequence[Comparison] = field(default_factory=list)
    lacks: str = ""
    expected: str = ""
    measured: str = ""
    trials: int = 0
    statements: Sequence[str] = field(default_factory=list)
    kind: Kind | None = None
    scale: str = ""
    seeds: int = 0
    verdict: Verdict = field(init=False)

    def __post_init__(self) -> None:
        if unknown := set(self.statements) - STATEMENTS.keys():
            raise ValueError(f"there is no statement {min(unknown)}: analysis.claims.statements lists them")
        kind = self.kind or (SOURCE if self.statements else DERIVED)
        object.__setattr__(self, "kind", kind)
        outcome = INSUFFICIENT if self.lacks else together(each.outcome for each in self.comparisons)
        object.__setattr__(self, "verdict", ANSWERS[outcome] if kind == QUESTION else outcome)
        targets = dict.fromkeys(each.target.says for each in self.comparisons)
        object.__setattr__(self, "expected", self.expected or "; ".join(targets))
        object.__setattr__(self, "measured", self.measured or "; ".join(map(str, self.comparisons)) or "nothing")

    @property
    def is_undecided(self) -> bool:
        """Whether the data do not suffice for a verdict or an answer."""
        return self.verdict in (INSUFFICIENT, OPEN)

    @property
    def why_undecided(self) -> str:
        """What the trials lack, or about how many seeds would decide; empty where they decide."""
        if not self.is_undecided or self.lacks:
            return self.lacks if self.is_undecided else ""
        open_ones = [each for each in self.comparisons if each.outcome == INSUFFICIENT]
        if not open_ones:
            return ""
        if any(each.needed is None for each in open_ones):
            return "more seeds alone would not decide"
        most = max(open_ones, key=lambda each: each.needed or 0)
        return f"about {most.needed:,} {most.found.of} would decide, where there are {most.found.n}"

    def __str__(self) -> str:
        return f"{self.data}: {self.claim}: {WORDS[self.verdict]} ({self.measured})"


def tally(claims: Sequence[Claim]) -> str:
    """How many claims hold, fail and are undecided, and how many questions are answered.

    "3 claims: 2 hold, 1 fails; 2 questions: 1 answered, 1 open".
    """
    asked = [one for one in claims if one.kind == QUESTION]
    stated = [one for one in claims if one.kind != QUESTION]
    said = Counter(one.verdict for one in stated)
    verbs: dict[Verdict, tuple[str, str]] = {HOLDS: ("holds", "hold"), FAILS: ("fails", "fail")}
    parts = [f"{said[v]} {words[said[v] != 1]}" for v, words in verbs.items() if said[v]]
    parts += [f"{said[INSUFFICIENT]} undecided"] * bool(said[INSUFFICIENT])
    groups = [_numbered(stated, "claim", parts)] if stated else []
    if asked:
        is_open = sum(one.is_undecided for one in asked)
        answers = [f"{n} {word}" for n, word in ((len(asked) - is_open, "answered"), (is_open, "open")) if n]
        groups.append(_numbered(asked, "question", answers))
    return "; ".join(groups) or "no claims"


def _numbered(claims: Sequence[Claim], noun: str, parts: Sequence[str]) -> str:
    return f"{len(claims)} {noun}{'s' * (len(claims) != 1)}: {', '.join(parts)}"
