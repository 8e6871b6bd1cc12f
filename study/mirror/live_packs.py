"""Packs in training, each shown live as a run of its own until it is committed, fails or is cut short."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from study.mirror.cells import Server

PERIOD_S = 5.0
"""Seconds between two requests of a pack: one costs as much for one report as for ten, and slows training down."""

MOST_WAITING = 500
"""So many numbers of a pack are sent at once: MLflow takes a thousand in a request."""

LONGEST_REASON = 4000
"""The most characters of a failure's reason that a run shows."""


@dataclass
class _LivePack:
    """A pack's run, and what is still to be sent of its progress: (name, step) → value, time in ms."""

    run_id: str
    waiting: dict[tuple[str, int], tuple[float, int]] = field(default_factory=dict)
    sent: float = -math.inf


class LivePacks:
    """The runs of packs in training. `create` makes a run of these tags and this name."""

    def __init__(self, server: Server, create: Callable[[Mapping[str, str], str], Any]) -> None:
        self._server, self._create = server, create
        self._packs: dict[str, _LivePack] = {}
        self._settled: set[str] = set()

    def progress(self, pack_id: str, values: Mapping[str, float], step: int, trials: int | None) -> None:
        """Show a pack's progress: its first report at once, later ones together every few seconds."""
        if pack_id in self._settled:
            return
        pack = self._pack(pack_id, f"pack {pack_id}" + (f" · {trials} trials" if trials else ""))
        now = int(1000 * time.time())
        for name, value in values.items():
            if math.isfinite(value):
                pack.waiting.setdefault((f"pack/{name}", step), (float(value), now))
        if time.monotonic() >= pack.sent + PERIOD_S or len(pack.waiting) >= MOST_WAITING:
            self._send(pack)

    def committed(self, pack_id: str) -> None:
        """End a pack's run; reports that arrive later are ignored."""
        self._end(pack_id, "FINISHED")
        self._settled.add(pack_id)

    def failed(self, pack_id: str, reason: str) -> None:
        """Show why a pack failed; it may be tried again."""
        pack = self._pack(pack_id, f"pack {pack_id}")
        note = {"mlflow.note.content": f"Failed: {reason}"[:LONGEST_REASON], "reason": reason[:LONGEST_REASON]}
        self._send(pack)
        self._server.log(pack.run_id, tags=note)
        self._end(pack_id, "FAILED")

    def end(self) -> None:
        """End the packs that were neither committed nor have failed."""
        for pack_id in list(self._packs):
            self._end(pack_id, "KILLED")
            self._settled.add(pack_id)

    def _pack(self, pack_id: str, name: str) -> _LivePack:
        if pack_id not in self._packs:
            run = self._create({"kind": "pack", "pack_id": pack_id}, name)
            self._packs[pack_id] = _LivePack(run.info.run_id)
        return self._packs[pack_id]

    def _send(self, pack: _LivePack) -> None:
        if pack.waiting:
            numbers = [(name, value, now, step) for (name, step), (value, now) in pack.waiting.items()]
            self._server.log(pack.run_id, numbers)
            pack.waiting.clear()
        pack.sent = time.monotonic()

    def _end(self, pack_id: str, status: str) -> None:
        if pack := self._packs.get(pack_id):
            self._send(pack)
            self._server.client.set_terminated(pack.run_id, status)
            del self._packs[pack_id]
