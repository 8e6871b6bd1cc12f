"""What a launch did, for whoever called it from Python."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from study.declare.axes import Label
from study.html import paragraph, table
from study.plan.plan import Plan
from study.record import RESULTS, Home, read


@dataclass(frozen=True)
class Failure:
    """A trial that could not be trained: where it stands in its study's table, and why."""

    trial_id: str
    axes: Mapping[str, Label]
    reason: str


@dataclass(frozen=True)
class StudyResult:
    """What became of one study's trials. All counts but `declared` are of those that `only` selects, or a search by now.

    `report` is the page that a browser opens.
    """

    name: str
    declared: int
    """What the study declares: of a search, all that it will ask for, at most."""
    selected: int
    already_there: int
    finished: int
    diverged: int
    failures: tuple[Failure, ...]
    unmeasured: tuple[Failure, ...]
    """Trials with a result of which a loss term or metric of the user's could not be measured."""
    report: str | None

    @property
    def failed(self) -> int:
        """Trials that could not be trained, in this launch or in those before."""
        return len(self.failures)

    @property
    def not_trained(self) -> int:
        """Trials that have neither a result nor a recorded failure."""
        return self.selected - self.already_there - self.finished - self.diverged - self.failed

    @property
    def is_settled(self) -> bool:
        """Whether every selected trial has a result: it finished or diverged."""
        return not self.failed and not self.not_trained


@dataclass(frozen=True)
class Launched:
    """What a launch did, study by study; true where every selected trial has a result."""

    home: str
    studies: tuple[StudyResult, ...]

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Those of all studies."""
        return tuple(chain.from_iterable(study.failures for study in self.studies))

    @property
    def is_settled(self) -> bool:
        """Whether every selected trial of every study has a result."""
        return all(study.is_settled for study in self.studies)

    def __bool__(self) -> bool:
        return self.is_settled

    def _repr_html_(self) -> str:
        """What a notebook shows: counts for each study, and why trials failed."""
        counts = ([_shown(study, name) for name in COUNTS] for study in self.studies)
        shown = table([name.replace("_", " ") for name in COUNTS], counts, f"home: {self.home}")
        failures = ((axes_in_words(each.axes), each.reason) for each in self.failures[:MOST_FAILURES])
        more = len(self.failures) - MOST_FAILURES
        shown += table(("failed", "why"), failures) if self.failures else ""
        return shown + (paragraph(f"and {more} more: see the report") if more > 0 else "")


COUNTS = ("name", "declared", "selected", "already_there", "finished", "diverged", "failed", "not_trained", "report")
"""What a notebook shows of a study's result."""

MOST_FAILURES = 5
"""How many failures are told: the report lists all of them."""


def _shown(study: StudyResult, name: str) -> object:
    value = getattr(study, name)
    return "" if value is None else value


def axes_in_words(axes: Mapping[str, Label]) -> str:
    """ "kappa=2, seed=0"."""
    return ", ".join(f"{axis}={label}" for axis, label in axes.items())


def result_of(before: Plan, after: Plan, home: Home, report: str | None) -> StudyResult:
    """What became of a study between two looks at its home. Raises: HomeError."""
    lacking = _lacking(after, home)
    done = {status: after.count(status) - before.count(status) for status in RESULTS}
    return StudyResult(
        name=after.name,
        declared=after.expected,
        selected=len(after.rows),
        already_there=before.settled,
        finished=done["finished"],
        diverged=done["diverged"],
        failures=tuple(found for found, status in lacking if status == "failed"),
        unmeasured=tuple(found for found, status in lacking if status == "finished"),
        report=report,
    )


def _lacking(plan: Plan, home: Home) -> list[tuple[Failure, str]]:
    """Trials that failed, or of which something could not be measured, with their status."""
    if not plan.statuses:
        return []
    kept = read(home, "trials", ["trial_id", "status", "error"])
    rows = kept.filter(kept["error"].is_valid()).to_pylist()  # few of what may be thousands
    reasons = {(row["trial_id"], row["status"]): str(row["error"]) for row in rows}
    found = [(row.axes, row.trial.trial_id, plan.statuses.get(row.trial.trial_id, "")) for row in plan.rows]
    return [
        (Failure(trial_id, axes, reasons.get((trial_id, status), "")), status)
        for axes, trial_id, status in found
        if status == "failed" or (trial_id, status) in reasons
    ]
