"""Clipping gradients: each trial's to a norm, or each of its numbers to a value, as torch.nn.utils does."""

import math
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from study.declare.trial import Trial
from study.train.stack.stack import Stack
from study.train.stack.trained_numbers import Columns
from study.train.step.torch_kernels import multiply_

_TINY = 1e-6
"""What torch adds to a norm before it divides by it."""


class Clip:
    """The limits of a pack's trials; a trial without one is multiplied by exactly 1."""

    def __init__(self, stack: Stack, trials: Sequence[Trial]) -> None:
        norms, values = ([getattr(t.training, name) or math.inf for t in trials] for name in ("clip", "clip_value"))
        self._clips_norms, self._clips_values = min(norms) < math.inf, min(values) < math.inf
        self._norms, self._values = stack.column(norms), stack.column(values)[:, None]

    def apply(self, rows: slice, gradient: Columns, norm: Float[Tensor, " rows"]) -> None:
        """Clip the gradients of some trials, in place; that of log γ counts as that of any other number."""
        if self._clips_norms:
            factor = (self._norms[rows] / (norm + _TINY)).clamp(max=1.0)[:, None]
            multiply_(gradient, [factor] * len(gradient))
        if self._clips_values:
            for slope in gradient:
                slope.clamp_(-self._values[rows], self._values[rows])
