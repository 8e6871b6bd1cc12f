"""`Training`: every way of saying one thing is one trial, and what contradicts itself is refused in a sentence."""

from typing import Any

import pytest
from pydantic import ValidationError

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
    Patience,
    RMSprop,
    Rprop,
    Steps,
    Training,
    Trial,
    study,
)
from study.errors import explain

pytestmark = pytest.mark.every_python

STOP = Patience(every=3, held_out=0.2)


def trial_of(**training: Any):
    length: Any = {} if "epochs" in training else {"steps": 40}
    return Trial(
        data=LinearSubspace(n=100, n_test=10),
        model=VAE(kappa=2),
        objective=Objective(gamma=Learned()),
        training=Training(**length | {"batch": 30} | training),
        seed=0,
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"optimiser": Adam()}, {}),
        ({"optimiser": Adam(beta1=0.5, epsilon=1e-4)}, {"adam_beta1": 0.5, "adam_epsilon": 1e-4}),
        ({"optimiser": Rprop(grow=1.1)}, {"signs": Rprop(grow=1.1)}),
        ({"schedule": Constant()}, {"decay_from": 1.0}),
        ({"schedule": Linear(end=0.1, after=0.2)}, {"decay_from": 0.2, "decay_to": 0.1}),
        ({"schedule": Linear(end=0.02, after=0.5)}, {}),
        ({"epochs": 10}, {"steps": 30}),  # of 100 examples in minibatches of 30, three make an epoch
        ({"epochs": 10, "batch": 500}, {"steps": 10, "batch": 500}),
        ({"epochs": 10, "stop": STOP}, {"steps": 20, "stop": STOP}),
        ({"optimiser": {"kind": "AdamW"}}, {"optimiser": AdamW(weight_decay=0.01)}),
    ],
)
def test_two_ways_of_saying_one_training_are_one_trial(one, other):
    assert trial_of(**one) == trial_of(**other)
    assert trial_of(**one).trial_id == trial_of(**other).trial_id
    assert Trial.model_validate_json(trial_of(**one).model_dump_json()).trial_id == trial_of(**other).trial_id


def test_whatever_differs_is_another_trial():
    ways = [
        {},
        {"optimiser": AdamW()},
        {"optimiser": AdamW(weight_decay=0.1)},
        {"optimiser": Adam(weight_decay=0.01)},
        {"optimiser": SGD()},
        {"optimiser": RMSprop()},
        {"schedule": Cosine()},
        {"schedule": Cosine(warm_up=0.1)},
        {"schedule": Constant(warm_up=0.1)},
        {"schedule": Linear(until=0.5)},
        {"schedule": Steps()},
        {"schedule": OneCycle()},
        {"clip": 1.0},
        {"clip_value": 1.0},
        {"epochs": 2},
        {"stop": STOP},
    ]
    assert len({trial_of(**way).trial_id for way in ways}) == len(ways)


def test_numbers_share_a_pack_and_kinds_do_not():
    adam = [
        {},
        {"optimiser": AdamW()},
        {"optimiser": Adam(beta1=0.1, weight_decay=1)},
        {"schedule": Cosine(warm_up=0.1)},
    ]
    adam += [{"schedule": OneCycle(momentum=(0.8, 0.9))}, {"clip": 1.0}, {"clip_value": 1.0}, {"decay_from": 0.1}]
    assert len({trial_of(**way).pack_key for way in adam}) == 1
    apart = [{}, {"optimiser": SGD()}, {"optimiser": SGD(momentum=0.9, nesterov=True)}, {"optimiser": RMSprop()}]
    apart += [
        {"optimiser": RMSprop(centred=True)},
        {"signs": Rprop()},
        {"epochs": 2},
        {"batch": 20},
        {"stop": STOP},
    ]
    assert len({trial_of(**way).pack_key for way in apart}) == len(apart)
    assert trial_of(optimiser=SGD(momentum=0.9)).pack_key == trial_of(optimiser=SGD(weight_decay=0.1)).pack_key


