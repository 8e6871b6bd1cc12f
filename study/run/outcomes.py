"""What becomes of packs while they train: who is told of it, who is to blame, and what is to be tried again. Knows no Ray."""

from collections.abc import Mapping
from typing import Any, Protocol

from study.record import HomeError
from study.run.blame import Deaths, Kind
from study.run.worker import FAULT, REFUSAL, WAITING
from study.secrets import masked


class RayLostError(Exception):
    """Ray could not be started, or died; the message says which."""


class Watcher(Protocol):
    """Whoever wants to know how packs are doing. Called in the driver, from Tune's loop: must return at once."""

    def progress(self, pack_id: str, values: Mapping[str, float]) -> None: ...

    def committed(self, pack_id: str) -> None: ...

    def waiting(self, reason: str) -> None: ...

    def lost(self, pack_id: str, what: Kind) -> None: ...

    def failed(self, pack_id: str, reason: str) -> None: ...

    def say(self, text: str) -> None: ...


class Fates:
    """Passed on to the watcher as they come; `failures` is pack_id → reason. What no pack can survive is raised."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._deaths = Deaths()
        self._started: set[str] = set()
        self._spared: list[str] = []
        self._refusal: str | None = None
        self._unstartable: str | None = None
        self.failures: dict[str, str] = {}

    def started(self, pack_id: str) -> int:
        """The pack has a worker; returns how many more deaths of one it is forgiven."""
        self._started.add(pack_id)
        return max(0, self._deaths.patience(pack_id))

    def reported(self, pack_id: str, result: Mapping[str, Any]) -> None:
        if REFUSAL in result:
            self._refusal = result[REFUSAL]
        elif FAULT in result:
            self._fail(pack_id, result[FAULT])
        elif WAITING in result:
            self._watcher.waiting(result[WAITING])
        else:
            values = {name: value for name, value in result.items() if isinstance(value, int | float)}
            self._watcher.progress(pack_id, values)

    def completed(self, pack_id: str) -> None:
        if pack_id not in self.failures and not self._refusal:
            self._watcher.committed(pack_id)

    def died(self, pack_id: str, words: str) -> bool:
        """Its worker is gone, and Ray says this of it; returns whether the pack is to be trained again."""
        kind = self._deaths.count(pack_id, words)
        if again := self._deaths.patience(pack_id) >= 0:
            self._watcher.lost(pack_id, kind)
        return again

    def given_up(self, pack_id: str, words: str, by_death: bool) -> None:
        """Tune gives the pack up: its worker is gone or, where it was not `by_death`, has said these words."""
        if by_death and self.died(pack_id, words):
            self._spared.append(pack_id)
        elif pack_id not in self._started:  # it never had a worker: the pack is not to blame
            self._unstartable = words.splitlines()[-1]
        else:
            self._fail(pack_id, self._deaths.told(pack_id) if by_death else words)

    def complain(self) -> None:
        """Raises: HomeError where the home or the data could not be had; RayLostError where no worker could be started."""
        if self._refusal:
            raise HomeError(self._refusal)
        if self._unstartable:
            raise RayLostError(f"a worker could not be started ({self._unstartable[:500]})")

    def taken_spared(self) -> list[str]:
        """The packs that were given up and are not to blame: whoever takes them tries them again."""
        spared, self._spared = self._spared, []
        return spared

    def _fail(self, pack_id: str, reason: str) -> None:
        self.failures[pack_id] = masked(reason)
        self._watcher.failed(pack_id, self.failures[pack_id])
