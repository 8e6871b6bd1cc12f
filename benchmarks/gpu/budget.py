"""Time for the parts of a run: each gets its turn, and what one leaves goes to those after it."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass


class OutOfTimeError(Exception):
    """A part is over, and its work is not."""


@dataclass(frozen=True)
class Deadline:
    """When a part is over, by `time.monotonic`."""

    at: float = math.inf

    @property
    def left(self) -> float:
        """Seconds until then."""
        return self.at - time.monotonic()

    def check(self) -> None:
        """Raises: OutOfTimeError."""
        if self.left <= 0:
            raise OutOfTimeError


class Budget:
    """So many seconds, shared out by weight among parts that take their turns in order."""

    def __init__(self, seconds: float, weights: Mapping[str, float]) -> None:
        self._end, self._weights = time.monotonic() + seconds, dict(weights)

    def turn(self, part: str) -> Deadline:
        """A part begins: when it must be over, so that those that had no turn yet keep their share of what is left."""
        now, all_that_wait = time.monotonic(), sum(self._weights.values())
        return Deadline(now + (self._end - now) * self._weights.pop(part) / all_that_wait)
