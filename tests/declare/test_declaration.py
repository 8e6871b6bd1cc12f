"""Declarations: validated when they are made, identified by what they mean."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from models.networks.build import build
from study import (
    CIFAR10,
    MNIST,
    SVHN,
    VAE,
    Annealed,
    Bernoulli,
    Bitwise,
    Categorical,
    CelebA,
    DecodedPerPixel,
    Digits,
    FashionMNIST,
    Fixed,
    ImageFolder,
    ImageVAE,
    Learned,
    LearnedByBeta,
    LinearMap,
    LinearSubspace,
    LogisticMixture,
    Objective,
    Optimal,
    Own,
    PerImage,
    PerPixel,
    PlantedManifold,
    Spread,
    StudentT,
    Training,
    Trial,
)
from study.errors import explain

pytestmark = pytest.mark.every_python

GOLDEN = Path(__file__).parents[1] / "golden"


def a_trial(**changes):
    fields = {
        "data": Digits(),
        "model": VAE(kappa=8),
        "objective": Objective(gamma=Fixed(1.0)),
        "training": Training(steps=10),
        "seed": 0,
    }
    return Trial(**(fields | changes))


def golden_trials():
    """One trial of every kind of declaration, by a name that never changes."""
    return {
        "default": a_trial(),
        "manifold": a_trial(data=PlantedManifold()),
        "manifold-other-seed": a_trial(data=PlantedManifold(seed=1)),
        "linear": a_trial(data=LinearSubspace(eigenvalues=(4, 2, 1))),
        "mnist": a_trial(data=MNIST()),
        "fashion-part": a_trial(data=FashionMNIST(n=1000)),
        "celeba": a_trial(data=CelebA()),
        "celeba-part": a_trial(data=CelebA(size=128, n=1000)),
        "folder": a_trial(data=ImageFolder(path="anywhere", checksum="of its pictures", pictures=100, size=64)),
        "learned": a_trial(objective=Objective(gamma=Learned())),
        "learned-capped": a_trial(objective=Objective(gamma=Learned(init=0.5, ceiling=2, lr=0.01), beta=4)),
        "optimal": a_trial(objective=Objective(gamma=Optimal())),
        "annealed": a_trial(objective=Objective(gamma=Annealed(1, 1e-4))),
        "residual-he": a_trial(model=VAE(kappa=8, skip="residual", init="he", activation="relu")),
        "concat": a_trial(model=VAE(kappa=8, skip="concat", log_var_range=(-20, 5))),
        "image": a_trial(model=ImageVAE(kappa=8)),
        "image-group": a_trial(model=ImageVAE(kappa=8, channels=(8,), blocks=2, norm="group", skip="affine")),
        "binary": a_trial(data=Digits(binary=True), objective=Objective(likelihood=Bernoulli())),
        "cifar10": a_trial(data=CIFAR10(), objective=Objective(likelihood=Categorical())),
        "svhn-part": a_trial(data=SVHN(n=1000), objective=Objective(likelihood=Bitwise())),
        "mixture": a_trial(objective=Objective(likelihood=LogisticMixture(components=3), beta=2), bits=True),
        "student-t": a_trial(objective=Objective(gamma=Learned(), likelihood=StudentT(freedom=3))),
        "per-pixel": a_trial(objective=Objective(gamma=PerPixel(floor=0.01))),
        "per-image": a_trial(objective=Objective(gamma=PerImage())),
        "per-pixel-decoded": a_trial(objective=Objective(gamma=DecodedPerPixel(init=0.1, floor=0.01))),
        "by-beta": a_trial(
            model=VAE(kappa=8, sees_beta=True),
            objective=Objective(gamma=LearnedByBeta(knots=16), spread=Spread(low=0.1, high=10, at=(0.5,))),
        ),
        "training": a_trial(training=Training(steps=10, batch=32, lr=0.01, decay_from=1.0, dtype="float64")),
        "seed": a_trial(seed=7),
    }


def test_golden_ids_have_not_moved():
    """An id that moves loses every result recorded under it: raise ENGINE, and say so, if that is meant."""
    expected = json.loads((GOLDEN / "ids.json").read_text())
    assert {name: trial.trial_id for name, trial in golden_trials().items()} == expected


def test_ids_are_the_same_in_another_process_whatever_its_hash_seed():
    code = "from test_declaration import golden_trials as g; print([t.trial_id for t in g().values()])"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (
            a_trial(objective=Objective(gamma=Fixed(1), beta=1)),
            a_trial(objective=Objective(gamma=Fixed(1.0), beta=1.0)),
        ),
        (a_trial(model=VAE.model_validate({"kappa": 8.0})), a_trial(model=VAE.model_validate({"kappa": np.int64(8)}))),
        (a_trial(objective=Objective(gamma=Fixed(np.float64(0.1)))), a_trial(objective=Objective(gamma=Fixed(0.1)))),
        (a_trial(data=Digits()), a_trial(data={"kind": "Digits"})),
        (a_trial(training=Training(steps=10, lr=1e-3)), a_trial(training=Training(steps=10))),
        (
            a_trial(objective=Objective(gamma=Fixed(1.0), beta=-0.0)),
            a_trial(objective=Objective(gamma=Fixed(1.0), beta=0.0)),
        ),
    ],
)
def test_what_means_the_same_is_the_same_trial(one, same):
    assert one.trial_id == same.trial_id
    assert one.pack_key == same.pack_key


def test_a_variant_of_a_trial_is_a_trial_of_its_own():
    trial = a_trial()
    assert trial.trial_id
    assert trial.pack_key
    variant = trial.model_copy(update={"seed": 1, "model": VAE(kappa=99)})
    assert variant.trial_id == a_trial(seed=1, model=VAE(kappa=99)).trial_id != trial.trial_id
    assert variant.pack_key != trial.pack_key
    with pytest.raises(ValidationError):
        trial.model_copy(update={"seed": -1})


def test_a_field_at_its_default_is_left_out_of_the_identity():
    """So that a new field renames no old trial."""
    from study.declare.identity import canonical

    assert canonical(VAE(kappa=3)) == {"kind": "VAE", "kappa": 3}


def test_what_varies_inside_a_pack_does_not_change_its_key():
    key = a_trial().pack_key
    assert a_trial(seed=3).pack_key == key
    assert a_trial(objective=Objective(gamma=Learned(), beta=3)).pack_key == key
    assert a_trial(training=Training(steps=10, lr=0.1)).pack_key == key
    assert a_trial(model=VAE(kappa=8, init="he")).pack_key == key
    assert a_trial(model=VAE(kappa=9)).pack_key != key
    assert a_trial(data=PlantedManifold()).pack_key != key
    assert a_trial(training=Training(steps=11)).pack_key != key


@pytest.mark.parametrize("skip", ["none", "affine", "residual", "concat"])
@pytest.mark.parametrize("widths", [(), (6,), (6, 6), (5, 5, 5, 5)])
def test_a_network_has_as_many_parameters_as_its_declaration_says(skip, widths):
    if (skip == "residual" and len(widths) % 2) or (skip == "residual" and not widths):
        return
    for post_var in ("amortised", "shared", (1.0, 1.0, 1.0)):
        spec = VAE(kappa=3, encoder=(7, 4), decoder=widths, skip=skip, post_var=post_var)
        data = LinearMap(d=11, zeta2=(1.0,) * 9, inputs=(1.0,) * 9)
        assert sum(p.numel() for p in build(spec, data, seed=0).parameters()) == spec.parameters(data)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Fixed(-1.0), ["Fixed.value", "greater than 0", "-1"]),
        (lambda: Fixed(float("nan")), ["Fixed.value", "finite"]),
        (lambda: Fixed("1"), ["Fixed.value", "valid number", "'1'"]),  # pyright: ignore[reportArgumentType]
        (lambda: VAE(kappa=0), ["VAE.kappa", "greater than or equal to 1"]),
        (lambda: VAE(kappa=2.5), ["VAE.kappa", "integer"]),  # pyright: ignore[reportArgumentType]
        (lambda: VAE(kappa=True), ["VAE.kappa"]),
        (lambda: VAE(kappa=2, skip="afine"), ["VAE.skip", "'affine'", "'afine'"]),  # pyright: ignore[reportArgumentType]
        (lambda: VAE(kappa=2, skip="residual", decoder=(4, 5)), ["two layers a block"]),
        (lambda: VAE(kappa=2, post_var=(1.0,)), ["1 posterior variances do not fit kappa = 2"]),
        (lambda: VAE(kappa=2, post_var="fixed"), ["VAE.post_var"]),  # pyright: ignore[reportArgumentType]
        (lambda: LinearMap(zeta2=(1.0, 2.0)), ["2 zeta2 and 5 inputs"]),
        (lambda: VAE(kappa=2, depth=3), ["VAE.depth is unknown"]),  # pyright: ignore[reportCallIssue]
        (lambda: Objective(gamma=Fixed(1.0), beta=-1), ["Objective.beta", "greater than or equal to 0"]),
        (lambda: Objective(gamma=Fixed(1.0), mean_weight=-1), ["Objective.mean_weight", "greater than or equal to 0"]),
        (lambda: Objective(gamma=Fixed(1.0), beta=0, variance_weight=2), ["beta=0 leaves the whole rate out"]),
        (lambda: Learned(init=1.0, ceiling=0.5), ["between floor and ceiling"]),
        (lambda: PlantedManifold(seed=-1), ["PlantedManifold.seed", "greater than or equal to 0"]),
        (lambda: a_trial(seed=2**70), ["Trial.seed", "less than"]),
        (lambda: Own(kappa=2, name="N", source="", options={"f": len}), ["Own.options", "plain numbers"]),
        (lambda: PlantedManifold(d=2, r=3), ["does not fit in d = 2"]),
        (lambda: LinearSubspace(d=2, eigenvalues=(1, 1, 1)), ["do not fit in d = 2"]),
    ],
)
def test_a_wrong_declaration_says_what_is_wrong(make, words):
    with pytest.raises(ValidationError) as fault:
        make()
    text = explain(fault.value)
    assert "\n" not in text
    for word in words:
        assert word in text
