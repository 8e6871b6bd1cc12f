"""The ways in which a pack can take its steps, and who takes them: correctness and speed ask here, and nowhere else.

A way that the platform cannot do yet has no maker in `BUILT`; it is then reported as "not built". Once it can, one maker here
brings the way into every check and every table.
"""

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import torch

from models.data.load import load
from study.declare.trial import Trial
from study.train.stack.build import build_stack
from study.train.step.loop import Training

Way = Literal["eager", "graph", "compiled"]
WAYS: tuple[Way, ...] = get_args(Way)
NOT_BUILT = "not built"

Maker = Callable[[Sequence[Trial], str], Training]


def _eager(trials: Sequence[Trial], device: str) -> Training:
    """A step launches its kernels one after another."""
    stack, inputs = build_stack(trials, load(trials[0].data), torch.device(device))
    return Training(stack, trials, inputs)


def _graph(trials: Sequence[Trial], device: str) -> Training:
    """A step is recorded once and replayed (`study.train.step.step_graph`). Raises: ValueError where it cannot be."""
    training = _eager(trials, device)
    if reason := training.replay():
        raise ValueError(reason)
    return training


BUILT: dict[Way, Maker] = {"eager": _eager, "graph": _graph}


def built(device: str) -> list[Way]:
    """The ways that there are on a device: graphs are CUDA's."""
    return [way for way in BUILT if way != "graph" or device.startswith("cuda")]
