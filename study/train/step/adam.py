"""Adam and AdamW over a stack, by torch's fused kernel; trials with either share packs.

The kernel moves many numbers at one learning rate. Here it moves zeros at the rate −1, and so computes what every trial then
multiplies by its own.

Source: Kingma & Ba (2015), algorithm 1, and Loshchilov & Hutter (2019), algorithm 2, as in torch.optim.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from models.specs import optimisers as declared
from study.train.stack.resumable import State
from study.train.stack.trained_numbers import TrainedNumbers
from study.train.step.optimiser import Block, Gradients, Optimiser
from study.train.step.torch_kernels import adam_


class Adam(Optimiser):
    """Adam, each trial with its own β₁ (its momentum), β₂, ε and weight decay, L2 or decoupled."""

    def __init__(
        self,
        numbers: TrainedNumbers,
        gradients: Gradients,
        decays: Sequence[bool],
        settings: Sequence[declared.Adam | declared.AdamW],
        cycles: Sequence[object] = (),
    ) -> None:
        """`cycles` name the cycle of each trial's momentum, where schedules change it: trials of one have it in common."""
        decoupled = [each.weight_decay if isinstance(each, declared.AdamW) else 0.0 for each in settings]
        coupled = [0.0 if isinstance(each, declared.AdamW) else each.weight_decay for each in settings]
        super().__init__(numbers, gradients, decays, [each.beta1 for each in settings], coupled)
        self._decoupled = self._column(decoupled) if any(decoupled) else None
        self._steps = torch.zeros((), device=numbers.flat.device)  # float32 counts exactly to 2²⁴
        kinds = [(each.beta1, each.beta2, each.epsilon) for each in settings]
        keys = list(zip(kinds, cycles or [None] * len(kinds), strict=True))
        self._groups = {block.rows.start: _groups_of(block, settings, keys[block.rows]) for block in self.blocks}

    def _prepare(self) -> None:
        self._steps.add_(1)

    def _direct(self, block: Block) -> None:
        for group in self._groups[block.rows.start]:
            group.gather()
            settings = {"beta1": self._now[group.place], "beta2": group.settings.beta2, "eps": group.settings.epsilon}
            adam_(group.update.flat.zero_(), group.gradient.flat, group.moments(), self._steps, lr=-1.0, **settings)
            group.scatter()

    def _shrink(self, block: Block, rates: Float[Tensor, "rows 1"]) -> None:
        if self._decoupled is not None:
            factor = 1 - rates * self._decoupled[block.rows]
            for numbers, is_weight in zip(block.numbers, self._decays, strict=True):
                if is_weight:
                    numbers.mul_(factor)

    def state(self) -> State:
        """What is remembered, and how many steps were taken."""
        return super().state() | {"steps": self._steps}

    def go_to(self, state: State) -> None:
        """Go on from a `state` of the same stack."""
        super().go_to(state)
        self._steps.copy_(state["steps"])

    def _remembered(self) -> list[dict[str, TrainedNumbers]]:
        return [group.states for groups in self._groups.values() for group in groups]


class _Group:
    """Trials of a block with the same settings: what the fused kernel can move at once. `place` is one of theirs in the pack.

    Where it is not the whole block, it has a gradient and an update of its own.
    """

    def __init__(self, block: Block, rows: Sequence[int], settings: declared.Adam | declared.AdamW) -> None:
        self.settings, self.place, self._block = settings, block.rows.start + rows[0], block
        self._is_all = len(rows) == block.gradient.pack
        self._rows = torch.tensor(rows, device=block.gradient.flat.device)
        self.gradient = block.gradient if self._is_all else block.gradient.alike(len(rows))
        self.update = block.update if self._is_all else block.gradient.alike(len(rows))
        self.states = {name: self.gradient.alike() for name in ("first", "second")}

    def moments(self) -> tuple[Tensor, Tensor]:
        """The averages of gradients and of their squares."""
        return self.states["first"].flat, self.states["second"].flat

    def gather(self) -> None:
        """Take the group's part of the block's gradient."""
        if not self._is_all:
            for mine, all_of_them in zip(self.gradient.columns(), self._block.gradient.columns(), strict=True):
                torch.index_select(all_of_them, 0, self._rows, out=mine)

    def scatter(self) -> None:
        """Put the group's update where it belongs in the block's."""
        if not self._is_all:
            for mine, all_of_them in zip(self.update.columns(), self._block.update.columns(), strict=True):
                all_of_them.index_copy_(0, self._rows, mine)


def _groups_of(
    block: Block, settings: Sequence[declared.Adam | declared.AdamW], keys: Sequence[object]
) -> list[_Group]:
    """The trials of a block by what the kernel takes for all of them."""
    rows: dict[object, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return [_Group(block, each, settings[block.rows.start + each[0]]) for each in rows.values()]
