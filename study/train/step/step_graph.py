"""A step that is recorded once and replayed, as a CUDA graph: on a GPU that saves launching some hundred kernels one by one.

What changes from step to step, the minibatch and the schedules, is copied into memory that stays in its place; all else that
the step reads and writes stays in its place anyway. Whatever Python decides in a step is decided when it is recorded. So
steps that are logged or checked are not replayed, and where Python draws numbers or sets momenta, no step is (`obstacle`).
"""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from study.declare.trial import Trial
from study.train.stack.stack import Stack
from study.train.step.minibatches import Drawn
from study.train.step.passes import Pass
from study.train.step.schedules import Moment, Schedules

WARM_UP = 3
"""Steps that run before one is recorded: by then memory is allocated, and libraries have chosen their kernels."""

Body = Callable[[Drawn, Moment], object]


@runtime_checkable
class Recorded(Protocol):
    """A recorded step."""

    def replay(self) -> None:
        """Do it again, with what lies in its memory now."""
        ...


Recorder = Callable[[Callable[[], object]], Recorded]
"""Records what a function does, without doing it."""


def record_on_cuda(body: Callable[[], object]) -> Recorded:
    """The kernels that a function launches."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        body()
    return graph


class StepGraph:
    """Takes the steps of a training whose `body` takes one."""

    def __init__(self, body: Body, record: Recorder = record_on_cuda) -> None:
        self._body, self._record = body, record
        self._seen, self._recorded = 0, None
        self._inputs: tuple[Drawn, Moment] | None = None

    def take(self, drawn: Drawn, now: Moment) -> None:
        """The next step."""
        held_drawn, held_now = self._hold(drawn, now)
        if self._seen < WARM_UP:
            self._seen += 1
            self._body(held_drawn, held_now)
            return
        if self._recorded is None:
            self._recorded = self._record(lambda: self._body(held_drawn, held_now))
        self._recorded.replay()

    def _hold(self, drawn: Drawn, now: Moment) -> tuple[Drawn, Moment]:
        """The inputs, in memory that stays."""
        if self._inputs is None:
            held = {name: value.clone() for name, value in _tensors(drawn).items()}
            if drawn.y is drawn.x:
                held["y"] = held["x"]
            beta, lr, gamma, momenta = now
            self._inputs = replace(drawn, **held), Moment(beta.clone(), lr.clone(), gamma.clone(), momenta)
            return self._inputs
        for name, value in _tensors(drawn).items():
            if name != "y" or drawn.y is not drawn.x:
                getattr(self._inputs[0], name).copy_(value)
        for held, value in zip(self._inputs[1][:3], now[:3], strict=True):
            held.copy_(value)
        return self._inputs


def _tensors(drawn: Drawn) -> dict[str, Tensor]:
    """The tensors of a minibatch that differ from step to step."""
    found = {each.name: getattr(drawn, each.name) for each in fields(drawn)}
    return {name: found[name] for name in ("x", "y", "eps", "u", "weight") if isinstance(found[name], Tensor)}


def obstacle(stack: Stack, trials: Sequence[Trial], passes: Sequence[Pass], schedules: Schedules) -> str | None:
    """Why the steps of a pack cannot be replayed, in a sentence; None where they can."""
    if stack.carrier:
        return f"the code of {trials[0].model.label} is carried {stack.way}, and may ask anything: its steps are not replayed"
    if any(each.draws for each in passes):
        return "a penalty or a term of these trials draws numbers in every step: their steps are not replayed"
    if schedules.cycles:
        return "a schedule changes the momenta from step to step: such steps are not replayed"
    return None
