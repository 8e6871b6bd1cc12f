"""Adam over a stack: every trial with its own learning rate, in few operations on one matrix.

Source: Kingma & Ba (2015), algorithm 1, in the order of operations of torch.optim.Adam.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from models.specs import Training
from study.train.stack.resumable import State

_BLOCK = 2**18
"""Numbers that a CPU core updates at a time: they and their moments pass through its cache once instead of ten times."""


class Adam:
    """Moves `numbers` in place, in blocks of whole rows."""

    def __init__(self, numbers: Float[Tensor, "pack numbers"], settings: Training) -> None:
        self._settings, self._taken = settings, 0
        self._moments = moments = torch.zeros_like(numbers), torch.zeros_like(numbers)
        size = max(1, _BLOCK // numbers.shape[1]) if numbers.device.type == "cpu" else len(numbers)
        self._size = min(size, len(numbers))
        self._blocks = list(zip(*(matrix.split(self._size) for matrix in (numbers, *moments)), strict=True))
        self._scratch = torch.empty_like(numbers[: self._size])

    def step(
        self,
        gradient: Float[Tensor, "pack numbers"],
        lr: Float[Tensor, " pack"],
        last_column: Float[Tensor, " pack"],
    ) -> None:
        """One step at learning rates `lr`, which the last column of numbers has times `last_column`."""
        settings = self._settings
        beta1, beta2 = settings.adam_beta1, settings.adam_beta2
        self._taken += 1
        correction1, correction2 = 1 - beta1**self._taken, (1 - beta2**self._taken) ** 0.5
        parts = zip(self._blocks, *(each.split(self._size) for each in (gradient, lr, last_column)), strict=True)
        for (numbers, first, second), slope, rate, ratio in parts:
            first.lerp_(slope, 1 - beta1)
            second.mul_(beta2).addcmul_(slope, slope, value=1 - beta2)
            scale = torch.sqrt(second, out=self._scratch[: len(second)]).div_(correction2)
            update = torch.div(first, scale.add_(settings.adam_epsilon), out=scale)
            update.mul_((rate / correction1)[:, None])
            update[:, -1].mul_(ratio)
            numbers.sub_(update)

    def state(self) -> State:
        """Both moments, and how many steps were taken."""
        first, second = self._moments
        return {"first": first, "second": second, "taken": torch.tensor(self._taken)}

    def go_to(self, state: State) -> None:
        """Go on from a `state` of the same stack."""
        self._taken = int(state["taken"])
        for moment, name in zip(self._moments, ("first", "second"), strict=True):
            moment.copy_(state[name])
