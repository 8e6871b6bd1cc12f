"""What all optimisers share: they move the trained numbers of a stack in place, each trial with settings of its own.

The order of operations is that of `torch.optim`. A trial's step depends on nothing in other trials, to the last bit. A
trial whose learning rate is 0 stays where it is, whatever its gradient: so trials that have ended need no other treatment.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from study.train.stack.resumable import State
from study.train.stack.stack import Stack
from study.train.stack.trained_numbers import Columns, TrainedNumbers, of_rows
from study.train.step.torch_kernels import add_products_

Setting = float | Float[Tensor, "pack 1"]
"""A number of each trial: one float where all agree, which is faster, else a column. The results are the same bits."""

Values = Float[Tensor, "rows n"]

Gradients = Sequence[tuple[slice, TrainedNumbers]]
"""The gradient of each block of a pack, and which trials it has."""


@dataclass(frozen=True)
class Block:
    """Trials that are moved together, and everything of theirs, parameter by parameter."""

    rows: slice
    numbers: Columns
    gradient: TrainedNumbers
    update: TrainedNumbers
    states: dict[str, TrainedNumbers]


class Optimiser(ABC):
    """Moves trained `numbers` against their `gradient`, block by block. `STATES` names what it remembers of each number."""

    STATES: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        numbers: TrainedNumbers,
        gradients: Gradients,
        decays: Sequence[bool],
        momenta: Sequence[float] = (),
        decay: Sequence[float] = (),
    ) -> None:
        """`momenta` and `decay` (L2) are each trial's own; `decays` says which parameters are weights, which decay."""
        self._like, self._decays, self._momenta = numbers.flat, decays, momenta
        self._decay = self._column(decay) if any(decay) else None
        self._now: Sequence[float] = momenta
        self._updates: dict[int, TrainedNumbers] = {}
        self.blocks = [self._block(numbers, gradient, rows) for rows, gradient in gradients]

    def _block(self, numbers: TrainedNumbers, gradient: TrainedNumbers, rows: slice) -> Block:
        update = self._updates.setdefault(gradient.pack, gradient.alike())  # the same memory for blocks of one size
        states = {name: gradient.alike() for name in self.STATES}
        return Block(rows, numbers.columns(rows), gradient, update, states)

    def begin(self, momenta: Sequence[float] | None = None) -> None:
        """Get ready for the next step of all blocks. `momenta` are each trial's in it, where a schedule changes them."""
        self._now = self._momenta if momenta is None else momenta
        self._prepare()

    def move(self, block: Block, lr: Float[Tensor, " rows"], of_last: Float[Tensor, " rows"]) -> None:
        """Step at learning rates `lr`, which the last parameter, log γ, has times `of_last`."""
        if self._decay is not None:
            self._decay_slopes(block, self._decay[block.rows])
        self._direct(block)
        block.update.flat.nan_to_num_(0.0, 0.0, 0.0)  # of a trial that has ended, whose learning rate is 0
        rates = lr[:, None]
        self._shrink(block, rates)
        each = [rates] * (len(block.numbers) - 1) + [rates * of_last[:, None]]
        add_products_(block.numbers, block.update.columns(), each, value=-1)

    def _decay_slopes(self, block: Block, decay: Float[Tensor, "rows 1"]) -> None:
        for slope, numbers, is_weight in zip(block.gradient.columns(), block.numbers, self._decays, strict=True):
            if is_weight:
                slope.addcmul_(numbers, decay)

    @abstractmethod
    def _prepare(self) -> None:
        """Get ready for a step."""

    def _direct(self, block: Block) -> None:
        """Fill `block.update` with what the numbers step against; the states change in place."""
        held = (block.gradient, block.update, *block.states.values())
        for slope, update, *states in zip(*(each.columns() for each in held), strict=True):
            self._direction(block.rows, slope, states, update)

    def _direction(self, rows: slice, slope: Values, states: Sequence[Values], update: Values) -> None:
        """Fill `update` with what one parameter of some trials steps against."""
        raise NotImplementedError

    def _shrink(self, block: Block, rates: Float[Tensor, "rows 1"]) -> None:
        """Decoupled weight decay, where an optimiser has one."""
        del block, rates

    def state(self) -> State:
        """What is remembered."""
        return {f"{name}.{i}": held.flat for i, each in enumerate(self._remembered()) for name, held in each.items()}

    def go_to(self, state: State) -> None:
        """Go on from a `state` of the same stack."""
        for i, each in enumerate(self._remembered()):
            for name, held in each.items():
                held.flat.copy_(state[f"{name}.{i}"])

    def _remembered(self) -> list[dict[str, TrainedNumbers]]:
        return [block.states for block in self.blocks]

    def _column(self, values: Sequence[float]) -> Float[Tensor, "pack 1"]:
        return self._like.new_tensor(values)[:, None]

    def _setting(self, values: Sequence[float]) -> Setting:
        return values[0] if len(set(values)) == 1 else self._column(values)


def setting_of(value: Setting, rows: slice) -> float | Float[Tensor, "rows 1"]:
    """The setting of some trials."""
    return of_rows(value, rows) if isinstance(value, Tensor) else value


def are_weights(stack: Stack) -> list[bool]:
    """Which of a stack's parameters decay: all of the networks', biases included, but for variances of the decoder.

    Those are the log variances of pixels, log γ at the knots of a γ(β), and the one log γ, which comes last.
    """
    return [*(not name.endswith(("pixel_log_var", "log_gamma")) for name in stack.names), False]
