"""What the benchmarks train: networks from the smallest to an MNIST one, under every γ mode.

Three of them are studies, so that the platform runs them exactly as it runs anybody's (`benchmarks/studies.py:linear`);
`MNIST_MLP` is for the training core alone. `quick` is as small as a study can be, and measures nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.specs import (
    MNIST,
    VAE,
    Annealed,
    Data,
    Digits,
    Fixed,
    Gamma,
    Learned,
    LinearSubspace,
    Model,
    Objective,
    Optimal,
    PlantedManifold,
    Training,
)
from study.declare.table import Label, Study, study
from study.declare.trial import Trial

GAMMAS = (Fixed(0.1), Learned(), Optimal(), Annealed(1.0, 0.01))
BETAS = [0.25 * i for i in range(1, 17)]


@dataclass(frozen=True)
class Network:
    """Data, architecture and training that all trials of a benchmark share."""

    data: Data
    model: Model
    training: Training

    def trial(self, gamma: Gamma, beta: float, seed: int) -> Trial:
        objective = Objective(gamma=gamma, beta=beta)
        return Trial(data=self.data, model=self.model, objective=objective, training=self.training, seed=seed)

    def trials(self, n: int, gammas: Sequence[Gamma] = GAMMAS, seeds: int = 4) -> list[Trial]:
        """`n` different trials, from as many random streams as `seeds` says: each stream is drawn once a step and pack."""
        places = [(i % seeds, i // seeds) for i in range(n)]
        return [
            self.trial(gammas[i % len(gammas)], round(0.25 + 4 * (i // len(gammas)) / n, 9), seed) for seed, i in places
        ]


def _as_in_the_catalog(kappa: int, skip: str = "none") -> VAE:
    """The network of study/catalog/grid_gamma/table.py."""
    widths = {"encoder": (64, 64), "decoder": (64, 64), "mu_scale": 0.1, "log_var_scale": 0.1}
    return VAE.model_validate({"kappa": kappa, "skip": skip, "log_var_range": (-20, 5), **widths})


LINEAR = Network(
    LinearSubspace(d=5, eigenvalues=(2.0, 1.0), noise=0.1, n=256, n_test=256),
    VAE(kappa=2, encoder=(8,), decoder=(8,)),
    Training(steps=4000, batch=32, lr=5e-3),
)
PLANTED = Network(PlantedManifold(d=20, r=3), _as_in_the_catalog(kappa=8), Training(steps=4000, batch=128, lr=5e-3))
DIGITS = Network(Digits(), _as_in_the_catalog(kappa=16, skip="affine"), Training(steps=3000, batch=128, lr=5e-3))
MNIST_MLP = Network(
    MNIST(),
    VAE(kappa=16, encoder=(256, 256), decoder=(256, 256), activation="relu", init="he", log_var_scale=0.1),
    Training(steps=200, batch=128, lr=1e-3),
)
STUB = Network(
    LinearSubspace(d=2, eigenvalues=(1.0,), n=16, n_test=16),
    VAE(kappa=1, encoder=(2,), decoder=(2,)),
    Training(steps=1, batch=8),
)
TINY = Network(LINEAR.data, LINEAR.model, Training(steps=30, batch=32, lr=5e-3))

NETWORKS = {"5-8-5": LINEAR, "planted": PLANTED, "digits": DIGITS, "mnist": MNIST_MLP}


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
