"""Trying again what a home has refused, and for how long.

A store that throttles, whose role has expired or whose network hiccups refuses for minutes and then recovers: what it
refused is tried again, so that neither a trained pack nor the launch is lost. A full disk, a read-only home or a missing
permission stays until a person fixes it, and is reported soon.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from study.record.home import HomeError

T = TypeVar("T")

PATIENCE_S = 600.0
"""Seconds from the first of a series of passing refusals to the last try."""

BRIEF_S = 10.0
"""The same for refusals that will hardly pass, if a trained pack would be lost: somebody may just be freeing disk space."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Pauses between tries, in seconds: each is twice the one before, and at random up to a half shorter, so that the workers
of a throttled store do not all come back at once."""


class Backoff:
    """How long to wait before the next try, while one home refuses."""

    def __init__(self) -> None:
        self._chance = random.Random()
        self.reset()

    def reset(self) -> None:
        """Something has succeeded: the next refusal begins a new series."""
        self._since: float | None = None
        self._pause = FIRST_PAUSE_S

    def pause(self, refusal: HomeError, brief_s: float = 0.0) -> float | None:
        """Seconds to wait before the next try; None to give up. A refusal that will hardly pass is retried for `brief_s`."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        left = self._since + (PATIENCE_S if refusal.may_pass else brief_s) - now
        if left <= 0:
            return None
        pause = min(left, self._pause * self._chance.uniform(0.5, 1.0))
        self._pause = min(2 * self._pause, LONGEST_PAUSE_S)
        return pause


def with_retries(action: Callable[[], T], tell: Callable[[str], None]) -> T:
    """The action's value; it is tried again while the home's refusals may pass, and `tell` hears each. Raises: HomeError."""
    patience = Backoff()
    while True:
        try:
            return action()
        except HomeError as refusal:
            if (pause := patience.pause(refusal)) is None:
                raise
            tell(str(refusal))
            time.sleep(pause)
