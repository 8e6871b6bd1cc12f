"""RMSprop over a stack, as in torch.optim: ε stands outside the root, and momentum gathers scaled gradients."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.specs import optimisers as declared
from study.train.step.optimiser import Optimiser, Rows, of_rows


class RMSprop(Optimiser):
    """RMSprop, each trial with its own α, ε, momentum and weight decay; all of them centred, or none."""

    STATES = ("square", "mean", "velocity")

    def __init__(
        self,
        numbers: Float[Tensor, "pack numbers"],
        settings: Sequence[declared.RMSprop],
        is_weight: Bool[Tensor, " numbers"] | None = None,
    ) -> None:
        momenta, decay = [each.momentum for each in settings], [each.weight_decay for each in settings]
        super().__init__(numbers, momenta, decay, is_weight)
        alphas = [each.alpha for each in settings]
        self._alpha, self._rest = self._setting(alphas), self._setting([1 - alpha for alpha in alphas])
        self._epsilon = self._setting([each.epsilon for each in settings])
        self._is_centred = settings[0].centred

    def _prepare(self, lr: Float[Tensor, " pack"], momenta: Sequence[float]) -> Float[Tensor, " pack"]:
        self._keep = self._setting(momenta)
        return lr

    def _direction(self, rows: slice, slope: Rows, states: Sequence[Rows]) -> Rows:
        square, mean, velocity = states
        rest, scale = of_rows(self._rest, rows), self._scratch[: len(slope)]
        square.mul_(of_rows(self._alpha, rows)).addcmul_(slope * rest, slope)
        if self._is_centred:
            mean.lerp_(slope, rest)
            torch.addcmul(square, mean, mean, value=-1, out=scale).sqrt_()
        else:
            torch.sqrt(square, out=scale)
        scale.add_(of_rows(self._epsilon, rows))
        return velocity.mul_(of_rows(self._keep, rows)).add_(torch.div(slope, scale, out=scale))
