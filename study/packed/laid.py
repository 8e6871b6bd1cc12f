"""A pack's ground made ready: its stack of networks, and what they train on."""

from collections.abc import Sequence

import torch

from models.datasets import DataSet
from study.packed.frozen import ground
from study.packed.inputs import Inputs, inputs_of
from study.packed.stack import Stack
from study.record import Home
from study.trial import Trial


def laid(trials: Sequence[Trial], data: DataSet, home: Home | None, device: torch.device) -> tuple[Stack, Inputs]:
    """Raises: HomeError where the home lacks what the trials stand on."""
    found = ground(trials, data, home, device)
    stack = Stack(trials, found.gammas, device)
    return stack, inputs_of(trials, data, found.frozen, device, stack.dtype)
