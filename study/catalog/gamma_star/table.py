"""γ learned against γ fixed at γ* from the start × data × seeds: does the same final γ give the same model?

The second trial of each pair depends on the first: it fixes γ at γ*, the first one's final γ, and trains the same network
from fresh weights. At the end both have similar gradients with respect to z. But a γ that starts small makes the gradients
steep from the first step, before training has pruned the needless latents. A learned γ starts at 1, where the VAE encodes
almost nothing, and moves at the network's learning rate; on MNIST, where steps are few, at a rate of its own.

Is it the large first gradient that keeps the needless latents? On the digits, further trials take it away: γ comes down to γ*
from 1, or stays near γ* while every gradient is clipped to one length.
"""

from typing import Any

from models.specs import (
    MNIST,
    VAE,
    Annealed,
    CelebA,
    Data,
    Digits,
    Fixed,
    Gamma,
    ImageVAE,
    Learned,
    Objective,
    PlantedManifold,
    Refit,
    Training,
)
from study.declare.table import study
from study.declare.trial import Trial

START: Any = {"log_var_scale": 0.1, "log_var_range": (-20, 5)}

LEARNED, REFIT = "learned", "refit"
"""How γ is set, as the table has it and as `gamma_mode` records it."""

GAMMAS: dict[str, Gamma] = {LEARNED: Learned(), REFIT: Refit()}

SWIFT = Learned(init=1.0, lr=1e-2)
ON_PICTURES: dict[str, Gamma] = {LEARNED: SWIFT, REFIT: Refit(learned=SWIFT)}

NEAR_STAR = 0.0065
"""The digits' γ*, 0.0063 to 0.0065 (grey level)², for trials that have no learned twin."""

ANNEALED, CLIPPED = "annealed", "clipped"
GENTLE: dict[str, Gamma] = {ANNEALED: Annealed(start=1.0, end=NEAR_STAR), CLIPPED: Fixed(NEAR_STAR)}
"""How γ is set where the first gradient is to be small, and where all gradients are to be equally long."""

CLIP = 1.0
"""Norm that the gradients of `CLIPPED` are cut to, every one of them: else they fall from 1,200 to 50."""


@study(data=[PlantedManifold(d=20, r=3), Digits(), MNIST(n=10_000)], mode=[*GAMMAS, *GENTLE], seed=range(4))
def gamma_star(data: Data, mode: str, seed: int) -> Trial | None:
    """Is a learned γ the same as its final value γ*, fixed from the start?"""
    digits, pictures = isinstance(data, Digits), isinstance(data, MNIST)
    if (mode in GENTLE and not digits) or seed >= (3 if pictures else 4):
        return None
    planted = isinstance(data, PlantedManifold)
    hidden = (64, 64) if planted else (128, 128)
    kappa = 10 if planted else 32 if digits else 64
    steps, batch, lr = (4000, 256, 3e-3) if planted else (6000, 128, 1.5e-3) if digits else (6000, 128, 2e-3)
    gammas = (ON_PICTURES if pictures else GAMMAS) | GENTLE
    return Trial(
        data=data,
        model=VAE(kappa=kappa, encoder=hidden, decoder=hidden, log_var_scale=0.1, log_var_range=(-20, 5)),
        objective=Objective(gamma=gammas[mode]),
        training=Training(steps=steps, batch=batch, lr=lr, clip=CLIP if mode == CLIPPED else None),
        seed=seed,
    )


@gamma_star.paper(data=[MNIST(), CelebA(size=64), CelebA(size=128)], mode=list(GAMMAS), kappa=[64, 128], seed=range(5))
def gamma_star_paper(data: Data, mode: str, kappa: int, seed: int) -> Trial:
    """The same question on MNIST for 60 epochs, and on faces of 64×64 and 128×128 pixels for 20 epochs."""
    faces = isinstance(data, CelebA)
    return Trial(
        data=data,
        model=_of_faces(data.size, kappa)
        if faces
        else VAE(kappa=kappa, encoder=(256, 256), decoder=(256, 256), **START),
        objective=Objective(gamma=GAMMAS[mode]),
        training=Training(steps=50_000 if faces else 14_000, batch=64 if faces else 256, lr=3e-4 if faces else 1e-3),
        seed=seed,
    )


def _of_faces(size: int, kappa: int) -> ImageVAE:
    channels = (32, 64, 128, 256) if size == 64 else (32, 64, 128, 256, 256)
    return ImageVAE(
        kappa=kappa, channels=channels, norm="group", activation="gelu", skip="residual", output_scale=0.1, **START
    )
