"""What keeps training stable while γ is small: four remedies, at learning rates from moderate to too high.

As γ falls, the gradient of the reconstruction grows with 1/γ. γ is learned at β = 1, where it falls towards zero; learned at
β = 6, just below the threshold d/r = 6.7, from which on the optimum itself loses a latent; or small and fixed from the
start. The remedies are a warm-up of β from 0 over half of the training, a ceiling at which γ starts, steps that shrink with
√γ, and steps that use the gradient's sign alone. Learning rates stay constant, as lowering them is a remedy too.
"""

from typing import Any, Literal

from models.specs import VAE, Fixed, Gamma, Learned, Objective, PlantedManifold, Rprop, Slower, Training
from study.declare.table import study
from study.declare.trial import Trial

Setting = Literal["learned", "learned, β = 6", "fixed"]
Remedy = Literal["none", "warm-up", "ceiling", "slower", "signs"]

LEARNED: Setting = "learned"
NEAR: Setting = "learned, β = 6"
FIXED: Setting = "fixed"
SETTINGS = [LEARNED, NEAR, FIXED]

NONE: Remedy = "none"
WARM_UP: Remedy = "warm-up"
CEILING_ON_GAMMA: Remedy = "ceiling"
SLOWER: Remedy = "slower"
SIGNS: Remedy = "signs"
REMEDIES = [NONE, WARM_UP, CEILING_ON_GAMMA, SLOWER, SIGNS]

LRS = [0.01, 0.1, 0.2]

SMALL, CEILING = 1e-4, 0.1
"""The γ that is fixed from the start, and the ceiling at which a learned γ starts; the data have T/d = 1."""

OPTIONS: dict[Remedy, dict[str, Any]] = {
    WARM_UP: {"warm_up": 0.5},
    SLOWER: {"slower": Slower(below=1.0, power=0.5)},
    SIGNS: {"signs": Rprop()},
}


@study(setting=SETTINGS, lr=LRS, remedy=REMEDIES, seed=range(20))
def stability(setting: Setting, lr: float, remedy: Remedy, seed: int) -> Trial | None:
    """Which remedies keep a VAE with a small γ from diverging, and from losing the balance?"""
    return trial(setting, lr, remedy, seed, steps=1000)


@stability.paper(setting=SETTINGS, lr=[0.003, 0.01, 0.03, 0.1, 0.2], remedy=REMEDIES, seed=range(10))
def stability_paper(setting: Setting, lr: float, remedy: Remedy, seed: int) -> Trial | None:
    """The same question with ten times the steps."""
    return trial(setting, lr, remedy, seed, steps=10_000)


def trial(setting: Setting, lr: float, remedy: Remedy, seed: int, steps: int) -> Trial | None:
    """One row; None for a ceiling on a γ that is fixed below it."""
    gamma: Gamma = Learned()
    if remedy == CEILING_ON_GAMMA:
        gamma = Learned(init=CEILING, ceiling=CEILING)
    if setting == FIXED:
        gamma = Fixed(SMALL)
        if remedy == CEILING_ON_GAMMA:
            return None
    return Trial(
        data=PlantedManifold(d=20, r=3, n=2000),
        model=VAE(kappa=8, encoder=(32, 32), decoder=(32, 32), log_var_scale=0.1),
        objective=Objective(gamma=gamma, beta=6.0 if setting == NEAR else 1.0),
        training=Training(steps=steps, batch=128, lr=lr, decay_from=1.0, blow_up=1e3, **OPTIONS.get(remedy, {})),
        seed=seed,
    )
