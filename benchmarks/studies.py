"""The networks of the benchmarks as studies: the platform runs them as anybody's (`benchmarks/studies.py:linear`)."""

from collections.abc import Mapping

from benchmarks.networks import BETAS, DIGITS, GAMMAS, LINEAR, PLANTED, STUB, TINY
from models.specs import Gamma
from study.declare.table import Label, Study, study
from study.declare.trial import Trial


@study(gamma=GAMMAS, beta=BETAS, seed=range(4))
def linear(gamma: Gamma, beta: float, seed: int) -> Trial:
    """5-8-5 networks on two dimensions of five: 256 trials."""
    return LINEAR.trial(gamma, beta, seed)


@study(gamma=GAMMAS, beta=BETAS[1::2], seed=range(4))
def planted(gamma: Gamma, beta: float, seed: int) -> Trial:
    """The catalog's network on a planted manifold, 20-64-64-8: 128 trials."""
    return PLANTED.trial(gamma, beta, seed)


@study(gamma=GAMMAS, beta=BETAS[3::4], seed=range(4))
def digits(gamma: Gamma, beta: float, seed: int) -> Trial:
    """The catalog's network on scikit-learn's digits, 64-64-64-16: 64 trials."""
    return DIGITS.trial(gamma, beta, seed)


@study(gamma=GAMMAS[:2], beta=[1.0], seed=range(2))
def quick(gamma: Gamma, beta: float, seed: int) -> Trial:
    """Four trials of thirty steps, to see that a benchmark runs."""
    return TINY.trial(gamma, beta, seed)


@study(gamma=GAMMAS, beta=BETAS[:10], seed=range(25))
def stub(gamma: Gamma, beta: float, seed: int) -> Trial:
    """A thousand trials that train next to nothing: one step of the smallest network on eight examples."""
    return STUB.trial(gamma, beta, seed)


STUDIES: Mapping[str, Study] = {"5-8-5": linear, "planted": planted, "digits": digits, "quick": quick}

_FEW = {
    "5-8-5": {"beta": [1.0, 2.0, 3.0, 4.0], "seed": [0, 1]},
    "planted": {"beta": [1.0, 2.0, 3.0, 4.0], "seed": [0]},
    "digits": {"seed": [0]},
    "quick": {"seed": [0]},
}


def few(name: str) -> dict[str, list[Label]]:
    """The part of a study that slower ways train, as the labels of each axis: 32 trials of the smallest network, 16 else."""
    return {axis: _FEW[name].get(axis, list(labels)) for axis, labels in STUDIES[name].table("laptop").labels.items()}


def trial_of(name: str, labels: Mapping[str, Label]) -> Trial:
    """The trial of a study's row."""
    table = STUDIES[name].table("laptop")
    values = {axis: dict(zip(table.labels[axis], table.axes[axis], strict=True))[labels[axis]] for axis in table.axes}
    return table.function(**values)
