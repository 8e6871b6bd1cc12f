"""A worker: opens a pack, trains it in slices, commits it. Knows no Ray; what goes wrong is a result."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from models.data_folders import DataError
from study.declare.probe import Probe
from study.errors import RefusalError
from study.pack.handover import read_pack
from study.pack.pack import Pack
from study.record import BRIEF_S, Backoff, Home, HomeError, note
from study.run.checkpointing import Checkpointer

if TYPE_CHECKING:
    from study.train.pack_run import PackRun
    from study.train.probe_run import ProbeRun

DONE = "done"
"""Key of a result that is a pack's last, in Tune's own word: unless it also says why not, the pack is committed."""

FAILED, REFUSED = "failed", "refused"
"""Keys of a last result that says why a pack cannot be trained, or what home or data refused, which is no trial's fault."""

WAITING = "waiting"
"""Key of a result that says why the home refuses for now: the next step tries again."""

STICKY = ("AcceleratorError: CUDA error", "RuntimeError: CUDA error")
"""How a fault begins after which the device answers every further call of the same process with the same fault."""

STARVED = ("OutOfMemory", "out of memory", "allocate memory", "ALLOC_FAILED")
"""Words of Python, torch, CUDA and its libraries for memory that could not be had."""

SLICE_S = 1.0
"""How long a pack trains between two reports, in seconds."""

OnFault = Callable[[str], None]
"""Called with the reason inside of the `except` block, where the traceback of a pack's fault can still be read."""


def _nothing(*_: object) -> None:
    """In place of a checkpoint, and of somebody who reads tracebacks."""


class Worker:
    """One pack in training on one device."""

    def __init__(self, home: str, pack_id: str, device: str, on_fault: OnFault = _nothing) -> None:
        self._where, self._pack_id, self._device = home, pack_id, device
        self._on_fault = on_fault
        self._home: Home | None = None
        self._run: PackRun | ProbeRun | None = None
        self._keep: Callable[[], None] = _nothing
        self._drop: Callable[[], None] = _nothing
        self._patience = Backoff()
        self._is_long = False

    def step(self) -> dict[str, Any]:
        """Train a slice and report on it; the report that is `DONE` comes after the commit.

        Where the home refuses for now, the next step carries this one on, and nothing that was trained is lost. Raises
        what this process does not get over: another process may still train the pack.
        """
        try:
            values = self._advance()
        except HomeError as fault:
            is_trained = self._run is not None and self._run.done
            pause = self._patience.pause(fault, BRIEF_S if is_trained else 0.0)
            if pause is None:
                return self._give_up(REFUSED, str(fault))
            time.sleep(pause)
            return {WAITING: str(fault)}
        except (DataError, RefusalError) as fault:
            return self._give_up(REFUSED, str(fault))
        except Exception as fault:  # a pack that cannot be trained is news for the driver, not the worker's death
            if (reason := reason_of(fault)).startswith(STICKY):
                raise
            self._on_fault(reason)
            return self._give_up(FAILED, reason)
        self._patience.reset()
        return values

    def _advance(self) -> dict[str, Any]:
        self._home = self._home or Home(self._where)
        if self._run is None:
            self._run = self._begun(self._home)
            if self._run is None:
                return {DONE: True}
        values = {} if self._run.done else self._run.advance(SLICE_S)
        if not self._run.done:
            self._keep()
            self._is_long = True
            return values
        if values and self._is_long:  # to measure its trials may take long, too: whoever watches should know
            return values
        note(self._home, "commit", self._pack_id, self._run.commit(self._home, self._known))
        self._drop()
        self._run = None
        return values | {DONE: True}

    def _begun(self, home: Home) -> "PackRun | ProbeRun | None":
        """The pack's training; None where an earlier attempt was killed after its commit, or another launch was faster."""
        pack, self._known = read_pack(home, self._pack_id)
        if not pack.trials:
            return None
        if probes := [one for one in pack.trials if isinstance(one, Probe)]:
            return self._begun_probes(home, pack, probes)
        from study.train.pack_run import PackRun  # imports torch, which a driver never needs

        run, checkpointer = PackRun(pack, self._device, home), Checkpointer(home, pack, self._device)
        self._keep, self._drop = partial(checkpointer.keep, run), checkpointer.drop
        note(home, "begin", self._pack_id, pack.trial_ids)
        if step := checkpointer.restore(run):
            note(home, "resume", self._pack_id, pack.trial_ids, step=step)
        return run

    def _begun_probes(self, home: Home, pack: Pack, probes: Sequence[Probe]) -> "ProbeRun":
        """Probes take seconds, so they leave no checkpoints."""
        from study.train.probe_run import ProbeRun

        note(home, "begin", self._pack_id, pack.trial_ids)
        return ProbeRun(pack, probes)

    def _give_up(self, key: str, reason: str) -> dict[str, Any]:
        self._run = None
        return {DONE: True, key: reason}


def reason_of(fault: BaseException) -> str:
    """Why a pack cannot be trained, in one line."""
    text = f"{type(fault).__name__}: {fault}".splitlines()[0][:500]
    starved = isinstance(fault, MemoryError) or any(words in text for words in STARVED)
    return f"out of memory ({text})" if starved else text
