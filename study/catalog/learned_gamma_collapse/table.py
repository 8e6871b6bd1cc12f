"""β with a learned γ, on data of known dimension r: where the first mode is lost, and where the last.

Without noise γ falls to zero as long as β < d/r and nothing is lost; from β_c = d ζ₁²/T on nothing is left, and γ is T/d.
Between the two, modes go one by one, at the β that the closed form gives. A spectrum of five equal modes brings the two
together; one of (4, 2, 1, ½, ¼) takes them apart; a curved manifold has the first from its dimension and the second, by
linear theory, from its covariance. γ starts at the declared data's T/d, where nothing is encoded. The ceiling is 0.8 T/d:
under it collapse waits until βγ reaches ζ₁², a quarter later. Each data set meets the β around its own events: d/r is 4, 4
and 6.7, and the last collapse is due at 5, 12.9 and 11.5 under the ceiling. Both heads are linear where the data are.
"""

from typing import Literal

import numpy as np

from models.specs import MNIST, VAE, Data, Learned, LinearSubspace, Objective, PlantedManifold, Training
from study.declare.table import study
from study.declare.trial import Trial

Ceiling = Literal["none", "0.8 T/d"]
CEILINGS: list[Ceiling] = ["none", "0.8 T/d"]

BETAS = [round(float(beta), 3) for beta in np.geomspace(2.85, 14.25, 26)]
EQUAL, UNEQUAL = LinearSubspace(d=20, eigenvalues=(1,) * 5), LinearSubspace(d=20, eigenvalues=(4, 2, 1, 0.5, 0.25))
CURVED = PlantedManifold(d=20, r=3)

ASKED = ((EQUAL, 2.8, 4.0, 7.0), (UNEQUAL, 2.8, 9.5, 15.0), (CURVED, 4.0, 8.0, 15.0))
"""The least and the largest β of each data set, and between them that from which on a ceiling is asked about: shortly
before collapse is due without it."""


@study(data=[EQUAL, UNEQUAL, CURVED], ceiling=CEILINGS, beta=BETAS, seed=range(3))
def learned_gamma_collapse(data: Data, ceiling: Ceiling, beta: float, seed: int) -> Trial | None:
    """With a learned γ, at which β is the first mode lost, and at which the last?"""
    linear = isinstance(data, LinearSubspace)
    least, under_ceiling, most = next(asked[1:] for asked in ASKED if asked[0] == data)
    if not (least if ceiling == "none" else under_ceiling) <= beta <= most:
        return None
    return Trial(
        data=data,
        model=VAE(
            kappa=10 if linear else 6,
            encoder=() if linear else (32, 32),
            decoder=() if linear else (32, 32),
            log_var_scale=0.1,
            log_var_range=(-20, 5),
        ),
        objective=Objective(gamma=_learned(sum(data.eigenvalues) / data.d if linear else 1.0, ceiling), beta=beta),
        training=Training(steps=4000, batch=256 if linear else 128, lr=2e-2 if linear else 5e-3),
        seed=seed,
    )


@learned_gamma_collapse.paper(
    data=[MNIST()], ceiling=CEILINGS, beta=[round(float(beta), 3) for beta in np.geomspace(1, 100, 28)], seed=range(3)
)
def learned_gamma_collapse_paper(data: Data, ceiling: Ceiling, beta: float, seed: int) -> Trial:
    """The same question on MNIST, whose dimension is not known: 60 epochs. T/d is 0.067."""
    return Trial(
        data=data,
        model=VAE(kappa=64, encoder=(256, 256), decoder=(256, 256), activation="relu", init="he", log_var_scale=0.1),
        objective=Objective(gamma=_learned(0.067, ceiling), beta=beta),
        training=Training(steps=14_000, batch=256, lr=1e-3),
        seed=seed,
    )


def _learned(largest: float, ceiling: Ceiling) -> Learned:
    """A γ that starts at `largest`, T/d in data², or at its ceiling."""
    return Learned(init=largest) if ceiling == "none" else Learned(init=0.8 * largest, ceiling=0.8 * largest)
