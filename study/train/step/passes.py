"""A pass of some trials over a minibatch: from x to J, and back to the slope of every trained number.

There are two ways. By hand (`study.train.step.by_hand`) go the platform's own fully connected networks; by torch's autograd
goes everything that can be differentiated. `way_of` says which way a pack goes.
"""

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

from models.specs import VAE
from study.declare.trial import Trial
from study.train.stack.resumable import Resumable
from study.train.stack.stack import Stack
from study.train.stack.trained_numbers import TrainedNumbers
from study.train.step.minibatches import Minibatch
from study.train.step.outcome import Outcome
from study.train.step.schedules import Moment

Way = Literal["by hand", "by autograd"]


@runtime_checkable
class Pass(Protocol):
    """Fills the `gradient` of its trials. `rows` are their places in the pack."""

    rows: slice
    gradient: TrainedNumbers

    def run(self, step: int, batch: Minibatch, now: Moment, is_logged: bool) -> Outcome:
        """The pass of a step; `now` holds the numbers of the whole pack."""
        ...

    @property
    def differentiates(self) -> bool:
        """Whether torch's autograd takes part in it."""
        ...

    @property
    def draws(self) -> bool:
        """Whether every pass draws numbers of its own, on the host."""
        ...

    @property
    def parts(self) -> dict[str, Resumable]:
        """What the pass draws from, and what of it training changes, by name."""
        ...


def way_of(stack: Stack, trials: Sequence[Trial]) -> Way:
    """How the passes of a pack go.

    By autograd go pictures' networks and a user's own, networks that see β, which have layers of their own, and prices of
    codes, which need a derivative themselves.
    """
    first = trials[0]
    is_ours = (
        stack.way == "together" and isinstance(first.model, VAE) and not first.model.sees_beta and not first.spread
    )
    return "by hand" if is_ours and not first.objective.is_sparse else "by autograd"
