"""Schedules: the factor on a trial's learning rates at each step. Each equals schedulers of `torch.optim.lr_scheduler`.

Moments are fractions of all steps, and rates are in the declared learning rate, so a schedule means the same however long
a trial trains. Trials of one pack may have different schedules.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from models.specs.optimisers import Share
from models.specs.spec import Described, Fraction, NonNegative, Positive
from models.specs.vocabulary import Vocabulary


class _WarmsUp(Described):
    """A schedule that may begin with a warm-up: over the first `warm_up` of the steps, to the nearest step, learning
    rates rise linearly from `start` of themselves: torch's `LinearLR`, with what follows in a `SequentialLR`.

    This is the warm-up of learning rates. `Training(warm_up=…)` is that of β.
    """

    warm_up: Fraction = 0.0
    """The share of all steps over which learning rates rise at first; by default there is no such rise."""
    start: Annotated[Fraction, Field(gt=0)] = 0.01
    """The factor that the rise begins with; it ends with 1."""


class Constant(_WarmsUp):
    """The learning rate as declared, from the first step on or from the end of a warm-up."""

    kind: Literal["Constant"] = "Constant"


class Linear(_WarmsUp):
    """From 1 at `after` of the steps (or at the end of the warm-up) linearly to `end` at `until`, then constant.

    `Linear()` falls from the first step on, and would be 0 at the step after the last: torch's `LinearLR(start_factor=1,
    end_factor=end, total_iters=steps)`.
    """

    kind: Literal["Linear"] = "Linear"
    end: NonNegative = 0.0
    """The factor at the end of the fall."""
    after: Fraction = 0.0
    """The share of all steps after which the fall begins, or with the end of a warm-up, if that is later."""
    until: Fraction = 1.0
    """The share of all steps at which the fall ends."""

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if max(self.warm_up, self.after) > self.until:
            raise ValueError("the moments are out of order: give an until beyond warm_up and after")
        return self


class Cosine(_WarmsUp):
    """Half a cosine from 1, after the warm-up, to `end` at the step after the last.

    torch's `CosineAnnealingLR(T_max=steps − warm-up, eta_min=end · lr)`. Source: Loshchilov & Hutter (2017), eq. 5.
    """

    kind: Literal["Cosine"] = "Cosine"
    end: NonNegative = 0.0
    """The factor that the cosine falls to."""


class Steps(_WarmsUp):
    """Times `factor` at each moment of `at`, to the nearest step: torch's `MultiStepLR`, and `StepLR` where they are even."""

    kind: Literal["Steps"] = "Steps"
    at: Annotated[tuple[Fraction, ...], Field(min_length=1)] = (0.5, 0.75)
    """The shares of all steps at which the learning rate changes, in rising order."""
    factor: Positive = 0.1
    """What it is multiplied by at each of them."""

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if list(self.at) != sorted(self.at):
            raise ValueError("the moments of at are out of order: let them rise")
        return self


class OneCycle(Described):
    """From `start` up to 1 at `peak` of the steps, and down to `end` at the last: torch's `OneCycleLR`.

    The declared learning rate is torch's `max_lr`, `start` is 1/div_factor and `end` 1/(div_factor · final_div_factor).
    With `momentum=(low, high)` the momentum, Adam's β₁, falls from high to low as the learning rate rises, and rises as it
    falls: torch's `cycle_momentum`; by default it stays as the optimiser declares it. Source: Smith & Topin (2018).
    """

    kind: Literal["OneCycle"] = "OneCycle"
    peak: Fraction = 0.3
    """The share of all steps at which the learning rate is whole."""
    start: NonNegative = 0.04
    """The factor at the first step."""
    end: NonNegative = 4e-6
    """The factor at the last step."""
    anneal: Literal["cos", "linear"] = "cos"
    """The form of the rise and of the fall: half a cosine, or a line."""
    momentum: tuple[Share, Share] | None = None
    """Lowest and highest momentum, of Adam β₁, which falls as the learning rate rises; by default it stays as
    declared."""


Schedule = Annotated[Constant | Linear | Cosine | Steps | OneCycle, Vocabulary()]
"""How learning rates change from step to step."""


def as_decay(schedule: Schedule) -> dict[str, Any] | None:
    """A schedule as `decay_from` and `decay_to` of `Training`, where these can say it."""
    if isinstance(schedule, Constant) and not schedule.warm_up:
        return {"decay_from": 1.0}
    if isinstance(schedule, Linear) and not schedule.warm_up and schedule.until == 1 and schedule.end <= 1:
        return {"decay_from": schedule.after, "decay_to": schedule.end}
    return None
