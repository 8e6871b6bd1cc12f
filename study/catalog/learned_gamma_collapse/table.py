"""A sweep of β with a learned γ, on data of known dimension r: where is the first mode lost, and where the last?

Without noise γ falls to zero for β < d/r, and no mode is lost; from β_c = d ζ₁²/T on no mode is left, and γ is T/d. In
between, modes are lost one by one, at the β that the closed form gives. With five equal modes the two events lie close
together; with the spectrum (4, 2, 1, ½, ¼) they lie apart. On a curved manifold the dimension gives the first event, and the
covariance, by linear theory, the second. γ starts at T/d of the declared data, its value when nothing is encoded. A ceiling
of 0.8 T/d delays the last collapse until βγ reaches ζ₁², at a β that is higher by a quarter. Each data set is trained at the
β around its own events: d/r is 4, 4 and 6.7, and under the ceiling the last mode should be lost at 5, 12.9 and 11.5. Two β
well below d/r show at which rate J falls with log γ. Encoder and decoder are linear if the data are.
"""

from typing import Literal

import numpy as np

from models.specs import MNIST, VAE, Data, Learned, LinearSubspace, Objective, PlantedManifold, Training
from study.declare.table import study
from study.declare.trial import Trial

Ceiling = Literal["none", "0.8 T/d"]
CEILINGS: list[Ceiling] = ["none", "0.8 T/d"]

BETAS = [round(float(beta), 3) for beta in np.geomspace(2.85, 14.25, 26)]
FALLING = [1.0, 2.0]
"""Without a ceiling, for the slope of J, ½(d − βr): closer to d/r it is a small difference of large numbers."""

EQUAL, UNEQUAL = LinearSubspace(d=20, eigenvalues=(1,) * 5), LinearSubspace(d=20, eigenvalues=(4, 2, 1, 0.5, 0.25))
CURVED = PlantedManifold(d=20, r=3)

ASKED = ((EQUAL, 2.8, 4.0, 7.0), (UNEQUAL, 2.8, 9.5, 15.0), (CURVED, 4.0, 8.0, 15.0))
"""For each data set: the least β, the least β with a ceiling (shortly before the collapse without one), and the largest β."""

BARELY = (UNEQUAL, 12.528)
"""With a ceiling, the last β below the loss of the last mode. J is only 0.006 nats lower there with the mode than without,
which comes forth in four times as many steps."""

FADING = (UNEQUAL, 9.0, 12.0)
"""Between these β, around the collapse without a ceiling, there are three more seeds: the last of the unequal modes fades so
slowly that seeds lose it one β earlier or later."""


@study(data=[EQUAL, UNEQUAL, CURVED], ceiling=CEILINGS, beta=[*FALLING, *BETAS], seed=range(6))
def learned_gamma_collapse(data: Data, ceiling: Ceiling, beta: float, seed: int) -> Trial | None:
    """With a learned γ, at which β is the first mode lost, and at which the last?"""
    linear = isinstance(data, LinearSubspace)
    if not _is_asked(data, ceiling, beta, seed):
        return None
    steps = 16_000 if ceiling != "none" and (data, beta) == BARELY else 4000
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
        training=Training(steps=steps, batch=256 if linear else 128, lr=2e-2 if linear else 5e-3),
        seed=seed,
    )


@learned_gamma_collapse.paper(
    data=[MNIST()], ceiling=CEILINGS, beta=[round(float(beta), 3) for beta in np.geomspace(1, 100, 28)], seed=range(3)
)
def learned_gamma_collapse_paper(data: Data, ceiling: Ceiling, beta: float, seed: int) -> Trial:
    """The same question on MNIST, whose dimension is unknown: 60 epochs. T/d is 0.067."""
    return Trial(
        data=data,
        model=VAE(kappa=64, encoder=(256, 256), decoder=(256, 256), activation="relu", init="he", log_var_scale=0.1),
        objective=Objective(gamma=_learned(0.067, ceiling), beta=beta),
        training=Training(steps=14_000, batch=256, lr=1e-3),
        seed=seed,
    )


def _is_asked(data: Data, ceiling: Ceiling, beta: float, seed: int) -> bool:
    """Whether the laptop scale has this row."""
    least, under_ceiling, most = next(asked[1:] for asked in ASKED if asked[0] == data)
    if seed > 2:
        return ceiling == "none" and data == FADING[0] and FADING[1] < beta < FADING[2]
    if ceiling == "none" and beta in FALLING:
        return True
    return (least if ceiling == "none" else under_ceiling) <= beta <= most


def _learned(largest: float, ceiling: Ceiling) -> Learned:
    """A learned γ that starts at `largest`, T/d in data², or at a ceiling of 0.8 times that."""
    return Learned(init=largest) if ceiling == "none" else Learned(init=0.8 * largest, ceiling=0.8 * largest)
