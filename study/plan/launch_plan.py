"""The plan of a launch: what several studies miss in one home. A trial that several of them need is trained once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from study.declare.probe import Declared
from study.declare.trial import Trial
from study.plan.plan import Plan, replan
from study.record import Home


@dataclass(frozen=True)
class LaunchPlan:
    """The plans of all studies of a launch, for one home."""

    plans: tuple[Plan, ...]

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
        """trial_id → how often it was tried."""
        return {trial_id: count for plan in self.plans for trial_id, count in plan.attempts.items()}

    @property
    def statuses(self) -> Mapping[str, str]:
        """trial_id → its recorded status."""
        return {trial_id: status for plan in self.plans for trial_id, status in plan.statuses.items()}

    @property
    def blocked(self) -> list[tuple[Declared, Trial]]:
        """Chosen trials that cannot be trained, each with the stage that is to blame."""
        found = {trial.trial_id: (trial, stage) for plan in self.plans for trial, stage in plan.blocked}
        return list(found.values())

    @property
    def declared(self) -> int:
        """How many trials a progress bar counts: the chosen ones, and the missing stages that they stand on."""
        return len({trial.trial_id for trial in self.missing} | self._chosen)

    @property
    def chosen(self) -> int:
        """How many trials `--only` leaves, or the studies declare."""
        return len(self._chosen)

    @property
    def settled(self) -> int:
        """How many of the chosen trials have a result."""
        return len(self._chosen - {trial.trial_id for plan in self.plans for trial in plan.unsettled})

    @property
    def _chosen(self) -> set[str]:
        return {row.trial.trial_id for plan in self.plans for row in plan.rows}

    def replan(self, home: Home) -> "LaunchPlan":
        """The same studies with what the home holds now. Raises: HomeError."""
        return LaunchPlan(tuple(replan(plan, home) for plan in self.plans))

    def grown_since(self, before: "LaunchPlan") -> list[Plan]:
        """The plans that have more rows than before."""
        pairs = zip(self.plans, before.plans, strict=True)
        return [plan for plan, old in pairs if len(plan.declared) > len(old.declared)]


def _once(trials: Iterable[Declared]) -> list[Declared]:
    return list({trial.trial_id: trial for trial in trials}.values())
