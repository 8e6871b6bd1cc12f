"""γ modes × κ × β × skip × seeds: over-regularised, under-regularised, or balanced?

At laptop scale two small data sets stand side by side: a manifold of known dimension (d = 20, r = 3, total variance 20),
where "balanced" has an exact meaning, and scikit-learn's digits. The larger fixed γ lies above T/d, the smaller one below
what a learned γ reaches. A learned γ starts at 1 and log γ moves at the network's own rate, which is fast enough to arrive
in these steps; a γ that falls much faster outruns the pruning of the needless latents. Both heads start near the prior.
"""

from models.specs import (
    MNIST,
    VAE,
    Annealed,
    Data,
    Digits,
    Fixed,
    Gamma,
    Learned,
    Objective,
    Optimal,
    PlantedManifold,
    Skip,
    Training,
)
from study.declare import study
from study.trial import Trial


@study(
    data=[PlantedManifold(d=20, r=3), Digits()],
    gamma=[Fixed(4.0), Fixed(1e-4), Learned(init=1.0), Optimal(), Annealed(1.0, 1e-3)],
    kappa=[2, 4, 8, 16],
    beta=[1.0, 4.0],
    skip=["none", "affine"],
    seed=range(3),
)
def grid_gamma(data: Data, gamma: Gamma, kappa: int, beta: float, skip: Skip, seed: int) -> Trial:
    """Which decoder variances keep exactly the needed latent dimensions active?"""
    return Trial(
        data=data,
        model=VAE(
            kappa=kappa,
            encoder=(64, 64),
            decoder=(64, 64),
            skip=skip,
            mu_scale=0.1,
            log_var_scale=0.1,
            log_var_range=(-20, 5),
        ),
        objective=Objective(gamma=gamma, beta=beta),
        training=Training(steps=2500, batch=128, lr=5e-3),
        seed=seed,
    )


@grid_gamma.paper(
    data=[MNIST()],
    gamma=[
        Fixed(1.0),
        Fixed(0.1),
        Fixed(0.01),
        Fixed(1e-3),
        Learned(init=1.0, lr=1e-2),
        Optimal(),
        Annealed(1.0, 1e-3),
    ],
    kappa=[5, 10, 15, 20, 30, 50, 100, 200, 400, 784],
    beta=[0.5, 1.0, 2.0, 4.0],
    skip=["none", "affine", "residual"],
    seed=range(5),
)
def grid_gamma_paper(data: Data, gamma: Gamma, kappa: int, beta: float, skip: Skip, seed: int) -> Trial:
    """The same question on MNIST: a 6-layer encoder and a decoder of 3 blocks of 2 layers, 100 epochs."""
    return Trial(
        data=data,
        model=VAE(
            kappa=kappa,
            encoder=(512,) * 6,
            decoder=(512,) * 6,
            activation="relu",
            init="he",
            skip=skip,
            log_var_scale=0.1,
            log_var_range=(-20, 5),
        ),
        objective=Objective(gamma=gamma, beta=beta),
        training=Training(steps=23_400, batch=256, lr=1e-3),
        seed=seed,
    )
