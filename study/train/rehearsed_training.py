"""A rehearsed training: a few steps on a few rows, taken twice from the same seed, and compared."""

import random
from typing import Any

import numpy as np
import torch

from models.data.dataset import DataSet
from models.networks.build import seeded
from models.networks.own_outputs import NetworkError
from study.declare.trial import Trial
from study.train.measure.measure import Measure
from study.train.stack.build import build_stack
from study.train.stack.earlier_stages import Ground
from study.train.stack.inputs import Inputs
from study.train.stack.stack import Stack
from study.train.step.loop import Training
from study.train.watched import nothing_read

STEPS = 2

CPU = torch.device("cpu")


def stack_of(trial: Trial, data: DataSet) -> tuple[Stack, Inputs]:
    """A stack of the trial alone. What it stands on was never trained, so data of that shape are its ground."""
    return build_stack([trial], data, CPU, Ground([trial.objective.gamma], [None]))


def check_training(trial: Trial, data: DataSet, name: str) -> Stack:
    """The stack, trained. Raises: NetworkError where two trainings from the same seed end with other numbers."""
    ends, stacks, moved = list[list[Any]](), list[Stack](), list[str]()
    for ambient in (0, 1):
        with seeded(ambient), nothing_read(name):
            before = _generators()
            stack, values = _train(trial, data)
            moved = [kind for kind, state in _generators().items() if state != before[kind]]
        stacks.append(stack)
        ends.append(values)
    if all(torch.allclose(a, b, 0, 0, equal_nan=True) for a, b in zip(*ends, strict=True)):
        return stacks[0]
    if moved:
        raise NetworkError(
            f"{name} draws from {moved[0]}'s own generator while it trains, so no seed settles a trial: use "
            "torch.rand, torch.randn, torch.bernoulli, or a dropout of torch.nn"
        )
    raise NetworkError(
        f"{name} trains to other numbers from the same seed: it reads what its declaration does not hold, so make that "
        "an option"
    )


def _train(trial: Trial, data: DataSet) -> tuple[Stack, list[Any]]:
    """A stack after a few steps, and the numbers that it has come to."""
    stack, inputs = stack_of(trial, data)
    training = Training(stack, [trial], inputs)
    while not training.done and training.step < STEPS:
        training.take_step()
    measure = Measure(stack, [trial], data, inputs)
    measured = [measure.train.distortion, measure.test.rate, *measure.latents().values()]
    return stack, [*(each.clone() for each in stack.weights().values()), *measured]


def _generators() -> dict[str, Any]:
    return {"torch": torch.get_rng_state().tolist(), "NumPy": repr(np.random.get_state()), "Python": random.getstate()}
