"""Who hears what happens to packs: the bar, and the ledgers of the studies whose trials are in them."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from study.cli import counted
from study.launch.progress_bar import Bar
from study.mirror.mirror import Ledger
from study.pack.pack import Pack
from study.plan.launch_plan import LaunchPlan
from study.plan.plan import Plan
from study.record import PATIENCE_S
from study.run.blame import Kind

_SHOWN = ("trial_steps_per_s", "diverged", "objective_", "gamma_", "n_active_")
"""What of a pack's progress a ledger shows, by the beginnings of the names."""


class Watch:
    """Passes what happens to packs on. `ledgers` are the mirrored studies' own, by the plans' names."""

    def __init__(self, bar: Bar, ledgers: Mapping[str, Ledger]) -> None:
        self._bar, self._ledgers = bar, ledgers
        self._sizes: dict[str, int] = {}
        self._trials: dict[str, set[str]] = {}
        self._concerned: dict[str, list[Ledger]] = {}
        self._is_told = False

    def begin(self, plans: LaunchPlan) -> None:
        """From now on these are the studies' trials."""
        self._trials = {plan.name: _trials(plan) for plan in plans.plans if plan.name in self._ledgers}

    def expect(self, packs: Sequence[Pack]) -> None:
        """The packs of the coming round."""
        self._sizes |= {pack.pack_id: len(pack.trials) for pack in packs}
        self._concerned |= {pack.pack_id: self._whose(pack) for pack in packs}
        self._bar.expect(packs)

    def _whose(self, pack: Pack) -> list[Ledger]:
        return [self._ledgers[name] for name, trials in self._trials.items() if not trials.isdisjoint(pack.trial_ids)]

    def grown(self, plans: LaunchPlan, which: Iterable[Plan], trials: int) -> None:
        """Rows have come to the tables of some: so many trials to be trained."""
        self._bar.grow(trials)
        self.begin(plans)
        for plan in which:
            if ledger := self._ledgers.get(plan.name):
                ledger.grown()

    def restart(self, plans: LaunchPlan, why: str) -> None:
        """Ray died, and starts again."""
        self._bar.restart(len(plans.missing), why)

    def progress(self, pack_id: str, values: Mapping[str, float]) -> None:
        self._bar.step(pack_id, values)
        shown = {name: value for name, value in values.items() if name.startswith(_SHOWN)}
        for ledger in self._concerned[pack_id]:
            ledger.progress(pack_id, shown, int(values.get("step", 0)), self._sizes[pack_id])

    def waiting(self, reason: str) -> None:
        """The home refuses for now. Told once, until something is committed again: every worker will say so."""
        if not self._is_told:
            self._bar.say(f"{reason}; trying again for up to {PATIENCE_S / 60:g} minutes")
        self._is_told = True

    def committed(self, pack_id: str) -> None:
        self._is_told = False
        self._bar.done(pack_id)
        for ledger in self._concerned[pack_id]:
            ledger.committed(pack_id)

    @contextlib.contextmanager
    def told_of_interruption(self) -> Iterator[None]:
        """Answers Ctrl-C at once: to take Ray down takes seconds."""
        try:
            yield
        except KeyboardInterrupt:
            self._bar.say("stopping (Ctrl-C again leaves at once)")
            raise

    def lost(self, pack_id: str, what: Kind) -> None:
        died = "node was lost" if what == "node" else "worker died"
        self._bar.say(f"a {died}: its pack of {counted(self._sizes[pack_id], 'trial')} is trained again")

    def say(self, text: str) -> None:
        self._bar.say(text)

    def failed(self, pack_id: str, reason: str) -> None:
        if (size := self._sizes[pack_id]) > 1:
            self._bar.say(
                f"a pack of {size} trials cannot be trained ({reason}): trying it again, in halves if it got no further"
            )
        for ledger in self._concerned[pack_id]:
            ledger.failed(pack_id, reason)


def _trials(plan: Plan) -> set[str]:
    """The ids of a plan's chosen trials, and of the stages that they stand on."""
    return {one.trial_id for row in plan.rows for one in (*row.trial.stages, row.trial)}
