"""A listener that writes down every event, for tests that ask what was heard."""

from collections.abc import Mapping, Sequence
from typing import Any

from study.pack.pack import Pack
from study.plan.launch_plan import LaunchPlan
from study.run.blame import Kind


class EventLog:
    """`events` are (verb, arguments) in the order in which they were heard."""

    def __init__(self) -> None:
        self.events: list[tuple[str, tuple[Any, ...]]] = []

    def of(self, verb: str) -> list[Any]:
        """The arguments of each such event; the argument itself where there is only one."""
        heard = [arguments for name, arguments in self.events if name == verb]
        return [arguments[0] if len(arguments) == 1 else arguments for arguments in heard]

    def _hear(self, verb: str, *arguments: Any) -> None:
        self.events.append((verb, arguments))

    def begin(self, packs: Sequence[Pack]) -> None:
        self._hear("begin", packs)

    def progress(self, pack_id: str, values: Mapping[str, float]) -> None:
        self._hear("progress", pack_id, values)

    def committed(self, pack_id: str) -> None:
        self._hear("committed", pack_id)

    def failed(self, pack_id: str, reason: str) -> None:
        self._hear("failed", pack_id, reason)

    def lost(self, pack_id: str, what: Kind) -> None:
        self._hear("lost", pack_id, what)

    def waiting(self, reason: str) -> None:
        self._hear("waiting", reason)

    def grown(self, plan: LaunchPlan) -> None:
        self._hear("grown", plan)

    def restarted(self, plan: LaunchPlan, why: str) -> None:
        self._hear("restarted", plan, why)

    def say(self, text: str) -> None:
        self._hear("say", text)

    def end(self) -> None:
        self._hear("end")
