"""iRprop− over a stack: every number of every trial has a step size of its own and follows the sign of its gradient.

Source: Igel & Hüsken (2003), "Empirical evaluation of the improved Rprop learning algorithms", iRprop−.
"""

from collections.abc import Sequence

import torch

from models.specs import optimisers as declared
from study.train.stack.trained_numbers import TrainedNumbers
from study.train.step.optimiser import Gradients, Optimiser, Values


class Rprop(Optimiser):
    """Step sizes are in learning rates, so that a schedule of these scales every step; each trial has its own bounds."""

    STATES = ("signs", "sizes")

    def __init__(
        self,
        numbers: TrainedNumbers,
        gradients: Gradients,
        decays: Sequence[bool],
        settings: Sequence[declared.Rprop],
    ) -> None:
        super().__init__(numbers, gradients, decays)
        for block in self.blocks:
            block.states["sizes"].flat.fill_(1)
        self._longer = self._column([each.grow for each in settings])
        self._shorter = self._column([each.shrink for each in settings])
        self._least = self._column([each.least for each in settings])
        self._most = self._column([each.most for each in settings])

    def _prepare(self) -> None:
        """There are no momenta."""

    def _direction(self, rows: slice, slope: Values, states: Sequence[Values], update: Values) -> None:
        last, sizes = states
        signs = slope.sign()
        turn = signs * last
        factor = torch.where(turn > 0, self._longer[rows], torch.where(turn < 0, self._shorter[rows], 1.0))
        sizes.mul_(factor).clamp_(self._least[rows], self._most[rows])
        last.copy_(signs.masked_fill_(turn < 0, 0))  # a number that turned rests, and its next step is no turn
        torch.mul(last, sizes, out=update)
