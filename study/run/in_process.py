"""Training packs in this process, one after another: no Ray is started, or even imported.

For breakpoints in one's own network, for notebooks and for tests. Packs, their handover, commits, checkpoints and failures
are those of a Ray worker, and so are the numbers; only two things differ. A fault that a device never gets over ends the
launch, since no other process is there to go on. And the code of a network, where it kills its process, kills the launch.
"""

import contextlib
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from study.pack.cost import CPU_CORE, GPU
from study.pack.devices import Pool
from study.pack.pack import Pack
from study.record import Home
from study.run.executor import ExecutorLostError
from study.run.listener import Listener
from study.run.outcomes import Outcomes
from study.run.worker import DONE, FAILED, OnFault, Worker, reason_of


@contextlib.contextmanager
def opened(show: Callable[[str], None]) -> Iterator["InProcess"]:
    """An executor on the GPU of this process, or on one core where torch finds none; `show` gets a fault's traceback.

    One core, and torch as a Ray worker has it, whatever the user's own code has set: then a trial has the same numbers
    wherever it trains.
    """
    import torch  # takes seconds, and a launch that has nothing to train never needs it

    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float32)
    try:
        device = GPU if torch.cuda.is_available() else CPU_CORE
        with torch.enable_grad():
            yield InProcess((Pool(device, 1),), _Tracebacks(show))
    finally:
        torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)


@dataclass(frozen=True)
class InProcess:
    """Trains packs one after another."""

    pools: Sequence[Pool]
    on_fault: OnFault

    def run(self, packs: Sequence[Pack], home: Home, listener: Listener) -> Mapping[str, str]:
        """Raises: HomeError; ExecutorLostError where the device answers this process no more."""
        outcomes = Outcomes(listener)
        for pack in packs:
            worker, result = Worker(home.uri, pack.pack_id, pack.device, self.on_fault), {}
            while not result.get(DONE):
                result = _step(worker)
                outcomes.reported(pack.pack_id, result)
            outcomes.raise_refusal()
        return outcomes.failures


def _step(worker: Worker) -> dict[str, Any]:
    try:
        return worker.step()
    except SystemExit as fault:  # a network that leaves the program
        return {DONE: True, FAILED: reason_of(fault)}
    except Exception as fault:
        raise ExecutorLostError(f"the device no longer answers this process ({reason_of(fault)})", True) from fault


class _Tracebacks:
    """Shows where a pack's fault was raised, once for each reason: the same fault meets every half of the pack again."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._shown: set[str] = set()

    def __call__(self, reason: str) -> None:
        if reason not in self._shown and not reason.startswith("out of memory"):
            self._shown.add(reason)
            self._show(traceback.format_exc())
