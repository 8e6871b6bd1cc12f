"""What an actor does with a pack: opens it, trains it in slices, commits it. Knows no Ray; what went wrong is a result."""

import time
from typing import TYPE_CHECKING, Any

from models.places import DataError
from study.faults import DeclarationError
from study.keeper import Keeper
from study.packs import read_pack
from study.record import Home, HomeError, note

if TYPE_CHECKING:
    from study.packed import PackRun

FAULT, REFUSAL = "fault", "refusal"
"""Keys of a result that says why a pack cannot be trained, or that home or data are not to be had: no trial's fault."""

STICKY = ("AcceleratorError: CUDA error", "RuntimeError: CUDA error")
"""How a fault begins after which the device answers its process every further call with the same fault."""

STARVED = ("OutOfMemory", "out of memory", "allocate memory", "ALLOC_FAILED")
"""Words of Python, torch, CUDA and its libraries for memory that was not to be had."""

SLICE_S = 1.0
"""How long a pack is trained between two reports, in seconds."""

PAUSES_S = (0.5, 2.0, 8.0)
"""Pauses before a commit that the home refused is tried again: a moment's refusal must not cost a trained pack."""


class Trainer:
    """One pack in training on one device."""

    def __init__(self, home: Home, pack_id: str, device: str) -> None:
        self._home, self._pack_id, self._device = home, pack_id, device
        self._run: PackRun | None = None

    def step(self) -> dict[str, Any]:
        """Train a slice and report on it; `done` is true in the last report, after the commit.

        Raises whatever the process does not get over: another one may still train the pack.
        """
        try:
            return self._advance()
        except (HomeError, DataError, DeclarationError) as fault:
            self._run = None
            return {"done": True, REFUSAL: str(fault)}
        except Exception as fault:  # a pack that cannot be trained is news for the driver, not the actor's death
            self._run = None
            if (reason := _reason(fault)).startswith(STICKY):
                raise
            return {"done": True, FAULT: reason}

    def _advance(self) -> dict[str, Any]:
        from study.packed import PackRun  # imports torch, which a driver never needs

        if self._run is None:
            pack, self._known = read_pack(self._home, self._pack_id)
            if not pack.trials:  # an earlier attempt was killed after its commit, or another launch was faster
                return {"done": True}
            self._run, self._keeper = PackRun(pack, self._device, self._home), Keeper(self._home, pack, self._device)
            note(self._home, "begin", self._pack_id, pack.trial_ids)
            if step := self._keeper.restore(self._run):
                note(self._home, "resume", self._pack_id, pack.trial_ids, step=step)
        values = self._run.advance(SLICE_S)
        if not self._run.done:
            self._keeper.keep(self._run)
            return values
        note(self._home, "commit", self._pack_id, self._committed(self._run))
        self._keeper.drop()
        self._run = None
        return values | {"done": True}

    def _committed(self, trained: "PackRun") -> list[str]:
        """Commit a trained pack; the trials whose result is new."""
        for pause in PAUSES_S:
            try:
                return trained.commit(self._home, self._known)
            except HomeError:
                time.sleep(pause)
        return trained.commit(self._home, self._known)


def _reason(fault: Exception) -> str:
    """Why a pack cannot be trained, in one line."""
    text = f"{type(fault).__name__}: {fault}".splitlines()[0][:500]
    starved = isinstance(fault, MemoryError) or any(words in text for words in STARVED)
    return f"out of memory ({text})" if starved else text
