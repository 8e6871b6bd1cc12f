"""What changes from step to step: γ where it is scheduled, β that warms up, and learning rates and momenta.

A trial whose settings ask for no warm-up and no slowing is multiplied by nothing at all, and beside others that have them by
exactly 1.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from models.loss.gamma import schedule
from models.specs import OneCycle
from study.declare.trial import Trial
from study.train.stack.stack import Stack
from study.train.stack.trained_numbers import of_rows
from study.train.step.lr_schedule import factor, momentum

_AHEAD = 64
"""Steps whose numbers are computed at once, always the same ones: a number's last bit may depend on its place in a vector."""

PerStep = Float[Tensor, "steps pack"]


class Moment(NamedTuple):
    """β, the learning rates and the scheduled γ of one step, and the momenta where a schedule changes them."""

    beta: Float[Tensor, " pack"]
    lr: Float[Tensor, " pack"]
    gamma: Float[Tensor, " pack"]
    momenta: Sequence[float] | None


class Schedules:
    """What is in force at each step, elementwise over the pack."""

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
        self.cycles = any(isinstance(each, OneCycle) and each.momentum for each in self._distinct)
        """Whether any trial's momentum changes from step to step."""
        self._momenta = [each.momentum or 0.0 for each in settings]
        self._start = -1

    def at(self, step: int) -> Moment:
        """What is in force after so many steps."""
        start = step // _AHEAD * _AHEAD
        if start != self._start:
            steps = range(start, min(start + _AHEAD, self._steps))
            self._start = start
            tables = self._betas_at(steps), self._lrs_at(steps), self._gammas_at(steps)
            self._betas, self._lrs, self._gammas = (table.unbind() for table in tables)
        place = step - start
        return Moment(self._betas[place], self._lrs[place], self._gammas[place], self._momenta_at(step))

    def slowed(self, rows: slice, lr: Float[Tensor, " rows"], gamma: Float[Tensor, " rows"]) -> Float[Tensor, " rows"]:
        """Learning rates of some trials at γ: times (γ/below)^power where γ is below."""
        if not self._slows:
            return lr
        return lr * (gamma / of_rows(self._below, rows)).clamp(max=1.0) ** of_rows(self._power, rows)

    def _betas_at(self, steps: range) -> PerStep:
        """0 at the first step of a warm-up, whole from its end on."""
        if not self._warms:
            return self._beta.expand(len(steps), -1)
        warm = (self._stack.column(steps)[:, None] / self._warm_steps).clamp(max=1.0)
        return self._beta * torch.maximum(self._from_zero, warm)

    def _lrs_at(self, steps: range) -> PerStep:
        factors = self._stack.column([factor(each, step, self._steps) for step in steps for each in self._distinct])
        return self._lr * factors.view(len(steps), -1)[:, self._of_trial]

    def _gammas_at(self, steps: range) -> PerStep:
        progress = self._stack.column([step / self._steps for step in steps])
        return schedule(self._stack.knobs, progress[:, None]).expand(len(steps), len(self._stack))

    def _momenta_at(self, step: int) -> Sequence[float] | None:
        """Each trial's momentum, where a schedule changes any; None: as optimisers declare them."""
        if not self.cycles:
            return None
        cycled = [momentum(each, step, self._steps) for each in self._distinct]
        found = zip((cycled[place] for place in self._place), self._momenta, strict=True)
        return [own if other is None else other for other, own in found]
