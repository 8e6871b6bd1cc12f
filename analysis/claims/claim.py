"""A claim of a source, and what a study's trials say about it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.claims.topics import OTHER, Topic

HOLDS, FAILS, INSUFFICIENT = "holds", "fails", "insufficient"

Verdict = Literal["holds", "fails", "insufficient"]

WORDS: dict[str, str] = {HOLDS: "holds", FAILS: "fails", INSUFFICIENT: "insufficient data"}
"""How a verdict is written for a person."""


@dataclass(frozen=True)
class Claim:
    """One claim about one data set: what was expected by which source, within what, what was measured, from how many trials.

    `verdict` is `insufficient` where trials that the claim needs are missing, diverged or have not converged. `topic` is
    the heading of the overview under which the claim stands.
    """

    data: str
    claim: str
    source: str
    expected: str
    measured: str
    tolerance: str
    verdict: Verdict
    trials: int
    topic: Topic = OTHER

    def __str__(self) -> str:
        return f"{self.data}: {self.claim}: {WORDS[self.verdict]} ({self.measured})"


def judge(agrees: bool, enough: bool) -> Verdict:
    """Insufficient where there is not enough to go by, otherwise whether the claim agrees."""
    if not enough:
        return INSUFFICIENT
    return HOLDS if agrees else FAILS


def tally(claims: Sequence[Claim]) -> str:
    """How many claims hold, fail and lack data: "3 claims: 2 hold, 1 fails"."""
    if not claims:
        return "no claims"
    said = Counter(one.verdict for one in claims)
    verbs: dict[Verdict, tuple[str, str]] = {
        HOLDS: ("hold", ""),
        FAILS: ("fail", ""),
        INSUFFICIENT: ("lack", " data"),
    }
    parts = [f"{said[v]} {verb}{'s' * (said[v] == 1)}{rest}" for v, (verb, rest) in verbs.items() if said[v]]
    return f"{len(claims)} claim{'s' * (len(claims) != 1)}: {', '.join(parts)}"
