"""How long a step takes: the fastest of several rounds, in which the ways that are compared take turns."""

import math
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import torch

ROUNDS = 3


class Trainer(Protocol):
    """Anything that trains: `advance` takes about so many seconds and returns the steps taken."""

    @property
    def done(self) -> bool:
        """Whether every step is taken."""
        ...

    def advance(self, seconds: float) -> int:
        """Train for about `seconds`; returns the steps taken."""
        ...


class Pace(NamedTuple):
    """Seconds of a step, and those that pass once before the first: what is made, traced and compiled."""

    step_s: float
    start_s: float


Ways = Mapping[str, Callable[[], Trainer]]


def now(device: str) -> float:
    """Seconds, once a device has done its work: the core's own on a CPU, which others hardly change, else the clock's."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
        return time.perf_counter()
    return time.process_time()


def fastest(ways: Ways, device: str, span_s: float) -> dict[str, Pace | None]:
    """The pace of each way; None where memory is too small."""
    steps_s, starts_s = dict.fromkeys(ways, math.inf), {}
    trainers: dict[str, Trainer] = {}
    try:
        for way, make in list(ways.items()) * ROUNDS:
            if way not in trainers or trainers[way].done:
                begin = now(device)
                trainers[way] = make()
                first = 0
                while not first:  # one step or call: allocations, and whatever is prepared once
                    first = trainers[way].advance(1e-5)
                starts_s.setdefault(way, (now(device) - begin, first))
            begin = now(device)
            steps = trainers[way].advance(span_s)
            steps_s[way] = min(steps_s[way], (now(device) - begin) / steps if steps else math.inf)
    except (torch.OutOfMemoryError, MemoryError):
        torch.cuda.empty_cache()
        return dict.fromkeys(ways)
    return {way: Pace(steps_s[way], max(0.0, start - first * steps_s[way])) for way, (start, first) in starts_s.items()}
