"""A fine sweep of β over a linear VAE whose minimum is known: at which β is each mode lost, and how?

Encoder and decoder are one linear layer each, and the posterior variance Σ is the same for every x: either learned, or fixed
at the prior's, which does not move the thresholds. With γ = 1, mode i of the covariance should be lost at β = λᵢ; five of
the ten planted eigenvalues lie inside the sweep. Three latents cannot encode two of these five; twelve are two more than the
data have dimensions. The width of the prior is a gauge: it may change the weights and nothing else. If the data are not
centred, the biases must centre them; a few β show whether they do. Minibatches of 32 examples, and steps that see all
examples, show what their noise does. At laptop scale the fixed Σ, the wide prior and these are trained at κ = 3 only, and
the wide prior at the β around the thresholds and a few below.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from models.specs import VAE, Fixed, LinearSubspace, Objective, Training
from study.declare.table import study
from study.declare.trial import Trial

Variant = Literal[
    "learned Σ",
    "fixed Σ",
    "learned Σ, wide prior",
    "learned Σ, data off zero",
    "learned Σ, small batches",
    "learned Σ, whole batch",
]

LEARNED: Variant = "learned Σ"
HELD: Variant = "fixed Σ"
WIDE: Variant = "learned Σ, wide prior"
OFF_ZERO: Variant = "learned Σ, data off zero"
SMALL_BATCHES: Variant = "learned Σ, small batches"
WHOLE_BATCH: Variant = "learned Σ, whole batch"
VARIANTS = [LEARNED, HELD, WIDE, OFF_ZERO, SMALL_BATCHES, WHOLE_BATCH]

BATCHES = {SMALL_BATCHES: 32, WHOLE_BATCH: 2000}
"""Examples a step, 128 elsewhere; there are 2000."""

AROUND = 1.5
"""With these batches β goes from here on: over the thresholds of the three modes that κ = 3 reaches, 2.5 to 6. A wide prior
has every β from here on, and few below: a threshold is only as sure as there are β under it."""

BELOW = [0.2233, 0.2589]
"""More β for κ = 12, in the same progression: with four β alone under it, the fifth mode's threshold has a wide interval."""

OFFSET = 2.0
"""The mean, in every coordinate, of data off zero; the widest mode has a standard deviation of 2.4."""


def sweep(points: int) -> list[float]:
    """β from 0.3 to 9, in geometric progression."""
    return [float(f"{beta:.4g}") for beta in np.geomspace(0.3, 9, points)]


def six(betas: Sequence[float]) -> Sequence[float]:
    """Six β over the whole range of a sweep: enough for data off zero."""
    return betas[:: len(betas) // 6]


@study(variant=VARIANTS, kappa=[3, 12], beta=[*BELOW, *sweep(24)], seed=range(6))
def linear_collapse(variant: Variant, kappa: int, beta: float, seed: int) -> Trial | None:
    """Does a linear VAE lose mode i at β = ζᵢ²/γ, without a jump, for every κ, Σ and width of the prior?"""
    few = six(sweep(24))
    if (kappa > 3 and variant != LEARNED) or (variant == WIDE and beta < AROUND and beta not in few):
        return None
    if kappa == 3 and beta in BELOW:
        return None
    return trial(variant, kappa, beta, seed, few)


@linear_collapse.paper(variant=VARIANTS, kappa=[3, 6, 12], beta=sweep(48), seed=range(10))
def linear_collapse_paper(variant: Variant, kappa: int, beta: float, seed: int) -> Trial | None:
    """Does a linear VAE lose mode i at β = ζᵢ²/γ, without a jump, for every κ, Σ and width of the prior?"""
    short = trial(variant, kappa, beta, seed, six(sweep(48)))
    if short is None:
        return None
    samples = 20_000
    data = short.data.model_copy(update={"n": samples, "n_test": 10_000})
    batch = {SMALL_BATCHES: 32, WHOLE_BATCH: samples}.get(variant, 256)
    training = short.training.model_copy(update={"steps": 20_000, "batch": batch, "lr": 5e-3})
    return short.model_copy(update={"data": data, "training": training})


def trial(variant: Variant, kappa: int, beta: float, seed: int, few: Sequence[float]) -> Trial | None:
    """One row, at laptop scale; None for data off zero with more than three latents or a β outside `few`."""
    off_zero = variant == OFF_ZERO
    if (off_zero and (kappa > 3 or beta not in few)) or _is_left_out(variant, kappa, beta, seed):
        return None
    spectrum = (6, 4, 2.5, 1.2, 0.5, 0.2, 0.1, 0.1, 0.05, 0.05)
    return Trial(
        data=LinearSubspace(d=10, eigenvalues=spectrum, n=2000, offset=OFFSET if off_zero else 0.0),
        model=VAE(
            kappa=kappa,
            encoder=(),
            decoder=(),
            post_var=(1.0,) * kappa if variant == HELD else "shared",
            prior_std=2.0 if variant == WIDE else 1.0,
        ),
        objective=Objective(gamma=Fixed(1.0), beta=beta),
        training=Training(steps=4000, batch=BATCHES.get(variant, 128), lr=1e-2),
        seed=seed,
    )


def _is_left_out(variant: Variant, kappa: int, beta: float, seed: int) -> bool:
    """Of other batch sizes three latents and the β around the thresholds are enough, of whole batches three seeds."""
    return variant in BATCHES and (kappa > 3 or beta < AROUND or (variant == WHOLE_BATCH and seed > 2))
