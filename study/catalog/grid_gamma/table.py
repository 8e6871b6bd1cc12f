"""γ modes × κ × β × skip × one stage or two × seeds: over-regularised, under-regularised, or balanced?

The laptop scale uses two small data sets: a manifold of known dimension (d = 20, r = 3, total variance 20), where "balanced"
has an exact meaning, and scikit-learn's digits. The larger fixed γ lies above T/d, the smaller one below what a learned γ
reaches. A learned γ starts at 1, and log γ moves at the network's learning rate. That is fast enough to converge in these
steps; a γ that falls much faster outruns the pruning of needless latents. Both heads start near the prior.

Two further modes depend on trials of the table itself, at β = 1. *Refit* trains the network again with γ fixed at the
learned one's final value. *VAE+* trains a second VAE on draws of the aggregate posterior q(z) of a first one, with or
without needless latents: where q(z) is far from the prior, the second stage has something to learn.

A γ that is set to its optimum at every step falls as fast as the data are explained, and faster than needless latents go. So
on the manifold it is trained for four times the steps as well.
"""

from collections.abc import Sequence

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
    Refit,
    Skip,
    Training,
)
from study.declare.table import study
from study.declare.trial import Trial

LEARNED, SMALL = Learned(init=1.0), Fixed(1e-4)
ONE_STAGE, TWO_STAGES, LONGER = METHODS = "VAE", "VAE+", "VAE, 4 × steps"

ON_MANIFOLD, ON_DIGITS = (2, 4, 8), (4, 16)
"""κ below and above what a learned γ keeps: 3 latents on the manifold, about 12 on the digits."""


PAPER_LEARNED, PAPER_SMALL = Learned(init=1.0, lr=1e-2), Fixed(1e-3)

LAPTOP_GAMMAS: list[Gamma] = [
    Fixed(4.0),
    SMALL,
    LEARNED,
    Optimal(),
    Annealed(1.0, 1e-3),
    Refit(learned=LEARNED),
]
PAPER_GAMMAS: list[Gamma] = [
    Fixed(1.0),
    Fixed(0.1),
    Fixed(0.01),
    PAPER_SMALL,
    PAPER_LEARNED,
    Optimal(),
    Annealed(1.0, 1e-3),
    Refit(learned=PAPER_LEARNED),
]
GAMMAS = {gamma.label: gamma for gamma in (*LAPTOP_GAMMAS, *PAPER_GAMMAS)}
"""How γ is set, by the label of the axis, at either scale."""


@study(
    data=[PlantedManifold(d=20, r=3), Digits()],
    gamma=LAPTOP_GAMMAS,
    kappa=[2, 4, 8, 16],
    beta=[1.0, 4.0],
    skip=["none", "affine"],
    method=METHODS,
    seed=range(3),
)
def grid_gamma(data: Data, gamma: Gamma, kappa: int, beta: float, skip: Skip, method: str, seed: int) -> Trial | None:
    """Which decoder variances keep exactly the needed latent dimensions active?"""
    if (beta > 1 and skip != "none") or kappa not in (ON_DIGITS if isinstance(data, Digits) else ON_MANIFOLD):
        return None
    longer = method == LONGER
    if longer and not (isinstance(data, PlantedManifold) and gamma == Optimal() and kappa > data.r and beta == 1):
        return None
    if not is_asked(gamma, beta, skip, method, two_stages=(LEARNED, SMALL)):
        return None
    stage = Trial(
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
        training=Training(steps=8000 if longer else 2000, batch=128, lr=5e-3),
        seed=seed,
    )
    return second_stage(stage) if method == TWO_STAGES else stage


def is_asked(gamma: Gamma, beta: float, skip: Skip, method: str, two_stages: Sequence[Gamma]) -> bool:
    """Whether the table has a row: refits and second stages only at β = 1, the latter only without skip for `two_stages`."""
    if method == TWO_STAGES:
        return beta == 1 and skip == "none" and gamma in two_stages
    return beta == 1 or not isinstance(gamma, Refit)


def second_stage(first: Trial) -> Trial:
    """A VAE on q(z) of the first, its latents fed to every decoder layer; at γ = 1 it would start out encoding nothing."""
    sizes = first.model.model_dump(include={"encoder", "decoder"})
    model = VAE(kappa=first.model.kappa, skip="concat", log_var_scale=0.1, log_var_range=(-20, 5), **sizes)
    return first.model_copy(update={"model": model, "objective": Objective(gamma=Learned(init=0.05)), "after": first})


@grid_gamma.paper(
    data=[MNIST()],
    gamma=PAPER_GAMMAS,
    kappa=[5, 10, 15, 20, 30, 50, 100, 200, 400, 784],
    beta=[0.5, 1.0, 2.0, 4.0],
    skip=["none", "affine", "residual"],
    method=[ONE_STAGE, TWO_STAGES],
    seed=range(5),
)
def grid_gamma_paper(
    data: Data, gamma: Gamma, kappa: int, beta: float, skip: Skip, method: str, seed: int
) -> Trial | None:
    """The same question on MNIST: a 6-layer encoder and a decoder of 3 blocks of 2 layers, 100 epochs."""
    if not is_asked(gamma, beta, skip, method, two_stages=(PAPER_LEARNED, PAPER_SMALL)):
        return None
    stage = Trial(
        data=data,
        model=VAE(
            kappa=kappa,
            encoder=(512,) * 6,
            decoder=(512,) * 6,
            skip=skip,
            output_scale=0.1,
            log_var_scale=0.1,
            log_var_range=(-20, 5),
        ),
        objective=Objective(gamma=gamma, beta=beta),
        training=Training(steps=23_400, batch=256, lr=1e-3),
        seed=seed,
    )
    return stage if method == ONE_STAGE else second_stage(stage)
