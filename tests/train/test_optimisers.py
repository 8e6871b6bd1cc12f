"""Optimisers over a stack: nothing that one trial declares changes another, and decoder variances do not decay."""

from typing import Any

import numpy as np
import pytest
import torch
from trained_rows import take_steps

from models.data.load import load
from models.specs import optimisers as declared
from study import (
    SGD,
    VAE,
    Adam,
    AdamW,
    Cosine,
    Digits,
    Fixed,
    Objective,
    OneCycle,
    PerPixel,
    RMSprop,
    Rprop,
    Training,
    Trial,
)
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.pack_run import PackRun
from study.train.stack.build import build_stack
from study.train.stack.trained_numbers import TrainedNumbers
from study.train.step import adam, rmsprop, rprop, sgd
from study.train.step.build import optimiser_of

ALONE_AND_IN_COMPANY = [
    (adam.Adam, Adam(beta1=0.8, beta2=0.99), [AdamW(weight_decay=0.5), Adam(beta1=0.3, beta2=0.9, epsilon=1e-3)]),
    (adam.Adam, AdamW(), [Adam(weight_decay=0.1), AdamW(beta1=0.0, weight_decay=1.0)]),
    (sgd.SGD, SGD(momentum=0.9), [SGD(), SGD(momentum=0.5, weight_decay=0.1)]),
    (rmsprop.RMSprop, RMSprop(alpha=0.9), [RMSprop(momentum=0.9, weight_decay=0.1), RMSprop(epsilon=1e-2)]),
    (rprop.Rprop, Rprop(), [Rprop(grow=2.0, least=0.5), Rprop(shrink=0.1, most=1.0)]),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("kind", "settings", "company"), ALONE_AND_IN_COMPANY)
def test_company_changes_no_bit_of_a_step(kind, settings, company, dtype):
    """One float for all trials and a column of floats are two ways to the same bits."""
    draw = torch.Generator().manual_seed(0)
    shapes = [torch.Size([4, 9]), torch.Size([])]
    start = torch.randn(1, 37, generator=draw, dtype=dtype).expand(3, -1)
    alone, together, slopes = (TrainedNumbers(3, shapes, start) for _ in range(3))
    moved = []
    for numbers, declarations in ((alone, [settings] * 3), (together, [settings, *company])):
        numbers.take_rows(start)
        moved.append(kind(numbers, [(slice(0, 3), slopes)], [True, False], declarations))
    lr, ratio = torch.full((3,), 0.01, dtype=dtype), torch.full((3,), 0.5, dtype=dtype)
    for _ in range(30):
        gradient = torch.randn(1, 37, generator=draw, dtype=dtype).expand(3, -1)
        for optimiser in moved:
            slopes.take_rows(gradient)
            optimiser.begin()
            optimiser.move(optimiser.blocks[0], lr, ratio)
    first, second, third = together.by_trial()
    assert torch.equal(alone.by_trial()[0], first)
    assert not torch.equal(first, second)
    assert not torch.equal(first, third)


@pytest.mark.parametrize("optimiser", [AdamW(), Adam(), SGD(), RMSprop()])
def test_weights_decay_and_decoder_variances_do_not(optimiser):
    """Without a gradient nothing else moves a number: log γ and the log variances of the 64 pixels stay."""
    training = Training(steps=1, optimiser=optimiser.model_copy(update={"weight_decay": 0.5}))
    trial = small(training, gamma=PerPixel(), model=VAE(kappa=2, encoder=(4,), decoder=()))
    stack, _ = build_stack([trial], load(trial.data), torch.device("cpu"))
    stack.trained_numbers.flat.fill_(1.0)
    moved = optimiser_of(stack, [trial], [(slice(0, 1), stack.trained_numbers.alike())])
    moved.begin()
    moved.move(moved.blocks[0], torch.tensor([0.1]), torch.ones(1))
    assert (stack.weights()["network.pixel_log_var"] == 1).all()
    assert stack.log_gamma.tolist() == [1.0]
    assert int((stack.numbers < 1).sum()) == stack.parameters - 64


def small(training, gamma=None, model=None):
    model = model or VAE(kappa=2, encoder=(8,), decoder=(8,))
    return Trial(data=Digits(), model=model, objective=Objective(gamma=gamma or Fixed(0.1)), training=training, seed=0)


@pytest.mark.parametrize("optimiser", [AdamW(), SGD(momentum=0.9), RMSprop(momentum=0.5, centred=True), Rprop()])
def test_a_checkpoint_goes_on_to_the_last_bit(make_trial, optimiser):
    schedules: Any = {} if isinstance(optimiser, declared.Rprop) else {"momentum": (0.5, 0.9)}
    common = {"steps": 60, "optimiser": optimiser, "schedule": OneCycle(**schedules)}
    trials = [make_trial(seed=seed, clip=clip, lr=1e-3, **common) for seed, clip in ((0, 1.0), (1, None))]
    trials.append(make_trial(lr=1e9, blow_up=1.0, **common))  # diverges, and stays where it was
    whole, half, again = (PackRun(make_pack(trials, {})) for _ in range(3))
    take_steps(whole, 60)
    take_steps(half, 29)
    again.go_to({name: value.copy() for name, value in half.state().items()}, 0.0)
    take_steps(again, 60)
    assert whole.training.divergence.reason.tolist()[:2] == [0, 0]
    assert whole.training.divergence.reason[2] > 0
    assert whole.training.stack.numbers[:2].isfinite().all()
    for name, value in whole.state().items():
        assert np.array_equal(value, again.state()[name], equal_nan=True), name


def test_the_record_shows_how_a_trial_was_trained(make_trial, tmp_path):
    ways = [
        {},
        {"optimiser": AdamW(weight_decay=0.1), "schedule": Cosine(), "clip": 2.0},
        {"optimiser": Adam(beta1=0.5)},
    ]
    trials = [make_trial(steps=2, **way) for way in ways]
    run = PackRun(make_pack(trials, {}))
    run.advance(60)
    run.commit(Home(tmp_path))
    names = ["optimiser", "weight_decay", "momentum", "schedule", "clip", "clip_value", "stopped_at"]
    found = {row["trial_id"]: [row[name] for name in names] for row in read(Home(tmp_path), "trials").to_pylist()}
    linear = "Linear(end=0.02, after=0.5)"
    assert [found[trial.trial_id] for trial in trials] == [
        ["Adam", 0.0, 0.9, linear, None, None, None],
        ["AdamW", 0.1, 0.9, "Cosine", 2.0, None, None],
        ["Adam", 0.0, 0.5, linear, None, None, None],
    ]
