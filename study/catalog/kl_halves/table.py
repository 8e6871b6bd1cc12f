"""A linear VAE whose rate is taken apart: which of its halves makes a mode collapse, and does it go by a jump?

The half of the means, ½ E ‖μ‖², counts α and the half of the variances, ½ E Σ (σ² − 1 − log σ²), counts δ. Theory says that
neither does it alone, if Σ is learned; that a mode is lost without a jump for α ≤ 2δ; and by one for α > 2δ. Around a jump a
network stays on the side where it starts. So each trial has a twin: one starts with β rising from 0, so that all modes are
kept at first; one near zero weights, where all are lost. Their losses say which of the two is the minimum.

β is chosen so that the level βγ is a `share` of the one at which theory loses the first of three modes, of the spectrum as
declared; and where no level should lose it, of four times ζ₁², which is far beyond the others' thresholds. With Σ fixed at
the prior's the half of the variances is a constant.
"""

import math
from typing import Any, Literal

from models.specs import VAE, Fixed, LinearSubspace, Objective, Training
from study.declare.table import study
from study.declare.trial import Trial

Halves = Literal["δ = 2α", "δ = α", "δ = α/2", "δ = α/3", "δ = α/4", "δ = α/8", "δ = 0", "α = 0", "δ = 0, Σ fixed"]
Side = Literal["kept", "lost"]

NO_VARIANCES: Halves = "δ = 0"
NO_MEANS: Halves = "α = 0"
HELD: Halves = "δ = 0, Σ fixed"
WEIGHTS: dict[Halves, tuple[float, float]] = {
    "δ = 2α": (1.0, 2.0),
    "δ = α": (1.0, 1.0),
    "δ = α/2": (1.0, 0.5),
    "δ = α/3": (1.0, 1 / 3),
    "δ = α/4": (1.0, 0.25),
    "δ = α/8": (1.0, 0.125),
    NO_VARIANCES: (1.0, 0.0),
    NO_MEANS: (0.0, 1.0),
    HELD: (1.0, 0.0),
}
"""What the half of the means and that of the variances count."""

KEPT: Side = "kept"
LOST: Side = "lost"
SIDES = [KEPT, LOST]
"""Where a trial starts: with all modes kept, or with all of them lost."""

ZETA2 = (4.0, 2.0, 1.0)
"""Variances of the modes, in data²."""

FAR = 4.0

LOST_AT: dict[Halves, float] = {
    "δ = α/3": 1.0926,
    "δ = α/4": 1.2427,
    "δ = α/8": 1.8824,
    NO_VARIANCES: FAR,
    NO_MEANS: FAR,
}
"""βγ/ζ² at which a mode is lost, from `analysis.theory.kl_halves`, where that is not 1; without a half it is far."""

KEPT_UP_TO: dict[Halves, float] = {"δ = α/3": 1.0296, "δ = α/4": 1.0729, "δ = α/8": 1.2142}
"""Share of that level up to which a kept mode stays kept, where it is lost by a jump."""

SHARES = [float(f"{1.02**k:.4g}") for k in range(-36, 14)]
"""From 0.49 to 1.29, in geometric progression."""

FINE = 0.045
"""How far around `KEPT_UP_TO` every share is trained; elsewhere every fourth is."""


@study(halves=list(WEIGHTS), side=SIDES, share=SHARES, seed=range(4))
def kl_halves(halves: Halves, side: Side, share: float, seed: int) -> Trial | None:
    """Which half of the rate makes a mode of a linear VAE collapse, and is it lost by a jump?"""
    every = 12 if halves in (NO_VARIANCES, NO_MEANS) else 4
    is_fine = abs(share / KEPT_UP_TO.get(halves, math.inf) - 1) < FINE
    return trial(halves, side, share, seed) if is_fine or SHARES.index(share) % every == 0 else None


@kl_halves.paper(halves=list(WEIGHTS), side=SIDES, share=SHARES, seed=range(10))
def kl_halves_paper(halves: Halves, side: Side, share: float, seed: int) -> Trial:
    """The same question at every share, with more data and five times the steps."""
    short = trial(halves, side, share, seed)
    data = short.data.model_copy(update={"n": 20_000, "n_test": 10_000})
    return short.model_copy(update={"data": data, "training": short.training.model_copy(update={"steps": 15_000})})


def trial(halves: Halves, side: Side, share: float, seed: int) -> Trial:
    """One row, at laptop scale."""
    mean_weight, variance_weight = WEIGHTS[halves]
    small = {"mu_scale": 0.05, "output_scale": 0.05} if side == LOST else {}
    post_var: Any = (1.0,) * len(ZETA2) if halves == HELD else "shared"
    return Trial(
        data=LinearSubspace(d=3, eigenvalues=ZETA2, n=2000, n_test=500),
        model=VAE(kappa=len(ZETA2), encoder=(), decoder=(), post_var=post_var, **small),
        objective=Objective(
            gamma=Fixed(1.0),
            beta=share * LOST_AT.get(halves, 1.0) * ZETA2[0],
            mean_weight=mean_weight,
            variance_weight=variance_weight,
        ),
        training=Training(steps=3000, batch=256, lr=1e-2, warm_up=0.25 if side == KEPT else 0.0),
        seed=seed,
    )
