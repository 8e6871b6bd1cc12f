"""Adam and AdamW over a stack, by torch's fused kernel; trials with either share packs.

The kernel moves many numbers at one learning rate. Here it moves zeros at the rate −1, and so computes what every trial then
multiplies by its own.

Source: Kingma & Ba (2015), algorithm 1, and Loshchilov & Hutter (2019), algorithm 2, as in torch.optim.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from models.specs import optimisers as declared
from study.train.stack.resumable import State
from study.train.stack.trained_numbers import Columns, TrainedNumbers
from study.train.step.optimiser import Block, Optimiser
from study.train.step.torch_kernels import adam_


class Adam(Optimiser):
    """Adam, each trial with its own β₁ (its momentum), β₂, ε and weight decay, L2 or decoupled."""

    STATES = ("first", "second")

    def __init__(
        self,
        numbers: TrainedNumbers,
        gradient: TrainedNumbers,
        blocks: Sequence[slice],
        decays: Sequence[bool],
        settings: Sequence[declared.Adam | declared.AdamW],
        cycles: Sequence[object] | None = None,
    ) -> None:
        """`cycles` names the cycle of each trial's momentum, where a schedule changes it: trials of one have it in common."""
        decoupled = [each.weight_decay if isinstance(each, declared.AdamW) else 0.0 for each in settings]
        coupled = [0.0 if isinstance(each, declared.AdamW) else each.weight_decay for each in settings]
        super().__init__(numbers, gradient, blocks, decays, [each.beta1 for each in settings], coupled)
        self._decoupled = self._column(decoupled) if any(decoupled) else None
        self._steps = torch.zeros((), device=numbers.flat.device)  # float32 counts exactly to 2²⁴
        keys = [(each.beta1, each.beta2, each.epsilon) for each in settings]
        runs = list(zip(keys, cycles or [None] * len(keys), strict=True))
        self._runs = {id(block): _runs_of(block, keys, runs) for block in self.blocks}

    def _prepare(self) -> None:
        self._steps.fill_(self._taken)

    def _direct(self, block: Block) -> None:
        block.flat_update.zero_()
        for run in self._runs[id(block)]:
            settings = {"lr": -1.0, "beta1": self._now[run.place], "beta2": run.beta2, "eps": run.epsilon}
            adam_(run.update, run.gradient, run.moments, self._steps, settings)

    def _shrink(self, block: Block, rates: Float[Tensor, "rows 1"]) -> None:
        if self._decoupled is not None:
            factor = 1 - rates * self._decoupled[block.rows]
            for numbers, is_weight in zip(block.numbers, self._decays, strict=True):
                if is_weight:
                    numbers.mul_(factor)

    def go_to(self, state: State) -> None:
        """Go on from a `state` of the same stack."""
        super().go_to(state)
        self._prepare()


class _Run(NamedTuple):
    """Neighbouring trials of a block with the same settings: what the fused kernel can move at once."""

    place: int
    beta2: float
    epsilon: float
    update: Columns
    gradient: Columns
    moments: list[Columns]


def _runs_of(block: Block, keys: Sequence[tuple[float, float, float]], runs: Sequence[object]) -> list[_Run]:
    start, last = block.rows.start, block.rows.stop
    starts = [place for place in range(start, last) if place == start or runs[place] != runs[place - 1]]
    found = []
    for place, end in zip(starts, [*starts[1:], last], strict=True):
        rows = slice(place - start, end - start)
        update, gradient, *moments = (
            [part[rows] for part in parts] for parts in (block.update, block.gradient, *block.states)
        )
        _, beta2, epsilon = keys[place]
        found.append(_Run(place, beta2, epsilon, update, gradient, moments))
    return found
