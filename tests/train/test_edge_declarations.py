"""At the edge of what can be declared: refused in one sentence then and there, or trained to finite numbers."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from models.specs.groundwork import Conventions, LinearLikelihood, NullBins
from models.specs.penalties import SerpentineCritical
from models.specs.probes import CollapsedCurvature, PairSlice, PairSplit
from study import (
    MMD,
    VAE,
    Annealed,
    Fixed,
    Learned,
    LinearMap,
    LinearSubspace,
    Objective,
    Optimal,
    Patience,
    PerImage,
    PlantedArc,
    PlantedClusters,
    PlantedManifold,
    Rprop,
    Sparsity,
    Spread,
    StudentT,
    Training,
    Trial,
)
from study.errors import explain
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.pack_run import PackRun


def data(**fields: Any):
    return PlantedManifold.model_validate({"d": 4, "r": 1, "n": 20, "n_test": 10} | fields)


def network(**fields: Any):
    return VAE.model_validate({"kappa": 2, "encoder": (4,), "decoder": (4,)} | fields)


def objective(**fields: Any):
    return Objective.model_validate({"gamma": Fixed(0.1)} | fields)


def training(**fields: Any):
    return Training.model_validate({"steps": 2, "batch": 4} | fields)


def stopping(held_out: float = 0.1, **fields: Any):
    """A training that may stop at step 20 at the earliest."""
    return training(steps=30, stop=Patience(every=10, checks=1, held_out=held_out), **fields)


def trial(**fields: Any):
    parts: dict[str, Any] = {"data": data, "model": network, "objective": objective, "training": training}
    return Trial.model_validate(
        {name: make() for name, make in parts.items() if name not in fields} | {"seed": 0} | fields
    )


WAE = {"beta": 0, "penalty": MMD(weight=1)}
SPARSE = {"beta": 0, "penalty": Sparsity(h="log")}

REFUSED = {
    "one sample": (lambda: trial(samples=1), "samples = 1 has no distances between samples: declare two"),
    "samples beyond memory": (lambda: trial(samples=10**9), "samples should be less than or equal to 100000"),
    "half a training set of one": (
        lambda: trial(data=data(n=3), samples=5),
        "one half of the training set, and manifold r=1 has n = 3",
    ),
    "MMD of one": (
        lambda: trial(objective=objective(**WAE), training=training(batch=1)),
        "the penalty MMD is estimated from the examples of a minibatch: declare a batch of two",
    ),
    "energies of one": (
        lambda: trial(model=network(post_var="none"), objective=objective(**SPARSE), training=training(batch=1)),
        "the penalty Sparsity is estimated",
    ),
    "MMD of what a stop leaves": (
        lambda: trial(data=data(n=3), objective=objective(**WAE), training=stopping(held_out=0.5)),
        "declare more data, or a stop that holds out less, for a batch of two",
    ),
    "a stop after the end": (
        lambda: trial(training=training(steps=600, stop=Patience())),
        "stop could end a trial at step 600 at the earliest, and the training has 600 steps: give it a smaller every",
    ),
    "a stop after β is warm": (
        lambda: trial(training=stopping(warm_up=0.5)),
        "stop could end a trial at step 30 at the earliest, and the training has 30 steps",
    ),
    "a stop after the last epoch": (
        lambda: trial(training=Training(epochs=2, batch=4, stop=Patience(every=3))),
        "step 18 at the earliest, and the training has 8 steps",
    ),
    "a line without an inside": (lambda: PairSlice(gamma=1, points=2), "PairSlice.points should be greater than"),
    "two minima of three points": (lambda: PairSplit(points=3), "PairSplit.points should be greater than"),
    "conventions in a plane": (lambda: Conventions(d=2), "Conventions.d should be greater than or equal to 3"),
    "more bins than rows": (lambda: NullBins(bins=50, n=10), "50 bins need as many rows at least, not n = 10"),
    "more columns than outputs": (
        lambda: LinearLikelihood(d=2, kappa=3),
        "d = 2 outputs have no 3 orthogonal columns: lower kappa, or raise d",
    ),
    "half a block": (lambda: CollapsedCurvature(depth=3, skip="residual"), "give it an even depth"),
    "a square below any number": (lambda: SerpentineCritical(eps=1e-300, length=4e-300, penalty="power"), "eps should"),
    "γ below float32": (lambda: Fixed(1e-300), "Fixed.value should lie between 1e-30 and 1e30"),
    "γ above float32": (lambda: Learned(init=1e300), "Learned.init should lie between"),
    "annealed to nothing": (lambda: Annealed(1, 1e-300), "Annealed.end should lie between"),
    "β above float32": (lambda: objective(beta=1e300), "Objective.beta should be less than or equal to"),
    "penalty above float32": (lambda: MMD(weight=1e300), "MMD.weight should lie between"),
    "weights above float32": (lambda: network(mu_scale=1e300), "VAE.mu_scale should lie between"),
    "variances below float32": (lambda: network(post_var=(1e-300, 1.0)), "posterior variances should lie between"),
    "prior above float32": (lambda: network(prior_std=1e300), "VAE.prior_std should be less than"),
    "σ² above float32": (lambda: network(log_var_range=(100, 200)), "no σ² in this log_var_range"),
    "σ² below float32": (lambda: network(log_var_range=(-500, -400)), "no σ² in this log_var_range"),
    "range above float32": (lambda: network(log_var_range=(-1e300, 1e300)), "has an end that float32 cannot hold"),
    "freedom": (lambda: StudentT(freedom=1e300), "StudentT.freedom should be less than"),
    "spread above float32": (lambda: Spread(low=1e-300, high=1e300), "Spread.low should lie between"),
    "steps above float32": (lambda: Rprop(most=1e300), "Rprop.most should be less than"),
    "nothing to divide by": (lambda: training(adam_epsilon=1e-300), "adam_epsilon should be greater than"),
    "clusters on a line": (lambda: PlantedClusters(d=1), "PlantedClusters.d should be greater than or equal to 2"),
    "one example": (lambda: data(n=1), "PlantedManifold.n should be greater than or equal to 2"),
    "no test set": (lambda: data(n_test=0), "PlantedManifold.n_test should be greater than or equal to 1"),
}

TRAINED = {
    "two samples": lambda: trial(samples=2),
    "more samples than test examples": lambda: trial(data=data(n=4, n_test=2), samples=10),
    "two examples": lambda: trial(data=data(n=2, n_test=2)),
    "fewer examples than a batch": lambda: trial(training=training(batch=64)),
    "a batch of one": lambda: trial(training=training(batch=1)),
    "optimal γ of one": lambda: trial(objective=objective(gamma=Optimal()), training=training(batch=1)),
    "γ of one image": lambda: trial(objective=objective(gamma=PerImage()), training=training(batch=1)),
    "MMD of two": lambda: trial(objective=objective(**WAE), training=training(batch=2)),
    "MMD of a batch cut to two": lambda: trial(data=data(n=2, n_test=2), objective=objective(**WAE)),
    "MMD of three by two": lambda: trial(data=data(n=3), objective=objective(**WAE), training=training(batch=2)),
    "energies of two": lambda: trial(
        model=network(post_var="none"), objective=objective(**SPARSE), training=training(batch=2)
    ),
    "more latents than examples": lambda: trial(data=data(n=2), model=network(kappa=9)),
    "one dimension": lambda: trial(data=data(d=1), samples=5),
    "one step of warming up": lambda: trial(training=training(steps=1, warm_up=1.0)),
    "one step of decay": lambda: trial(training=training(steps=1, decay_from=0, decay_to=0)),
    "one step of annealing": lambda: trial(
        objective=objective(gamma=Annealed(1, 0.1, over=1e-9)), training=training(steps=1)
    ),
    "no layers": lambda: trial(model=network(encoder=(), decoder=())),
    "nearly Cauchy": lambda: trial(objective=objective(likelihood=StudentT(freedom=math.nextafter(2, 3)))),
    "nearly normal": lambda: trial(objective=objective(likelihood=StudentT(freedom=1e6))),
    "outliers, two of each": lambda: trial(data=data(n_test=2), outliers=data(n_test=2, seed=1)),
    "as many components as dimensions": lambda: trial(model=network(kappa=4), outliers=data(seed=1)),
    "a spread as narrow as can be": lambda: trial(
        model=network(sees_beta=True),
        objective=objective(spread=Spread(low=1.0, high=math.nextafter(1, 2), at=(1.0,))),
    ),
    "tiny data": lambda: trial(data=LinearSubspace(d=4, n=20, n_test=10, eigenvalues=(1e-20,)), samples=5),
    "targets of two": lambda: trial(data=LinearMap(n=4, n_test=2), samples=3),
    "clusters in a plane": lambda: trial(data=PlantedClusters(d=2, n=20, n_test=10)),
    "outliers in a plane": lambda: trial(
        data=PlantedArc(d=2, n=20, n_test=10), outliers=PlantedArc(d=2, n=20, n_test=10, off=1.0)
    ),
    "a stop that can only just act": lambda: trial(training=stopping(warm_up=0.3)),
    "MMD of the two that a stop leaves": lambda: trial(
        data=data(n=4), objective=objective(**WAE), training=stopping(held_out=0.5)
    ),
    "the last seed": lambda: trial(seed=2**63 - 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_trained_or_measured_is_refused_when_it_is_declared(name):
    make, said = REFUSED[name]
    with pytest.raises(ValidationError) as refused:
        make()
    text = explain(refused.value)
    assert said in text
    assert "\n" not in text


@pytest.mark.parametrize("name", TRAINED)
def test_what_is_declared_is_trained_and_measured(name, tmp_path):
    run = PackRun(make_pack([TRAINED[name]()], {}))
    while not run.done:
        run.advance(60)
    home = Home(tmp_path)
    run.commit(home)
    (row,) = read(home, "trials").to_pylist()
    assert row["status"] == "finished", row["error"]
    for table in ("trials", "evaluations", "latents"):
        for each in read(home, table).to_pylist():
            assert all(math.isfinite(value) for value in each.values() if isinstance(value, float)), (table, each)
