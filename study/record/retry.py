"""How long a home's refusals are waited out.

A store that is throttled, whose role has expired or whose network hiccups refuses for minutes, and then goes on: what it
refused is tried again, so that neither a trained pack nor the launch is lost to it. A full disk, a read-only home or a
missing right stays until a person mends it, and is told soon.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from study.record.home import HomeError

T = TypeVar("T")

PATIENCE_S = 600.0
"""How long after the first of a row of refusals that may pass the last try is made, in seconds."""

BRIEF_S = 10.0
"""The same for refusals that will hardly pass, where a trained pack would be lost: somebody may just be making room."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Pauses between tries, in seconds: each is twice the one before, and up to a half shorter by chance, so that the workers
of a throttled store do not come back all at once."""


class Patience:
    """Waits out the refusals of one home, until something succeeds."""

    def __init__(self) -> None:
        self._chance = random.Random()
        self.reset()

    def reset(self) -> None:
        """Something has succeeded: the next refusal is the first of a row."""
        self._since: float | None = None
        self._pause = FIRST_PAUSE_S

    def pause(self, refusal: HomeError, brief_s: float = 0.0) -> float | None:
        """Seconds to wait before the next try, None where there should be none.

        What will hardly pass is tried again for `brief_s`.
        """
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        left = self._since + (PATIENCE_S if refusal.may_pass else brief_s) - now
        if left <= 0:
            return None
        pause = min(left, self._pause * self._chance.uniform(0.5, 1.0))
        self._pause = min(2 * self._pause, LONGEST_PAUSE_S)
        return pause


def outlast(action: Callable[[], T], tell: Callable[[str], None]) -> T:
    """The action's value, tried again while the home's refusals may pass; `tell` hears of each. Raises: HomeError."""
    patience = Patience()
    while True:
        try:
            return action()
        except HomeError as refusal:
            if (pause := patience.pause(refusal)) is None:
                raise
            tell(str(refusal))
            time.sleep(pause)
