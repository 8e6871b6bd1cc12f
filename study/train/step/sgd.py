"""Stochastic gradient descent over a stack, with momentum and Nesterov's variant of it, as in torch.optim.

Source: Sutskever, Martens, Dahl & Hinton (2013), section 2.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.specs import optimisers as declared
from study.train.step.optimiser import Optimiser, Rows, of_rows


class SGD(Optimiser):
    """Gradient descent, each trial with its own momentum and weight decay; all with Nesterov's momentum, or none."""

    STATES = ("velocity",)

    def __init__(
        self,
        numbers: Float[Tensor, "pack numbers"],
        settings: Sequence[declared.SGD],
        is_weight: Bool[Tensor, " numbers"] | None = None,
    ) -> None:
        momenta, decay = [each.momentum for each in settings], [each.weight_decay for each in settings]
        super().__init__(numbers, momenta, decay, is_weight)
        self._looks_ahead = settings[0].nesterov

    def _prepare(self, lr: Float[Tensor, " pack"], momenta: Sequence[float]) -> Float[Tensor, " pack"]:
        self._keep = self._setting(momenta)
        return lr

    def _direction(self, rows: slice, slope: Rows, states: Sequence[Rows]) -> Rows:
        keep = of_rows(self._keep, rows)
        velocity = states[0].mul_(keep).add_(slope)
        return torch.mul(velocity, keep, out=self._scratch[: len(slope)]).add_(slope) if self._looks_ahead else velocity
