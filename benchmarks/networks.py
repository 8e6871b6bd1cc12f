"""What the benchmarks train: networks from the smallest to an MNIST one, under every γ mode.

`MNIST_MLP` is for the training core alone. `TINY` is as small as a network can be, and measures nothing. Nothing here knows
of studies, so that the core can be measured where there is only torch and pydantic.
"""

from collections.abc import Sequence
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
        """One trial of this network."""
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
