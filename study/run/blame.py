"""Whose fault a worker's death is: its node's, or its pack's. Knows no Ray, only what Ray says.

A machine that is taken away says nothing about the packs on it, however often that happens; a pack whose worker process
dies on a machine that lives may have brought that about.
"""

from collections import Counter
from typing import Literal

Kind = Literal["node", "worker"]

WORKERS = 2
"""Deaths of its worker process after which a pack is blamed: one may be bad luck."""

NODES = 10
"""Losses of its node that a pack is forgiven: one that takes all memory may take the machine with it."""

_OF_NODES = ("its node has died", "the actor is temporarily unavailable")
"""Ray's words, in lower case, for a node that is gone, and for a worker that cannot be reached, which it never is on a
node that lives: there the node tells of its death at once."""


class Deaths:
    """The deaths of workers, counted by the packs that they trained."""

    def __init__(self) -> None:
        self._counted: dict[Kind, Counter[str]] = {"node": Counter(), "worker": Counter()}

    def count(self, pack_id: str, words: str) -> Kind:
        """Count a death that Ray tells in these words; returns what died, or is to be taken for it."""
        is_nodes = any(phrase in words.lower() for phrase in _OF_NODES)
        kind: Kind = "node" if is_nodes and self._counted["node"][pack_id] < NODES else "worker"
        self._counted[kind][pack_id] += 1
        return kind

    def patience(self, pack_id: str) -> int:
        """How many more deaths of its worker process the pack is forgiven; below 0 it is to blame."""
        return WORKERS - 1 - self._counted["worker"][pack_id]

    def told(self, pack_id: str) -> str:
        """What the record of a blamed pack says."""
        lost = self._counted["node"][pack_id]
        return f"its worker process died twice (killed, or out of memory){f', after {lost} losses of its node' * bool(lost)}"
