"""What becomes of packs in training: the listener hears it, the guilty pack is found, and lost ones are tried again.

Knows no Ray: what a worker says of its pack reaches `reported` from every executor.
"""

from collections.abc import Mapping
from typing import Any

from study.record import HomeError
from study.run.blame import WorkerDeaths
from study.run.executor import ExecutorLostError
from study.run.listener import Listener
from study.run.worker import DONE, FAILED, REFUSED, WAITING
from study.secrets import masked


class Outcomes:
    """Passes events on to the listener as they come; `failures` is pack_id → reason."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._deaths = WorkerDeaths()
        self._started: set[str] = set()
        self._spared: list[str] = []
        self._refusal: str | None = None
        self._unstartable: str | None = None
        self.failures: dict[str, str] = {}

    def started(self, pack_id: str) -> int:
        """The pack has a worker; returns how many more deaths of one it is forgiven."""
        self._started.add(pack_id)
        return max(0, self._deaths.forgiven(pack_id))

    def reported(self, pack_id: str, result: Mapping[str, Any]) -> None:
        """A worker has taken a step with the pack, and this came of it."""
        if REFUSED in result:
            self._refusal = result[REFUSED]
        elif FAILED in result:
            self._fail(pack_id, result[FAILED])
        elif WAITING in result:
            self._listener.waiting(result[WAITING])
        else:
            values = {name: value for name, value in result.items() if isinstance(value, int | float)}
            self._listener.progress(pack_id, values)
            if result.get(DONE):
                self._listener.committed(pack_id)

    def died(self, pack_id: str, words: str) -> bool:
        """Its worker is gone, which Ray reports in these words; returns whether the pack is to be trained again."""
        kind = self._deaths.count(pack_id, words)
        if again := self._deaths.forgiven(pack_id) >= 0:
            self._listener.lost(pack_id, kind)
        return again

    def given_up(self, pack_id: str, words: str, by_death: bool) -> None:
        """Tune gives the pack up: its worker is gone or, where it was not `by_death`, has said these words."""
        if by_death and self.died(pack_id, words):
            self._spared.append(pack_id)
        elif pack_id not in self._started:  # it never had a worker: the pack is not to blame
            self._unstartable = words.splitlines()[-1]
        else:
            self._fail(pack_id, self._deaths.reason(pack_id) if by_death else words)

    def raise_refusal(self) -> None:
        """Raises: HomeError where home or data refused; ExecutorLostError where no worker could be started."""
        if self._refusal:
            raise HomeError(self._refusal)
        if self._unstartable:
            raise ExecutorLostError(f"a worker could not be started ({self._unstartable[:500]})")

    def take_spared(self) -> list[str]:
        """The packs that Tune gave up and that are not to blame: whoever takes them tries them again."""
        spared, self._spared = self._spared, []
        return spared

    def _fail(self, pack_id: str, reason: str) -> None:
        self.failures[pack_id] = masked(reason)
        self._listener.failed(pack_id, self.failures[pack_id])
