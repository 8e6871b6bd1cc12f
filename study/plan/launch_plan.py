"""The plan of one launch: what its studies together miss in one home. A trial that several of them need is trained once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from study.declare.probe import Declared
from study.declare.trial import Trial
from study.plan.plan import Plan, replan
from study.record import Home


@dataclass(frozen=True)
class LaunchPlan:
    """The plans of a launch's studies, over one home."""

    plans: tuple[Plan, ...]
    size: int | None = None
    """How many trials a pack holds at most; None: as many as still gain from it."""

    @property
    def missing(self) -> list[Declared]:
        """The trials to train, and the stages they stand on, each once."""
        return _once(trial for plan in self.plans for trial in plan.missing)

    @property
    def ready(self) -> list[Declared]:
        """The missing trials whose stages all have a result."""
        return _once(trial for plan in self.plans for trial in plan.ready)

    @property
    def attempts(self) -> Mapping[str, int]:
        """trial_id → how often a trial was tried."""
        return {trial_id: count for plan in self.plans for trial_id, count in plan.attempts.items()}

    @property
    def statuses(self) -> Mapping[str, str]:
        """trial_id → what became of a trial that was tried."""
        return {trial_id: status for plan in self.plans for trial_id, status in plan.statuses.items()}

    @property
    def blocked(self) -> list[tuple[Declared, Trial]]:
        """Selected trials that stand on a stage without weights, each with that stage."""
        found = {trial.trial_id: (trial, stage) for plan in self.plans for trial, stage in plan.blocked}
        return list(found.values())

    @property
    def remaining(self) -> int:
        """How many trials searches will still ask for, at most; of a part of them nobody knows how many."""
        return sum(plan.remaining.total() for plan in self.plans if not plan.only)

    @property
    def open_ids(self) -> set[str]:
        """The trials to train, and the selected ones without a result that cannot be trained."""
        return {trial.trial_id for trial in self.missing} | self._unsettled

    @property
    def selected(self) -> int:
        """How many trials the studies and `only` select."""
        return len(self._selected)

    @property
    def settled(self) -> int:
        """How many of the selected trials have a result."""
        return len(self._selected - self._unsettled)

    @property
    def _selected(self) -> set[str]:
        return {row.trial.trial_id for plan in self.plans for row in plan.rows}

    @property
    def _unsettled(self) -> set[str]:
        return {trial.trial_id for plan in self.plans for trial in plan.unsettled}

    def replan(self, home: Home) -> "LaunchPlan":
        """The same studies over what the home holds by now. Raises: HomeError."""
        return replace(self, plans=tuple(replan(plan, home) for plan in self.plans))

    def grown_since(self, before: "LaunchPlan") -> list[Plan]:
        """The plans to which rows have come."""
        pairs = zip(self.plans, before.plans, strict=True)
        return [plan for plan, old in pairs if len(plan.declared) > len(old.declared)]


def _once(trials: Iterable[Declared]) -> list[Declared]:
    return list({trial.trial_id: trial for trial in trials}.values())
