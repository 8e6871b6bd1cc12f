"""From the declarations of a pack to what takes its steps: the passes of its trials, and their optimiser."""

from collections.abc import Sequence
from typing import Any, assert_never

from models.specs import OneCycle
from models.specs import optimisers as declared
from study.declare.trial import Trial
from study.train.stack.stack import Stack
from study.train.step.adam import Adam
from study.train.step.autograd_pass import AutogradPass
from study.train.step.by_hand.hand_pass import HandPass, blocks_of, is_plain, numbers_in_use
from study.train.step.by_hand.layers import Buffers
from study.train.step.optimiser import Gradients, Optimiser, are_weights
from study.train.step.passes import Pass, Way
from study.train.step.rmsprop import RMSprop
from study.train.step.rprop import Rprop
from study.train.step.sgd import SGD

NUMBERS_IN_CACHE = 3 * 2**20
"""How many numbers the step of a block may use on a CPU, so that most of them stay in a core's cache."""


def passes_of(stack: Stack, trials: Sequence[Trial], batch: int, way: Way) -> list[Pass]:
    """The passes of a pack, one for each block of its trials; `batch` examples a step."""
    if way == "by autograd":
        return [AutogradPass(stack, trials)]
    blocks = [slice(0, len(trials))]
    if stack.device.type == "cpu" and is_plain(trials):
        blocks = blocks_of(len(trials), numbers_in_use(trials[0], batch, stack.parameters), NUMBERS_IN_CACHE)
    buffers = Buffers(max(rows.stop - rows.start for rows in blocks), batch, stack.trained_numbers.flat)
    return [HandPass(stack, trials, rows, buffers) for rows in blocks]


def optimiser_of(stack: Stack, trials: Sequence[Trial], gradients: Gradients) -> Optimiser:
    """The optimiser of trials whose optimisers are of one family. It moves a stack block by block."""
    settings: list[Any] = [trial.training.optimiser_in_force for trial in trials]
    common: tuple[Any, ...] = (stack.trained_numbers, gradients, are_weights(stack), settings)
    match trials[0].training.optimiser_in_force:
        case declared.Adam() | declared.AdamW():
            return Adam(*common, cycles=[_cycle_of(trial) for trial in trials])
        case declared.SGD():
            return SGD(*common)
        case declared.RMSprop():
            return RMSprop(*common)
        case declared.Rprop():
            return Rprop(*common)
        case other:
            assert_never(other)


def _cycle_of(trial: Trial) -> OneCycle | None:
    """The schedule that changes a trial's momentum, if one does."""
    schedule = trial.training.schedule_in_force
    return schedule if isinstance(schedule, OneCycle) and schedule.momentum else None
