"""The router of events: the progress bar hears all of them, a study's mirror those of the packs with trials of its own."""

from collections.abc import Mapping, Sequence

from study.pack.pack import Pack
from study.plan.launch_plan import LaunchPlan
from study.plan.plan import Plan
from study.run.blame import Kind
from study.run.listener import Listener


class EventRouter:
    """A listener that passes events on. `mirrors` are those of the studies that have one, by the names of their plans."""

    def __init__(self, bar: Listener, mirrors: Mapping[str, Listener], plan: LaunchPlan) -> None:
        self._bar, self._mirrors = bar, mirrors
        self._concerned: dict[str, list[Listener]] = {}
        self._plan = plan
        self._trials = self._trials_of(plan)

    def begin(self, packs: Sequence[Pack]) -> None:
        """Each mirror hears of the packs that hold trials of its study."""
        for pack in packs:
            names = [name for name, trials in self._trials.items() if not trials.isdisjoint(pack.trial_ids)]
            self._concerned[pack.pack_id] = [self._bar, *(self._mirrors[name] for name in names)]
        for listener in self._all:
            if own := [pack for pack in packs if listener in self._concerned[pack.pack_id]]:
                listener.begin(own)

    def progress(self, pack_id: str, values: Mapping[str, float]) -> None:
        """The bar and the mirrors concerned hear of it."""
        for listener in self._concerned[pack_id]:
            listener.progress(pack_id, values)

    def committed(self, pack_id: str) -> None:
        """The bar and the mirrors concerned hear of it."""
        for listener in self._concerned[pack_id]:
            listener.committed(pack_id)

    def failed(self, pack_id: str, reason: str) -> None:
        """The bar and the mirrors concerned hear of it."""
        for listener in self._concerned[pack_id]:
            listener.failed(pack_id, reason)

    def lost(self, pack_id: str, what: Kind) -> None:
        """The bar and the mirrors concerned hear of it."""
        for listener in self._concerned[pack_id]:
            listener.lost(pack_id, what)

    def waiting(self, reason: str) -> None:
        """Everybody hears of it."""
        for listener in self._all:
            listener.waiting(reason)

    def grown(self, plan: LaunchPlan) -> None:
        """Only the mirrors of the studies whose own tables have grown hear of it."""
        names = {grown.name for grown in plan.grown_since(self._plan)}
        self._plan, self._trials = plan, self._trials_of(plan)
        for listener in [self._bar, *(mirror for name, mirror in self._mirrors.items() if name in names)]:
            listener.grown(plan)

    def restarted(self, plan: LaunchPlan, why: str) -> None:
        """Everybody hears of it."""
        for listener in self._all:
            listener.restarted(plan, why)

    def say(self, text: str) -> None:
        """Everybody hears of it."""
        for listener in self._all:
            listener.say(text)

    def end(self) -> None:
        """Everybody hears of it."""
        for listener in self._all:
            listener.end()

    @property
    def _all(self) -> list[Listener]:
        return [self._bar, *self._mirrors.values()]

    def _trials_of(self, plan: LaunchPlan) -> dict[str, set[str]]:
        """The mirrored studies' names → their trials."""
        return {own.name: _trials(own) for own in plan.plans if own.name in self._mirrors}


def _trials(plan: Plan) -> set[str]:
    """The ids of a plan's selected trials, and of the stages that they stand on."""
    return {one.trial_id for row in plan.rows for one in (*row.trial.stages, row.trial)}
