"""iRprop− over a stack: every number of every trial has a step size of its own and follows the sign of its gradient.

Source: Igel & Hüsken (2003), "Empirical evaluation of the improved Rprop learning algorithms", iRprop−.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from models.specs import Rprop as Spec
from study.train.stack.resumable import State


class Rprop:
    """Moves `numbers` in place; step sizes are in learning rates, so that a schedule of these scales every step."""

    def __init__(self, numbers: Float[Tensor, "pack numbers"], settings: Spec) -> None:
        self._numbers, self._settings = numbers, settings
        self._signs, self._sizes = torch.zeros_like(numbers), torch.ones_like(numbers)

    def step(
        self,
        gradient: Float[Tensor, "pack numbers"],
        lr: Float[Tensor, " pack"],
        last_column: Float[Tensor, " pack"],
    ) -> None:
        """One step at learning rates `lr`, which the last column of numbers has times `last_column`."""
        settings, signs = self._settings, gradient.sign()
        turn = signs * self._signs
        factor = torch.ones_like(turn).masked_fill_(turn > 0, settings.grow).masked_fill_(turn < 0, settings.shrink)
        self._sizes.mul_(factor).clamp_(settings.least, settings.most)
        self._signs.copy_(signs.masked_fill_(turn < 0, 0))  # a number that turned rests, and its next step is no turn
        update = self._signs * self._sizes * lr[:, None]
        update[:, -1].mul_(last_column)
        self._numbers.sub_(update)

    def state(self) -> State:
        """The signs of the last gradient and the step sizes."""
        return {"signs": self._signs, "sizes": self._sizes}

    def go_to(self, state: State) -> None:
        """Go on from a `state` of the same stack."""
        self._signs.copy_(state["signs"])
        self._sizes.copy_(state["sizes"])
