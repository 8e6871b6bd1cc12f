"""From the declared optimisers of a pack to the one that carries them out."""

from collections.abc import Sequence
from typing import Any, assert_never

from models.specs import optimisers as declared
from study.declare.trial import Trial
from study.train.stack.stack import Stack
from study.train.step.adam import Adam
from study.train.step.optimiser import Optimiser, are_weights
from study.train.step.rmsprop import RMSprop
from study.train.step.rprop import Rprop
from study.train.step.sgd import SGD


def optimiser_of(stack: Stack, trials: Sequence[Trial]) -> Optimiser:
    """The optimiser of trials whose optimisers are of one family."""
    settings: list[Any] = [trial.training.optimiser_in_force for trial in trials]
    match trials[0].training.optimiser_in_force:
        case declared.Adam() | declared.AdamW():
            return Adam(stack.numbers, settings, are_weights(stack))
        case declared.SGD():
            return SGD(stack.numbers, settings, are_weights(stack))
        case declared.RMSprop():
            return RMSprop(stack.numbers, settings, are_weights(stack))
        case declared.Rprop():
            return Rprop(stack.numbers, settings)
        case other:
            assert_never(other)
