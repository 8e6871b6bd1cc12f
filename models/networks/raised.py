"""What a user's code raises, as one sentence that shows the line to mend."""

import linecache
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from models.networks.own_outputs import NetworkError

LONGEST = 100
"""The most characters of a line that a sentence shows."""

_MACHINES = (MemoryError, torch.OutOfMemoryError, torch.AcceleratorError)
_OF_A_MACHINE = re.compile("out of memory|allocate memory|ALLOC_FAILED|CUDA error")
"""How faults of the machine are known, which no user can mend in the code."""


@contextmanager
def told(what: str) -> Iterator[None]:
    """Raises: NetworkError for whatever the user's code raises, but for faults of the machine, which stay as they are."""
    try:
        yield
    except NetworkError:
        raise
    except (Exception, SystemExit) as fault:
        if is_of_a_machine(fault):
            raise
        raise NetworkError(raised(what, fault)) from fault


def is_of_a_machine(fault: BaseException) -> bool:
    """Whether memory or the device failed, and not the user's code: workers know such a fault by its own words."""
    return isinstance(fault, _MACHINES) or _OF_A_MACHINE.search(str(fault)) is not None


def raised(what: str, fault: BaseException) -> str:
    """ "my_term raises AttributeError: …: fix `return z.foo()`"."""
    if isinstance(fault, ModuleNotFoundError) and not str(fault).startswith("No module named"):  # our own sentence
        return f"{what.partition(',')[0]}: {fault}"
    line = _line(fault)
    return f"{what} raises {said(fault)}: fix {f'`{line}`' if line else 'it'}"


def said(fault: BaseException) -> str:
    """What an exception says, on one line."""
    text = " ".join(str(fault).split())[:240]
    return f"{type(fault).__name__}: {text}" if text else type(fault).__name__


def _line(fault: BaseException) -> str:
    """The last line of a user's source that the exception came through."""
    frames = [each for each in traceback.extract_tb(fault.__traceback__) if each.filename.startswith("<source of ")]
    line = linecache.getline(frames[-1].filename, frames[-1].lineno or 0).strip() if frames else ""
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
