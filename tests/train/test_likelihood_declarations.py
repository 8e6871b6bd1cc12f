"""Likelihoods as they are declared: what fits, what shares a pack, what survives JSON."""

from typing import Any

import numpy as np
import pytest
from likelihood_trials import OBJECTIVES, a_trial
from pydantic import ValidationError

from models.data.load import load
from study import (
    VAE,
    Categorical,
    DecodedPerPixel,
    Digits,
    Fixed,
    Learned,
    LinearSubspace,
    Objective,
    Optimal,
    Own,
    PerPixel,
    StudentT,
    Training,
    Trial,
)
from study.declare.table import explain


def test_likelihoods_have_packs_of_their_own_and_modes_of_one_gamma_share_theirs():
    keys = {name: a_trial(name).pack_key for name in OBJECTIVES}
    assert len(set(keys.values())) == len(keys)
    one = a_trial("student t")
    for gamma in (Learned(), Fixed(0.5)):
        assert one.model_copy(update={"objective": one.objective.model_copy(update={"gamma": gamma})}).pack_key in {
            one.pack_key
        }
    assert a_trial("categorical", seed=3, beta=7).pack_key == keys["categorical"]
    others = [one.model_copy(update={"objective": Objective(gamma=gamma)}) for gamma in (Learned(), Optimal())]
    assert len({trial.pack_key for trial in others} | set(keys.values())) == len(keys) + 1


def declared(**fields):
    settings: Any = {"data": Digits(), "model": VAE(kappa=2), "training": Training(steps=1), "seed": 0}
    return Trial(**settings | fields)


OWN = Own(kappa=2, name="N", source="")


PLANTED = LinearSubspace(d=4, eigenvalues=(1.0,))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Objective(), "gamma is missing"),
        (lambda: Objective(gamma=Fixed(1.0), likelihood=Categorical()), "has no gamma: leave gamma out"),
        (lambda: Objective(gamma=Optimal(), likelihood=StudentT()), "give StudentT one γ"),
        (lambda: Objective(gamma=PerPixel(), likelihood=StudentT()), "give StudentT one γ"),
        (lambda: Objective(gamma=DecodedPerPixel(), likelihood=StudentT()), "give StudentT one γ"),
        (lambda: StudentT(freedom=2), "greater than 2"),
        (lambda: declared(objective=OBJECTIVES["bernoulli"]), "has 17 levels: declare binary=True"),
        (lambda: declared(objective=OBJECTIVES["bitwise"], data=PLANTED), "declare data that are pictures"),
        (
            lambda: declared(objective=Objective(gamma=Fixed(1.0)), data=PLANTED, bits=True),
            "bits=True needs levels",
        ),
        (lambda: declared(objective=OBJECTIVES["categorical"], model=OWN), "a network of your own decodes to means"),
        (lambda: declared(objective=OBJECTIVES["per pixel"], model=OWN), "a network of your own decodes to means"),
        (lambda: declared(objective=Objective(gamma=DecodedPerPixel()), model=OWN), "a network of your own decodes"),
        (
            lambda: declared(
                objective=Objective(gamma=Fixed(1.0), beta=0), model=VAE(kappa=2, post_var="none"), bits=True
            ),
            "leave bits out",
        ),
        (
            lambda: declared(objective=Objective(gamma=Learned()), after=declared(objective=OBJECTIVES["per image"])),
            "stages need the normal likelihood",
        ),
    ],
)
def test_a_likelihood_that_does_not_fit_is_refused_in_one_sentence(make, words):
    with pytest.raises(ValidationError) as fault:
        make()
    assert words in explain(fault.value)
    assert "\n" not in explain(fault.value)


def test_a_likelihood_survives_json_with_its_identity():
    for name in OBJECTIVES:
        trial = a_trial(name, bits=True)
        again = Trial.model_validate_json(trial.model_dump_json())
        assert again == trial
        assert again.trial_id == trial.trial_id
    assert len({a_trial(name).trial_id for name in OBJECTIVES}) == len(OBJECTIVES)


def test_binary_digits_are_black_and_white():
    grey, binary = load(Digits()), load(Digits(binary=True))
    values = np.asarray(grey.test) + grey.mean
    assert np.asarray(binary.test) + binary.mean == pytest.approx((values >= 0.5 - 1e-6).astype(float), abs=1e-6)
