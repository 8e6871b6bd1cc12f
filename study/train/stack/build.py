"""A pack's ground made ready: its stack of networks, their likelihood, and what they train on."""

from collections.abc import Sequence

import torch

from models.datasets import DataSet
from models.levels import Levels
from models.likelihood import Likelihood
from models.likelihoods import likelihood_of
from study.packed.frozen import ground
from study.packed.inputs import Inputs, inputs_of
from study.packed.stack import Stack
from study.record import Home
from study.trial import Trial


def laid(trials: Sequence[Trial], data: DataSet, home: Home | None, device: torch.device) -> tuple[Stack, Inputs]:
    """Raises: HomeError where the home lacks what the trials stand on."""
    found = ground(trials, data, home, device)
    likelihood = None if trials[0].objective.is_plain else likelihood_on(trials[0], data, device)
    stack = Stack(trials, found.gammas, device, likelihood=likelihood)
    return stack, inputs_of(trials, data, found.frozen, device, stack.dtype)


def likelihood_on(trial: Trial, data: DataSet, device: torch.device) -> Likelihood:
    """A trial's likelihood, which knows the levels of its data where these have any."""
    count = data.spec.levels
    levels = Levels(count, torch.from_numpy(data.mean).to(device)) if count else None
    return likelihood_of(trial.objective, trial.d, levels)
