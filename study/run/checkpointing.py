"""Checkpointing of a pack in training: a checkpoint now and then, and the way back from one.

A pack is committed whole, so without checkpoints a kill would cost all of its training. A checkpoint belongs to whatever
decides a pack's numbers: its trials in their order, the results that they stand on, the engine, torch, and the kind of
device. From it the same pack goes on to the same numbers, to the last bit on the same device.
"""

import contextlib
import hashlib
import json
import os
import time
from typing import TYPE_CHECKING

from study.declare.identity import ENGINE
from study.errors import SettingError
from study.pack.pack import Pack
from study.record import (
    Checkpoint,
    Home,
    HomeError,
    deciding_rows,
    drop_checkpoint,
    read_checkpoint,
    stored_ids,
    write_checkpoint,
)
from study.train.declared_columns import installed

if TYPE_CHECKING:
    from study.train.pack_run import PackRun

EVERY_S, TIMES_ITS_COST = 300.0, 100.0
"""A checkpoint is written after so many seconds of training, and after so many times what the last one took.

So packs of less than five minutes write none, and checkpoints take one per cent of the training at most.
"""

SETTING = "COLLAPSAR_CHECKPOINT_S"
"""The environment variable that sets those seconds."""

FORMAT = 3
"""To be raised by one when the state of a training changes its form."""


class Checkpointer:
    """Writes the checkpoints of one pack into the home, and takes the pack back to the last one."""

    def __init__(self, home: Home, pack: Pack, device: str) -> None:
        """Raises: SettingError where the environment sets no valid period; HomeError."""
        self._home, self._device = home, device
        self._trials = pack.trial_ids
        self._key = _key(home, pack, device)
        self._period_s = period_s()
        self._since = time.monotonic()
        self.last_s = 0.0
        """What the last checkpoint took, in seconds."""

    def restore(self, run: "PackRun") -> int:
        """Take a pack that is about to begin to where its checkpoint left it; returns the step, 0 without a checkpoint."""
        if not (found := read_checkpoint(self._home, self._key)):
            return 0
        head, state = found
        try:
            run.go_to(state, head.trained_s)
        except ValueError:  # written by other code under the same versions
            return 0
        return head.step

    def keep(self, run: "PackRun") -> None:
        """Write a checkpoint when it is time."""
        if time.monotonic() - self._since >= max(self._period_s, TIMES_ITS_COST * self.last_s):
            self.write(run)

    def write(self, run: "PackRun") -> None:
        """Write a checkpoint. Where home or memory refuse, the training goes on and nothing is lost."""
        start = time.monotonic()
        step, torch = run.training.step, installed("torch") or ""
        head = Checkpoint(self._key, self._trials, self._device, torch, step, run.spent_s)
        with contextlib.suppress(HomeError, MemoryError):
            write_checkpoint(self._home, head, run.state())
        self._since = time.monotonic()
        self.last_s = self._since - start

    def drop(self) -> None:
        """Delete the checkpoint: the pack is committed, and nobody goes on from here."""
        drop_checkpoint(self._home, self._key)


def period_s() -> float:
    """The fewest seconds between two checkpoints. Raises: SettingError where the environment sets no such number."""
    text = os.environ.get(SETTING, "")
    try:
        seconds = float(text) if text else EVERY_S
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise SettingError(f"{SETTING} is {text}, which is no number of seconds: set it to one, or unset it")
    return seconds


def _key(home: Home, pack: Pack, device: str) -> str:
    stages = [stage.trial_id for trial in pack.trials for stage in trial.stages]
    ids = stored_ids(home) if stages else []
    commits = {trial: ids[index].commit_id for trial, index in deciding_rows(ids).items()}
    content = [FORMAT, ENGINE, installed("torch"), device.partition(":")[0]]
    content += [pack.trial_ids, [commits.get(stage) for stage in stages]]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