def test_what_is_in_force_is_said_however_it_was_declared():
    assert trial_of(adam_beta2=0.9).training.optimiser_in_force == Adam(beta2=0.9)
    assert trial_of(signs=Rprop()).training.optimiser_in_force == Rprop()
    assert trial_of(optimiser=SGD()).training.optimiser_in_force == SGD()
    assert trial_of().training.schedule_in_force == Linear(end=0.02, after=0.5)
    assert trial_of(schedule=Constant()).training.schedule_in_force == Constant()
    assert trial_of(schedule=Cosine()).training.schedule_in_force == Cosine()


def test_labels_are_what_a_person_writes():
    assert (AdamW().label, AdamW(weight_decay=0.1).label) == ("AdamW", "AdamW(weight_decay=0.1)")
    assert Cosine(end=0.1, warm_up=0.05).label == "Cosine(warm_up=0.05, end=0.1)"
    assert Steps(at=(0.25, 0.5)).label == "Steps(at=(0.25, 0.5))"
    assert (OneCycle().label, Patience(on="distortion", checks=3).label) == (
        "OneCycle",
        "Patience(on=distortion, checks=3)",
    )


def test_settings_are_axes_under_their_own_names():
    @study(
        optimiser=[AdamW(weight_decay=0.1), AdamW(), SGD()], schedule=[Cosine()], clip=[1.0, 2.0], weight_decay=[0.1]
    )
    def table(optimiser, schedule, clip, weight_decay):
        """Names of recorded declarations are free for axes."""
        assert weight_decay
        return trial_of(optimiser=optimiser, schedule=schedule, clip=clip)

    rows = table.table("laptop").rows()
    assert len({row.trial.trial_id for row in rows}) == 6
    assert {row.axes["optimiser"] for row in rows} == {"AdamW(weight_decay=0.1)", "AdamW", "SGD"}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Training(), "Training has no length: declare steps=..., or epochs=..."),
        (lambda: Training(steps=0), "Training has no length"),
        (lambda: Training(steps=2, epochs=2), "has two lengths, steps and epochs: leave one out"),
        (lambda: Training(steps=2, clip=1, clip_value=1), "clips gradients twice: leave clip or clip_value out"),
        (
            lambda: Training(steps=2, optimiser=SGD(), adam_beta1=0.5),
            "has both adam_beta1 and optimiser=SGD(...), which contradict each other: leave one out",
        ),
        (lambda: Training(steps=2, optimiser=Adam(), signs=Rprop()), "has both signs and optimiser=Adam(...)"),
        (lambda: Training(steps=2, schedule=Cosine(), decay_to=0.5), "has both decay_to and schedule=Cosine(...)"),
        (
            lambda: Training(steps=2, optimiser=Rprop(), schedule=OneCycle(momentum=(0.8, 0.9))),
            "Rprop has no momentum that OneCycle could change: leave momentum out",
        ),
        (lambda: SGD(nesterov=True), "there is none: give momentum=0.9, say"),
        (lambda: SGD(momentum=1), "SGD.momentum should be less than 1, not 1"),
        (lambda: AdamW(weight_decay=-1), "AdamW.weight_decay should be greater than or equal to 0"),
        (lambda: Linear(after=0.5, until=0.2), "the moments are out of order"),
        (lambda: Steps(at=(0.5, 0.2)), "the moments of at are out of order: let them rise"),
        (lambda: Training(steps=2, optimiser="adamw"), "Training.optimiser should be one of Adam, AdamW, SGD"),  # pyright: ignore[reportArgumentType]
        (lambda: Training(steps=2, schedule=Cosine), "write Cosine()"),  # pyright: ignore[reportArgumentType]
        (lambda: Patience(on="loss"), "Patience.on should be 'neg_elbo', 'objective' or 'distortion'"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_a_training_that_cannot_be_is_refused_in_a_sentence(make, sentence):
    with pytest.raises(ValidationError) as fault:
        make()
    assert sentence in explain(fault.value)
