"""The events of a launch in training, under the names that everybody uses who hears of them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from study.pack.pack import Pack
from study.plan.launch_plan import LaunchPlan
from study.run.blame import Kind


class Listener(Protocol):
    """Whoever wants to know how packs are doing: the progress bar, a study's mirror, the router that serves them all.

    A pack begins, makes progress, and is committed or has failed; meanwhile it may be lost, or wait, and is trained on. Every
    method is called on the driver's thread, between two steps of the training, and must return at once.
    """

    def begin(self, packs: Sequence[Pack]) -> None:
        """A round of packs is handed out; packs of earlier rounds that were not committed no longer count."""
        ...

    def progress(self, pack_id: str, values: Mapping[str, float]) -> None:
        """How far a pack is: `step` of `steps`, the last `taken` in `took_s` seconds, throughput, and what its losses say."""
        ...

    def committed(self, pack_id: str) -> None:
        """The records hold a pack's results."""
        ...

    def failed(self, pack_id: str, reason: str) -> None:
        """A pack cannot be trained as it is; where it holds several trials, it is tried again or halved."""
        ...

    def lost(self, pack_id: str, what: Kind) -> None:
        """A pack lost its worker, or the node under it, and is trained again."""
        ...

    def waiting(self, reason: str) -> None:
        """The home refuses for now; what was refused is tried again."""
        ...

    def grown(self, plan: LaunchPlan) -> None:
        """Results asked for further rows, which the plan now has. No pack is in training."""
        ...

    def restarted(self, plan: LaunchPlan, why: str) -> None:
        """The executor died and starts again, with what the plan still misses."""
        ...

    def say(self, text: str) -> None:
        """Something that a person should read now, and that is no event of a pack."""
        ...

    def end(self) -> None:
        """No pack trains any more: one that was neither committed nor failed was cut short."""
        ...
