"""Adam and AdamW over a stack, in few operations on one matrix; trials with either share packs.

Source: Kingma & Ba (2015), algorithm 1, and Loshchilov & Hutter (2019), algorithm 2, as in torch.optim.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.specs import optimisers as declared
from study.train.step.optimiser import Optimiser, Rows, of_rows


class Adam(Optimiser):
    """Adam, each trial with its own β₁ (its momentum), β₂, ε and weight decay, L2 or decoupled."""

    STATES = ("first", "second")

    def __init__(
        self,
        numbers: Float[Tensor, "pack numbers"],
        settings: Sequence[declared.Adam | declared.AdamW],
        is_weight: Bool[Tensor, " numbers"] | None = None,
    ) -> None:
        decoupled = [each.weight_decay if isinstance(each, declared.AdamW) else 0.0 for each in settings]
        coupled = [0.0 if isinstance(each, declared.AdamW) else each.weight_decay for each in settings]
        super().__init__(numbers, [each.beta1 for each in settings], coupled, is_weight)
        self._decoupled = self._decay_of(decoupled)
        self._beta2s = [each.beta2 for each in settings]
        self._beta2, self._rest2 = self._setting(self._beta2s), self._setting([1 - beta for beta in self._beta2s])
        self._epsilon = self._setting([each.epsilon for each in settings])

    def _prepare(self, lr: Float[Tensor, " pack"], momenta: Sequence[float]) -> Float[Tensor, " pack"]:
        self._rest1 = self._setting([1 - beta for beta in momenta])
        self._root = self._setting([(1 - beta**self._taken) ** 0.5 for beta in self._beta2s])
        correction = self._setting([1 - beta**self._taken for beta in momenta])
        return lr / (correction[:, 0] if isinstance(correction, Tensor) else correction)

    def _direction(self, rows: slice, slope: Rows, states: Sequence[Rows]) -> Rows:
        first, second = states
        first.lerp_(slope, of_rows(self._rest1, rows))
        second.mul_(of_rows(self._beta2, rows))
        if isinstance(self._rest2, Tensor):
            second.addcmul_(slope * self._rest2[rows], slope)
        else:
            second.addcmul_(slope, slope, value=self._rest2)
        scale = torch.sqrt(second, out=self._scratch[: len(second)]).div_(of_rows(self._root, rows))
        return torch.div(first, scale.add_(of_rows(self._epsilon, rows)), out=scale)

    def _shrink(self, rows: slice, numbers: Rows, lr: Float[Tensor, " pack"]) -> None:
        if self._decoupled is not None:
            numbers.mul_(1 - lr[rows, None] * self._decoupled[rows])
