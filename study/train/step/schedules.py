"""What a training at a small γ may do to stay stable: a β that rises, and learning rates that fall with γ.

A trial without either is multiplied by nothing at all, and one beside others that have them by exactly 1.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from study.declare.trial import Trial
from study.train.stack.stack import Stack


class Remedies:
    """Factors on β and on the learning rates, elementwise over the pack."""

    def __init__(self, stack: Stack, trials: Sequence[Trial]) -> None:
        settings = [trial.training for trial in trials]
        self._warms, self._slows = any(each.warm_up for each in settings), any(each.slower for each in settings)
        # After a warm-up of no steps β is whole from the first: any number of steps is more than none.
        self._warm_steps = stack.column([each.warm_up * each.steps for each in settings]).clamp(min=1e-6)
        self._from_zero = stack.column([0.0 if each.warm_up else 1.0 for each in settings])
        self._below = stack.column([each.slower.below if each.slower else 1.0 for each in settings])
        self._power = stack.column([each.slower.power if each.slower else 0.0 for each in settings])

    def beta(self, beta: Tensor, step: int) -> Tensor:
        """β (pack,) in force after so many steps: 0 at the first of a warm-up, whole at its end and from there on."""
        if not self._warms:
            return beta
        return beta * torch.maximum(self._from_zero, (step / self._warm_steps).clamp(max=1.0))

    def lr(self, lr: Tensor, gamma: Tensor) -> Tensor:
        """Learning rates (pack,) at these γ (pack,): times (γ/below)^power where γ is below."""
        if not self._slows:
            return lr
        return lr * (gamma / self._below).clamp(max=1.0) ** self._power
