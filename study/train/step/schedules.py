"""What changes from step to step: γ where it is scheduled, β that warms up, and learning rates that fall.

A trial whose settings ask for no warm-up and no slowing is multiplied by nothing at all, and beside others that have them by
exactly 1.
"""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from models.loss.gamma import schedule
from study.declare.trial import Trial
from study.train.stack.stack import Stack

_AHEAD = 64
"""Steps whose scheduled γ is computed at once."""


class Schedules:
    """β and the learning rates in force at each step, elementwise over the pack."""

    def __init__(self, stack: Stack, trials: Sequence[Trial]) -> None:
        settings = [trial.training for trial in trials]
        self._settings = settings[0]
        self._beta = stack.column([trial.objective.beta for trial in trials])
        self._lr = stack.column([each.lr for each in settings])
        self._warms, self._slows = any(each.warm_up for each in settings), any(each.slower for each in settings)
        # After a warm-up of no steps β is whole from the first: any number of steps is more than none.
        self._warm_steps = stack.column([each.warm_up * each.steps for each in settings]).clamp(min=1e-6)
        self._from_zero = stack.column([0.0 if each.warm_up else 1.0 for each in settings])
        self._below = stack.column([each.slower.below if each.slower else 1.0 for each in settings])
        self._power = stack.column([each.slower.power if each.slower else 0.0 for each in settings])

    def beta(self, step: int) -> Float[Tensor, " pack"]:
        """β in force after so many steps: 0 at the first of a warm-up, whole from its end on."""
        if not self._warms:
            return self._beta
        return self._beta * torch.maximum(self._from_zero, (step / self._warm_steps).clamp(max=1.0))

    def lr(self, step: int, gamma: Float[Tensor, " pack"]) -> Float[Tensor, " pack"]:
        """Learning rates after so many steps at γ: times (γ/below)^power where γ is below."""
        lr = self._lr * self._decay(step)
        return lr * (gamma / self._below).clamp(max=1.0) ** self._power if self._slows else lr

    def _decay(self, step: int) -> float:
        """The factor on every learning rate: 1, then linear to `decay_to` at the end."""
        settings = self._settings
        late = step / settings.steps - settings.decay_from
        return 1.0 if late <= 0 else 1 - (1 - settings.decay_to) * late / (1 - settings.decay_from)


def scheduled_gammas(stack: Stack, steps: int, first: int = 0) -> Iterator[Float[Tensor, " pack"]]:
    """The scheduled γ of each step from `first` on.

    Always in the same blocks, since a number's last bit may depend on its place in a vector.
    """
    for start in range(first // _AHEAD * _AHEAD, steps, _AHEAD):
        progress = stack.column([step / steps for step in range(start, min(start + _AHEAD, steps))])
        yield from schedule(stack.knobs, progress[:, None])[max(0, first - start) :]
