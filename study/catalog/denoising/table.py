"""A linear VAE on noisy data, against the signal beneath the noise: how strong a regularisation denoises best?

The data are a Gaussian of three dimensions in twenty, with noise of variance σ² in all of them. Theory says that the mean map
shrinks each mode by 1 − g/λᵢ, g = βγ, which at g = σ² is Wiener's filter: so the best βγ is σ², whatever the network's γ and
κ. And with κ < d a learned γ ends at the variance that no latent explains, which is σ², so that β = 1 needs no search. Every
seed has data of its own. At laptop scale one γ is left out where there are more latents than modes.
"""

from typing import Literal

import numpy as np

from models.specs import VAE, Fixed, Learned, LinearSubspace, Objective, Training
from study.declare.table import study
from study.declare.trial import Trial

Decoder = Literal["γ = 0.5", "γ = 2", "learned γ"]

LEARNED: Decoder = "learned γ"
SHARP: Decoder = "γ = 0.5"
FIXED: dict[Decoder, float] = {SHARP: 0.5, "γ = 2": 2.0}

SIGNAL = (8.0, 4.0, 2.0)
"""Variances of the signal's modes, in data²."""

D, NOISES = 20, [0.25, 1.0]
"""Dimensions of the data, and variances of the noise in each of them."""

BETAS = [float(f"{beta:.4g}") for beta in np.geomspace(1 / 32, 8, 25)]
"""The weights of the rate; of each γ those count for which βγ is about the noise."""

AROUND = 5.0
"""By which factor βγ differs from the noise, at most."""

FEW, MANY = 3, 8
"""Latents: one for each mode of the signal, and five more, which can only encode noise."""


@study(noise=NOISES, kappa=[FEW, MANY], decoder=[*FIXED, LEARNED], beta=BETAS, seed=range(5))
def denoising(noise: float, kappa: int, decoder: Decoder, beta: float, seed: int) -> Trial | None:
    """Which strength of the regularisation takes the noise out of noisy data, and does a learned γ find it?"""
    if kappa == MANY and decoder == SHARP:
        return None
    return trial(noise, kappa, decoder, beta, seed, n=16_000, steps=2500)


@denoising.paper(noise=[0.1, *NOISES], kappa=[1, FEW, MANY, 16], decoder=[*FIXED, LEARNED], beta=BETAS, seed=range(10))
def denoising_paper(noise: float, kappa: int, decoder: Decoder, beta: float, seed: int) -> Trial | None:
    """The same question for more numbers of latents, with more data and steps."""
    return trial(noise, kappa, decoder, beta, seed, n=60_000, steps=20_000)


def trial(noise: float, kappa: int, decoder: Decoder, beta: float, seed: int, n: int, steps: int) -> Trial | None:
    """One row; None where βγ is far from the noise, and for a learned γ at another β than 1."""
    gamma = Fixed(FIXED[decoder]) if decoder in FIXED else Learned()
    if decoder == LEARNED and beta != 1:
        return None
    if decoder in FIXED and not 1 / AROUND < beta * FIXED[decoder] / noise < AROUND:
        return None
    return Trial(
        data=LinearSubspace(d=D, eigenvalues=SIGNAL, noise=noise, n=n, n_test=4000, seed=seed),
        model=VAE(kappa=kappa, encoder=(), decoder=(), post_var="shared"),
        objective=Objective(gamma=gamma, beta=beta),
        training=Training(steps=steps, batch=128, lr=2e-2),
        seed=seed,
    )
