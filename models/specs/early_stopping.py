"""Early stopping: a trial ends once a measure of held-out examples no longer falls. Free of torch."""

import math
from typing import Annotated, Literal

from pydantic import Field

from models.specs.spec import Count, Described, Fraction, NonNegative, brief

Watched = Literal["neg_elbo", "objective", "distortion"]
"""What early stopping watches: J at β = 1 and J at the trial's own β (no penalty counted), in nats; distortion, in data²."""

MOST_HELD_OUT = 2000
"""Examples that suffice for a mean; no more are held out."""


class Patience(Described):
    """Stop a trial when `on` has not fallen by more than `min_delta` below its best value in `checks` checks in a row.

    A check is made every `every` steps, from the end of β's warm-up on, and measures `held_out` of the training examples,
    2,000 at most. These are drawn once, the same for all trials of a data set, and are left out of all minibatches: the
    test set plays no part. z is drawn with noise of the trial's seed, the same in every check, and γ is the one in force: an
    optimal γ follows from the minibatch, not from the held-out examples. A fall by less than a millionth is rounding, and
    does not count. The trial keeps the weights that it stopped with, and its record says when and why.
    """

    kind: Literal["Patience"] = "Patience"
    on: Watched = "neg_elbo"
    """What is watched on held-out examples: J at β = 1, J at the trial's own β (no penalty counted), both in nats,
    or the distortion, in squared data units."""
    checks: Count = 5
    """How many checks in a row without a fall end the trial."""
    every: Count = 100
    """Steps between two checks."""
    min_delta: NonNegative = 0.0
    """How far below its best value what is watched must fall for that to count, in its own units; by default any
    fall counts."""
    held_out: Annotated[Fraction, Field(gt=0, lt=1)] = 0.1
    """The share of the training examples that is held out, 2,000 examples at most."""

    def examples(self, n: int) -> int:
        """How many of n training examples are held out."""
        return min(MOST_HELD_OUT, max(1, round(self.held_out * n)))

    def first_end(self, warm_up: float) -> int:
        """The first step that a trial could stop at, whose β is warm after so many steps: its first check sets the best."""
        first_check = max(1, math.ceil(warm_up / self.every))
        return (first_check + self.checks) * self.every

    @property
    def reason(self) -> str:
        """Why a trial stops."""
        fall = f" by more than {brief(self.min_delta)}" if self.min_delta else ""
        return (
            f"{self.on} of held-out examples did not fall{fall} in {self.checks} checks, one every {self.every} steps"
        )
