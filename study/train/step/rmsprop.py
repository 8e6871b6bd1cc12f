"""RMSprop over a stack, as in torch.optim: ε stands outside the root, and momentum gathers scaled gradients."""

from collections.abc import Sequence

import torch

from models.specs import optimisers as declared
from study.train.stack.trained_numbers import TrainedNumbers
from study.train.step.optimiser import Gradients, Optimiser, Values, setting_of


class RMSprop(Optimiser):
    """RMSprop, each trial with its own α, ε, momentum and weight decay; all of them centred, or none."""

    STATES = ("square", "mean", "velocity")

    def __init__(
        self,
        numbers: TrainedNumbers,
        gradients: Gradients,
        decays: Sequence[bool],
        settings: Sequence[declared.RMSprop],
    ) -> None:
        momenta, decay = [each.momentum for each in settings], [each.weight_decay for each in settings]
        super().__init__(numbers, gradients, decays, momenta, decay)
        alphas = [each.alpha for each in settings]
        self._alpha, self._rest = self._setting(alphas), self._setting([1 - alpha for alpha in alphas])
        self._epsilon = self._setting([each.epsilon for each in settings])
        self._is_centred = settings[0].centred

    def _prepare(self) -> None:
        self._keep = self._setting(self._now)

    def _direction(self, rows: slice, slope: Values, states: Sequence[Values], update: Values) -> None:
        square, mean, velocity = states
        rest = setting_of(self._rest, rows)
        square.mul_(setting_of(self._alpha, rows)).addcmul_(slope * rest, slope)
        if self._is_centred:
            mean.lerp_(slope, rest)
            torch.addcmul(square, mean, mean, value=-1, out=update).sqrt_()
        else:
            torch.sqrt(square, out=update)
        update.add_(setting_of(self._epsilon, rows))
        torch.div(slope, update, out=update)
        update.copy_(velocity.mul_(setting_of(self._keep, rows)).add_(update))
