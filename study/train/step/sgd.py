"""Stochastic gradient descent over a stack, with momentum and Nesterov's variant of it, as in torch.optim.

Source: Sutskever, Martens, Dahl & Hinton (2013), section 2.
"""

from collections.abc import Sequence

import torch

from models.specs import optimisers as declared
from study.train.stack.trained_numbers import TrainedNumbers
from study.train.step.optimiser import Gradients, Optimiser, Values, setting_of


class SGD(Optimiser):
    """Gradient descent, each trial with its own momentum and weight decay; all with Nesterov's momentum, or none."""

    STATES = ("velocity",)

    def __init__(
        self,
        numbers: TrainedNumbers,
        gradients: Gradients,
        decays: Sequence[bool],
        settings: Sequence[declared.SGD],
    ) -> None:
        momenta, decay = [each.momentum for each in settings], [each.weight_decay for each in settings]
        super().__init__(numbers, gradients, decays, momenta, decay)
        self._looks_ahead = settings[0].nesterov

    def _prepare(self) -> None:
        self._keep = self._setting(self._now)

    def _direction(self, rows: slice, slope: Values, states: Sequence[Values], update: Values) -> None:
        keep = setting_of(self._keep, rows)
        velocity = states[0].mul_(keep).add_(slope)
        if self._looks_ahead:
            torch.mul(velocity, keep, out=update).add_(slope)
        else:
            update.copy_(velocity)
