"""The wait for a node to train on: a head may offer nothing, workers join later, and all may go. Knows no Ray."""

import time
from collections.abc import Callable, Mapping

from study.errors import ClusterError

WORKERS_S = 900.0
"""How long a cluster may be without a node to train on, in seconds."""

NEWS_S = 5.0
"""How long it may be so before a person hears of it, in seconds."""


class Wait:
    """Waits for a node with this resource: `ask` returns what the cluster has, `say` tells a person what is missing."""

    def __init__(self, resource: str, ask: Callable[[], Mapping[str, float]], say: Callable[[str], None]) -> None:
        self._resource, self._ask, self._say = resource, ask, say
        self._since: float | None = None
        self._has_said = False

    def look(self) -> Mapping[str, float] | None:
        """What the cluster has; None where no node of it trains.

        Raises: ClusterError where that has been so for `WORKERS_S`.
        """
        has, now = self._ask(), time.monotonic()
        if has.get(self._resource):
            self._since, self._has_said = None, False
            return has
        self._since = self._since or now
        without = f"the Ray cluster has no node with a {self._resource} to train on"
        if now - self._since > WORKERS_S:
            raise ClusterError(f"{without}: start a worker, and launch again")
        if now - self._since > NEWS_S and not self._has_said:
            self._has_said = True
            self._say(f"{without}: waiting for one, {WORKERS_S / 60:.0f} min at most")
        return None

    def over(self) -> Mapping[str, float]:
        """What the cluster has as soon as a node of it trains. Raises: ClusterError where none comes."""
        while not (has := self.look()):
            time.sleep(1)
        return has
