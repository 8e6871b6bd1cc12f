"""What `Training` declares is what torch's own optimisers, schedulers and clipping do, in packs of every size."""

import pytest
import torch
from torch_training import train_with_torch
from trained_stacks import train_stack

from models.specs.optimisers import Optimiser as Optimisers
from models.specs.schedules import Schedule as Schedules
from models.specs.vocabulary import members
from study import (
    SGD,
    VAE,
    Adam,
    AdamW,
    Constant,
    Cosine,
    Learned,
    Linear,
    LinearSubspace,
    Objective,
    OneCycle,
    RMSprop,
    Rprop,
    Steps,
    Training,
    Trial,
)

STEPS = 40

OPTIMISERS = {
    "Adam": (
        (Adam(beta1=0.5, beta2=0.9), 0.02),
        (AdamW(weight_decay=0.3), 0.03),
        (Adam(weight_decay=0.1, epsilon=1e-3), 0.02),
        (AdamW(beta1=0.8, weight_decay=0.0), 0.01),
    ),
    "SGD": ((SGD(), 0.02), (SGD(momentum=0.9), 0.003), (SGD(momentum=0.5, weight_decay=0.2), 0.01)),
    "SGD, Nesterov": (
        (SGD(momentum=0.9, nesterov=True), 0.003),
        (SGD(momentum=0.4, nesterov=True, weight_decay=0.1), 0.01),
    ),
    "RMSprop": (
        (RMSprop(), 0.01),
        (RMSprop(alpha=0.9, momentum=0.5, weight_decay=0.1), 0.005),
        (RMSprop(epsilon=1e-3, momentum=0.9), 0.002),
    ),
    "RMSprop, centred": (
        (RMSprop(centred=True, alpha=0.9), 0.005),
        (RMSprop(centred=True, momentum=0.5, weight_decay=0.1), 0.003),
    ),
    "Rprop": ((Rprop(), 0.01), (Rprop(grow=1.1, shrink=0.3, least=0.01, most=2.0), 0.02)),
}
"""Optimisers and learning rates by family: those of one train in one pack."""

SCHEDULES = (
    Constant(),
    Constant(warm_up=0.25, start=0.1),
    Linear(end=0.1),
    Linear(end=0.5, after=0.5, until=0.75),
    Linear(end=0.0, warm_up=0.25),
    Cosine(),
    Cosine(end=0.05, warm_up=0.2, start=0.001),
    Steps(),
    Steps(at=(0.25, 0.5, 0.75), factor=0.5, warm_up=0.1),
    OneCycle(),
    OneCycle(peak=0.5, start=0.1, end=1e-3, anneal="linear"),
)
CYCLES = OneCycle(momentum=(0.6, 0.9))

CLIPS = ({}, {"clip": 0.5}, {"clip_value": 0.05}, {"clip": 3.0})


def trial_of(optimiser, lr, schedule, seed=0, gamma_lr=None, **settings):
    return Trial(
        data=LinearSubspace(d=6, eigenvalues=(4.0, 2.0), noise=0.1, n=96, n_test=16),
        model=VAE(kappa=2, encoder=(5,), decoder=(5,), log_var_scale=0.1),
        objective=Objective(gamma=Learned(lr=gamma_lr), beta=0.5),
        training=Training(
            steps=STEPS, batch=32, lr=lr, dtype="float64", optimiser=optimiser, schedule=schedule, **settings
        ),
        seed=seed,
    )


def trials_of(family, count):
    """Trials whose optimisers, schedules, clipping and seeds all differ.

    In torch a schedule does not reach Rprop's steps, and the end of a cosine is one learning rate for all groups.
    """
    trials = []
    for i in range(count):
        optimiser, lr = OPTIMISERS[family][i % len(OPTIMISERS[family])]
        schedule = Constant() if family == "Rprop" else (*SCHEDULES, CYCLES)[i % (len(SCHEDULES) + 1)]
        gamma_lr = 0.01 if i % 3 == 1 and not isinstance(schedule, Cosine) and family != "Rprop" else None
        trials.append(trial_of(optimiser, lr, schedule, i % 5, gamma_lr, **CLIPS[i // 2 % len(CLIPS)]))
    return trials


def numbers_in_packs(trials, size):
    """Every trial's trained numbers, in a row, from packs of `size`."""
    packs = [trials[start : start + size] for start in range(0, len(trials), size)]
    return torch.cat([train_stack(pack)[0].stack.numbers for pack in packs])


def numbers_with_torch(trial):
    """The same of the reference, in the layout of a stack."""
    one = train_stack([trial.model_copy(update={"training": Training(steps=1, batch=32, dtype="float64")})])[0].stack
    found = train_with_torch(trial)
    turned = [found[name.removeprefix("network.")] for name in one.weights()]
    parts = [part.mT if part.dim() == 2 else part for part in turned]
    return torch.cat([*(part.reshape(-1) for part in parts), found["log_gamma"][None]])


@pytest.mark.parametrize("family", OPTIMISERS)
def test_optimisers_schedules_and_clipping_are_torchs_in_packs_of_every_size(family):
    """In packs of 1, 3 and 64, each trial with settings of its own: to 1e-8 after a training in float64."""
    trials = trials_of(family, 64)
    assert len({trial.pack_key for trial in trials}) == 1
    together = numbers_in_packs(trials, 64)
    if family != "Rprop":  # which clipping does not reach
        assert (torch.cdist(together, together) + torch.eye(64)).min() > 1e-6, "a setting does nothing"
    first = trials[:12]
    for size in (1, 3):
        assert torch.allclose(numbers_in_packs(first, size), together[:12], rtol=1e-8, atol=1e-10), size
    for place in (*range(12), 63):
        expected = numbers_with_torch(trials[place])
        assert torch.allclose(together[place], expected, rtol=1e-8, atol=1e-10), trials[place].training


def test_every_optimiser_and_schedule_is_compared():
    compared = [type(optimiser) for declared in OPTIMISERS.values() for optimiser, _ in declared]
    assert set(compared) == set(members(Optimisers))
    assert {type(schedule) for schedule in SCHEDULES} == set(members(Schedules))
