"""What changes from step to step: γ where it is scheduled, β that warms up, and learning rates and momenta.

A trial whose settings ask for no warm-up and no slowing is multiplied by nothing at all, and beside others that have them by
exactly 1.
"""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from models.loss.gamma import schedule
from models.specs import OneCycle
from study.declare.trial import Trial
from study.train.stack.stack import Stack
from study.train.step.lr_schedule import factor, momentum

_AHEAD = 64
"""Steps whose scheduled γ is computed at once."""


class Schedules:
    """β, the learning rates and the momenta in force at each step, elementwise over the pack."""

    def __init__(self, stack: Stack, trials: Sequence[Trial]) -> None:
        settings = [trial.training for trial in trials]
        self._stack, self._steps = stack, settings[0].steps
        self._beta = stack.column([trial.objective.beta for trial in trials])
        self._lr = stack.column([each.lr for each in settings])
        self._warms, self._slows = any(each.warm_up for each in settings), any(each.slower for each in settings)
        # After a warm-up of no steps β is whole from the first: any number of steps is more than none.
        self._warm_steps = stack.column([each.warm_up * each.steps for each in settings]).clamp(min=1e-6)
        self._from_zero = stack.column([0.0 if each.warm_up else 1.0 for each in settings])
        self._below = stack.column([each.slower.below if each.slower else 1.0 for each in settings])
        self._power = stack.column([each.slower.power if each.slower else 0.0 for each in settings])
        schedules = [each.schedule_in_force for each in settings]
        self._distinct = list(dict.fromkeys(schedules))
        self._place = [self._distinct.index(each) for each in schedules]
        self._of_trial = torch.tensor(self._place, device=stack.device)
        self._cycles = any(isinstance(each, OneCycle) and each.momentum for each in self._distinct)
        self._momenta = [each.momentum or 0.0 for each in settings]

    def beta(self, step: int) -> Float[Tensor, " pack"]:
        """β in force after so many steps: 0 at the first of a warm-up, whole from its end on."""
        if not self._warms:
            return self._beta
        return self._beta * torch.maximum(self._from_zero, (step / self._warm_steps).clamp(max=1.0))

    def lr(self, step: int, gamma: Float[Tensor, " pack"]) -> Float[Tensor, " pack"]:
        """Learning rates after so many steps at γ: times (γ/below)^power where γ is below."""
        factors = [factor(each, step, self._steps) for each in self._distinct]
        lr = self._lr * (factors[0] if len(factors) == 1 else self._stack.column(factors)[self._of_trial])
        return lr * (gamma / self._below).clamp(max=1.0) ** self._power if self._slows else lr

    def momenta(self, step: int) -> Sequence[float] | None:
        """Each trial's momentum, where a schedule changes any; None: as optimisers declare them."""
        if not self._cycles:
            return None
        cycled = [momentum(each, step, self._steps) for each in self._distinct]
        found = zip((cycled[place] for place in self._place), self._momenta, strict=True)
        return [own if other is None else other for other, own in found]


def scheduled_gammas(stack: Stack, steps: int, first: int = 0) -> Iterator[Float[Tensor, " pack"]]:
    """The scheduled γ of each step from `first` on.

    Always in the same blocks, since a number's last bit may depend on its place in a vector.
    """
    for start in range(first // _AHEAD * _AHEAD, steps, _AHEAD):
        progress = stack.column([step / steps for step in range(start, min(start + _AHEAD, steps))])
        yield from schedule(stack.knobs, progress[:, None])[max(0, first - start) :]
