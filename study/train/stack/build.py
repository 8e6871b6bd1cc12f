"""From trials to what trains: the stack of their networks with their likelihood, and the inputs that it is fed."""

from collections.abc import Sequence

import torch

from models.data.dataset import DataSet
from models.loss.build import likelihood_of
from models.loss.levels import Levels
from models.loss.likelihood import Likelihood
from study.declare.trial import Trial
from study.train.stack.earlier_stages import Ground
from study.train.stack.inputs import Inputs, inputs_of
from study.train.stack.stack import Stack


def build_stack(
    trials: Sequence[Trial], data: DataSet, device: torch.device, ground: Ground | None = None
) -> tuple[Stack, Inputs]:
    """The stack of trials that share shapes, and its inputs. `ground` holds what they stand on, if on anything."""
    ground = ground or Ground([trial.objective.gamma for trial in trials], [None] * len(trials))
    likelihood = None if trials[0].objective.is_plain else likelihood_on(trials[0], data, device)
    stack = Stack(trials, ground.gammas, device, likelihood=likelihood)
    return stack, inputs_of(trials, data, ground.stages, device, stack.dtype)


def likelihood_on(trial: Trial, data: DataSet, device: torch.device) -> Likelihood:
    """A trial's likelihood, which knows the levels of its data where these have any."""
    count = data.spec.levels
    levels = Levels(count, torch.from_numpy(data.mean).to(device)) if count else None
    return likelihood_of(trial.objective, trial.d, levels)
