"""What all optimisers share: they move a matrix of numbers in place, a row a trial, each with settings of its own.

The order of operations is that of `torch.optim`. A row's step depends on nothing in other rows, to the last bit.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from study.train.stack.resumable import State
from study.train.stack.stack import Stack

Setting = float | Float[Tensor, "pack 1"]
"""A number of each trial: one float where all agree, which is faster, else a column. The results are the same bits."""

Rows = Float[Tensor, "rows numbers"]

_BLOCK = 2**18
"""Numbers that a CPU core updates at a time: they and their moments pass through its cache once instead of ten times."""


class Optimiser(ABC):
    """Moves `numbers` in place, in blocks of whole rows. `STATES` names the matrices that it remembers."""

    STATES: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        numbers: Float[Tensor, "pack numbers"],
        momenta: Sequence[float] = (),
        decay: Sequence[float] = (),
        is_weight: Bool[Tensor, " numbers"] | None = None,
    ) -> None:
        """`momenta` and `decay` (L2) are each trial's own; without `is_weight` all numbers are weights, which decay."""
        self._numbers, self._taken, self._is_weight = numbers, 0, is_weight
        self._momenta, self._decay = momenta, self._decay_of(decay)
        self._states = {name: torch.zeros_like(numbers) for name in self.STATES}
        size = max(1, _BLOCK // numbers.shape[1]) if numbers.device.type == "cpu" else len(numbers)
        self._size = min(size, len(numbers))
        matrices = (numbers, *self._states.values())
        self._blocks = list(zip(*(matrix.split(self._size) for matrix in matrices), strict=True))
        self._scratch = torch.empty_like(numbers[: self._size])

    def step(
        self,
        gradient: Float[Tensor, "pack numbers"],
        lr: Float[Tensor, " pack"],
        last_column: Float[Tensor, " pack"],
        momenta: Sequence[float] | None = None,
    ) -> None:
        """One step at learning rates `lr`, which the last column of numbers has times `last_column`.

        `momenta` are each trial's in this step, where a schedule changes them.
        """
        self._taken += 1
        rates = self._prepare(lr, self._momenta if momenta is None else momenta)[:, None]
        for place, (numbers, *states) in enumerate(self._blocks):
            rows = slice(place * self._size, (place + 1) * self._size)
            slope = gradient[rows]
            if self._decay is not None:
                slope = torch.addcmul(slope, numbers, self._decay[rows])
            update = torch.mul(self._direction(rows, slope, states), rates[rows], out=self._scratch[: len(numbers)])
            update[:, -1].mul_(last_column[rows])
            self._shrink(rows, numbers, lr)
            numbers.sub_(update)

    @abstractmethod
    def _prepare(self, lr: Float[Tensor, " pack"], momenta: Sequence[float]) -> Float[Tensor, " pack"]:
        """Get ready for a step; returns how far it goes along its direction."""

    @abstractmethod
    def _direction(self, rows: slice, slope: Rows, states: Sequence[Rows]) -> Rows:
        """What the trials of some rows step against; `states` change in place. It may be in the scratch."""

    def _shrink(self, rows: slice, numbers: Rows, lr: Float[Tensor, " pack"]) -> None:
        """Decoupled weight decay, where an optimiser has one."""
        del rows, numbers, lr

    def state(self) -> State:
        """What is remembered, and how many steps were taken."""
        return self._states | {"taken": torch.tensor(self._taken)}

    def go_to(self, state: State) -> None:
        """Go on from a `state` of the same stack."""
        self._taken = int(state["taken"])
        for name, matrix in self._states.items():
            matrix.copy_(state[name])

    def _column(self, values: Sequence[float]) -> Float[Tensor, "pack 1"]:
        return self._numbers.new_tensor(values)[:, None]

    def _setting(self, values: Sequence[float]) -> Setting:
        return values[0] if len(set(values)) == 1 else self._column(values)

    def _decay_of(self, values: Sequence[float]) -> Float[Tensor, "pack numbers"] | None:
        """Each number's weight decay; None where no trial has one."""
        if not any(values):
            return None
        column = self._column(values)
        return column.expand_as(self._numbers) if self._is_weight is None else column * self._is_weight


def of_rows(value: Setting, rows: slice) -> float | Float[Tensor, "rows 1"]:
    """The setting of some trials."""
    return value[rows] if isinstance(value, Tensor) else value


def are_weights(stack: Stack) -> Bool[Tensor, " numbers"]:
    """Which of a stack's numbers decay: all of the networks', biases included, but for the log variances of pixels.

    Those, and log γ in the last column, are variances of the decoder and no weights.
    """
    parts = [
        torch.full((part[0].numel(),), not name.endswith("pixel_log_var"))
        for name, part in stack.trained_weights().items()
    ]
    return torch.cat([*parts, torch.tensor([False])]).to(stack.device)
