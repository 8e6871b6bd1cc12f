"""A replayed step is the step: what Python decided when it was recorded, it would decide again.

There is no GPU here. A tape stands for a CUDA graph: it records a step's operations with their very tensors and numbers, and
does them again without any of our Python.
"""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map
from trained_stacks import MODES

from models.data.load import load
from models.specs.own_functions import OwnTerm
from study import (
    MMD,
    SGD,
    VAE,
    Adam,
    AdamW,
    Cosine,
    Digits,
    Fixed,
    ImageVAE,
    Objective,
    OneCycle,
    PerPixel,
    RMSprop,
    Rprop,
)
from study.train.stack.build import build_stack
from study.train.step.loop import Training
from study.train.step.step_graph import WARM_UP


class Tape(TorchDispatchMode):
    """Notes operations as they are done, and does them again."""

    def __init__(self):
        super().__init__()
        self._notes: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        del types
        out = func(*args, **(kwargs or {}))
        self._notes.append((func, args, kwargs or {}, out))
        return out

    @torch.no_grad()
    def replay(self):
        """Tensors that the step made are made anew; all others are those that it read and wrote."""
        made: dict[int, Tensor] = {}

        def now(value):
            return made.get(id(value), value)

        for func, args, kwargs, out in self._notes:
            found = func(*tree_map(now, args), **tree_map(now, kwargs))
            pairs = (
                zip([out], [found], strict=True)
                if isinstance(out, Tensor)
                else zip(out or (), found or (), strict=True)
            )
            made |= {id(old): new for old, new in pairs if isinstance(old, Tensor) and old is not new}


def recorder(training):
    """Records as a CUDA graph does: what the step changed while it was recorded is taken back."""

    def record(body):
        held = {name: value for name, value in training.state().items() if not name.startswith(("curves", "batches"))}
        before = {name: value.clone() for name, value in held.items()}
        tape = Tape()
        with tape:
            body()
        for name, value in held.items():
            value.copy_(before[name])
        return tape

    return record


def trained(trials, steps, replays):
    stack, inputs = build_stack(trials, load(trials[0].data), torch.device("cpu"))
    training = Training(stack, trials, inputs)
    if replays:
        assert training.replay(recorder(training)) is None
    while training.step < steps:
        training.take_step()
    return training


def assert_replays(trials, steps=30):
    plain, replayed = (trained(trials, steps, replays) for replays in (False, True))
    assert replayed._graph is not None
    assert replayed._graph._recorded is not None
    for name, value in plain.state().items():
        assert torch.equal(value, replayed.state()[name]), name


@pytest.mark.parametrize(
    "optimiser", [Adam(), AdamW(weight_decay=0.1), SGD(momentum=0.9), RMSprop(momentum=0.5), Rprop()]
)
def test_every_optimiser_replays_with_every_gamma_mode(make_trial, optimiser):
    """With β that warms up, rates that fall, clipping, a trial that diverges, and checks between replays."""
    common = {"optimiser": optimiser, "steps": 200, "warm_up": 0.1}
    common |= {} if isinstance(optimiser, Rprop) else {"clip": 1.0}
    assert_replays([make_trial(gamma=gamma, **common) for gamma in MODES])
    common |= {"schedule": Cosine(), "stop": {"every": 7, "checks": 1, "min_delta": 1e6}}
    trials = [make_trial(gamma=gamma, **common) for gamma in MODES[:3]]
    assert_replays([*trials, make_trial(gamma=Fixed(1.0), blow_up=1e-3, **common)])


def test_passes_by_autograd_replay_too(make_trial):
    assert_replays(
        [make_trial(data=Digits(), model=ImageVAE(kappa=2, channels=(4,), blocks=1), batch=8, steps=100)], 24
    )
    assert_replays([make_trial(data=Digits(), gamma=PerPixel(), model=VAE(kappa=2, encoder=(4,), decoder=(4,)))])


def test_steps_are_recorded_after_the_first_few(make_trial):
    few = trained([make_trial(steps=1000)], 2 * WARM_UP, replays=True)
    assert few._graph is not None
    assert few._graph._seen <= WARM_UP


def shrink(z):
    return z.abs().sum(-1)


def test_what_cannot_be_replayed_is_said_and_trains_as_ever(make_trial):
    drawing = [
        {"objective": Objective(gamma=Fixed(0.1), penalty=MMD(weight=1.0))},
        {"objective": Objective(gamma=Fixed(0.1), terms=(OwnTerm.of(shrink, weight=0.1),))},
    ]
    trials = [make_trial().model_copy(update=changes) for changes in drawing]
    trials.append(make_trial(schedule=OneCycle(momentum=(0.5, 0.9))))
    for trial in trials:
        stack, inputs = build_stack([trial], load(trial.data), torch.device("cpu"))
        training = Training(stack, [trial], inputs)
        assert "not replayed" in str(training.replay())
        training.take_step()
        assert training._graph is None
