"""Σ held at the prior's or learned × γ × learning rate × seeds: which training is stable, and which gets down sooner?

A linear VAE whose minimum is known for either Σ. With Σ held, the encoder's weights at that minimum grow as γ^(−¼) and
the decoder's shrink, so that J is steeper there by √(ζ²/γ) than with Σ learned, where both stay bounded. The steps are those
of plain gradient descent, whose largest stable learning rate is set by that steepness, and Adam's, which rescale it. Learning
rates stay constant. The decoder starts small: at a greater one, the steps diverge at once whatever Σ is.
"""

from typing import Literal

from models.specs import SGD, VAE, Adam, Fixed, LinearSubspace, Objective, Optimiser, Training
from study.declare.table import study
from study.declare.trial import Trial

Sigma = Literal["held", "learned"]
HELD: Sigma = "held"
LEARNED: Sigma = "learned"

SGD_STEPS, ADAM_STEPS = SGD(), Adam()
OPTIMISERS: list[Optimiser] = [SGD_STEPS, ADAM_STEPS]

GAMMAS = [0.1, 0.01, 0.001]

RATES = {SGD_STEPS.kind: [0.1, 0.3, 1.0], ADAM_STEPS.kind: [0.01, 0.03, 0.1]}
"""Learning rates by the kind of optimiser; those of gradient descent are in units of γ, as its gradient grows with 1/γ."""

KAPPA = 3


@study(
    sigma=[HELD, LEARNED],
    optimiser=OPTIMISERS,
    gamma=GAMMAS,
    rate=sorted({rate for rates in RATES.values() for rate in rates}),
    seed=range(5),
)
def learned_sigma(sigma: Sigma, optimiser: Optimiser, gamma: float, rate: float, seed: int) -> Trial | None:
    """Does a learned posterior variance make the training of a linear VAE more stable, and faster?"""
    if rate not in RATES[optimiser.kind]:
        return None
    return _trial(sigma, optimiser, gamma, rate, seed, steps=1000)


@learned_sigma.paper(
    sigma=[HELD, LEARNED],
    optimiser=OPTIMISERS,
    gamma=[1.0, *GAMMAS],
    rate=sorted({rate for rates in RATES.values() for rate in rates}),
    seed=range(20),
)
def learned_sigma_paper(sigma: Sigma, optimiser: Optimiser, gamma: float, rate: float, seed: int) -> Trial | None:
    """The same question with ten times the steps, and at a greater γ too."""
    if rate not in RATES[optimiser.kind]:
        return None
    return _trial(sigma, optimiser, gamma, rate, seed, steps=10_000)


def _trial(sigma: Sigma, optimiser: Optimiser, gamma: float, rate: float, seed: int, steps: int) -> Trial:
    lr = rate * gamma if optimiser == SGD_STEPS else rate
    return Trial(
        data=LinearSubspace(d=10, eigenvalues=(1, 0.5, 0.25), n=2000),
        model=VAE(
            kappa=KAPPA,
            encoder=(),
            decoder=(),
            output_scale=0.3,
            post_var=(1.0,) * KAPPA if sigma == HELD else "shared",
        ),
        objective=Objective(gamma=Fixed(gamma)),
        training=Training(steps=steps, batch=128, lr=lr, decay_from=1.0, optimiser=optimiser),
        seed=seed,
    )
