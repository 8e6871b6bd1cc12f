"""Which is to blame for a worker's death: its node, or its pack. Knows no Ray, only Ray's words.

A machine that is taken away says nothing about the packs on it, however often that happens. A pack whose worker process
dies on a machine that lives may have caused it.
"""

from collections import Counter
from typing import Literal

Kind = Literal["node", "worker"]

WORKERS = 2
"""Deaths of its worker process after which a pack is blamed: one may be bad luck."""

NODES = 10
"""Losses of its node that a pack is forgiven: one that takes all memory may take the machine with it."""

_OF_NODES = ("its node has died", "the actor is temporarily unavailable")
"""Ray's words, in lower case, for a node that is gone, and for a worker that cannot be reached. On a node that lives a worker
is never unreachable: there the node reports its death at once."""


class WorkerDeaths:
    """Counts the deaths of workers by the packs that they trained."""

    def __init__(self) -> None:
        self._counts: dict[Kind, Counter[str]] = {"node": Counter(), "worker": Counter()}

    def count(self, pack_id: str, words: str) -> Kind:
        """Count a death that Ray reports in these words; returns what died, or counts as dead."""
        is_nodes = any(phrase in words.lower() for phrase in _OF_NODES)
        kind: Kind = "node" if is_nodes and self._counts["node"][pack_id] < NODES else "worker"
        self._counts[kind][pack_id] += 1
        return kind

    def forgiven(self, pack_id: str) -> int:
        """How many more deaths of its worker process the pack is forgiven; below 0 it is to blame."""
        return WORKERS - 1 - self._counts["worker"][pack_id]

    def reason(self, pack_id: str) -> str:
        """What the record of a blamed pack says."""
        lost = self._counts["node"][pack_id]
        return f"its worker process died twice (killed, or out of memory){f', after {lost} losses of its node' * bool(lost)}"
