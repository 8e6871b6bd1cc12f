"""What the ways of training that are compared have in common: they take steps until the time is over."""

import time
from abc import ABC, abstractmethod

from models.specs import Training


class StepTimer(ABC):
    """A training in progress."""

    def __init__(self, settings: Training) -> None:
        self._settings, self.step = settings, 0

    @property
    def done(self) -> bool:
        """Whether every step is taken."""
        return self.step >= self._settings.steps

    def advance(self, seconds: float) -> int:
        """Train for about `seconds`; returns the steps taken."""
        start, before = time.monotonic(), self.step
        while not self.done and time.monotonic() - start < seconds:
            self._take_step()
            self.step += 1
        return self.step - before

    def _decay(self) -> float:
        """The factor on the learning rate at this step: 1, then a linear fall to `decay_to`."""
        settings = self._settings
        late = max(0.0, (self.step / settings.steps - settings.decay_from) / (1 - settings.decay_from))
        return 1 - (1 - settings.decay_to) * late

    @abstractmethod
    def _take_step(self) -> None: ...
