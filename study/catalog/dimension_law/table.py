"""Linear data of r dimensions in d columns, with a learned γ: where does a sweep of β lose the first mode?

The law says d/r, and nothing else: not the spectrum, not the number of latents. So r and d vary, and with them d/r from 2.5
to 50, while all data sets share one sweep of β. Each is trained from 0.6 to 1.5 times its d/r. Eigenvalues lie evenly
between 1.5 and ½: once the weakest mode is lost, half the variance is. γ starts at T/d, where nothing is encoded, and falls
ever more slowly the closer β is to d/r; it has a learning rate of its own so that 3,000 steps are enough.
"""

import numpy as np

from models.specs import VAE, Learned, LinearSubspace, Objective, Training
from study.declare.table import study
from study.declare.trial import Trial

BETAS = [float(f"{beta:.3g}") for beta in np.geomspace(1.5, 75, 42)]
"""A tenth apart."""

AROUND = (0.6, 1.5)
"""The β of each data set, as parts of its d/r."""


def spectrum(r: int) -> tuple[float, ...]:
    """r eigenvalues of mean 1, from 1.5 to ½."""
    return tuple(float(value) for value in np.linspace(1.5, 0.5, r)) if r > 1 else (1.0,)


@study(d=[20, 50], r=[1, 3, 5, 8], beta=BETAS, seed=range(3))
def dimension_law(d: int, r: int, beta: float, seed: int) -> Trial | None:
    """With a learned γ, is the first mode lost at β = d/r, whatever d and r?"""
    return _trial(d, r, beta, seed)


@dimension_law.paper(d=[20, 50, 100], r=[1, 2, 3, 5, 8, 13, 20], beta=BETAS, seed=range(10))
def dimension_law_paper(d: int, r: int, beta: float, seed: int) -> Trial | None:
    """The same for more d and r, ten seeds, and 20,000 steps."""
    short = _trial(d, r, beta, seed)
    return short and short.model_copy(update={"training": short.training.model_copy(update={"steps": 20_000})})


def _trial(d: int, r: int, beta: float, seed: int) -> Trial | None:
    low, high = (part * d / r for part in AROUND)
    if r > d or not low <= beta <= high:
        return None
    return Trial(
        data=LinearSubspace(d=d, eigenvalues=spectrum(r), n=1000),
        model=VAE(kappa=max(10, r), encoder=(), decoder=(), post_var="shared", log_var_scale=0.1),
        objective=Objective(gamma=Learned(init=sum(spectrum(r)) / d, lr=0.2), beta=beta),
        training=Training(steps=3000, batch=128, lr=2e-2),
        seed=seed,
    )
