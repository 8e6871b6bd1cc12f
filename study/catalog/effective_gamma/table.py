"""β × γ at equal βγ: with a fixed decoder variance, does anything but the product matter?

J(γ, β) = R/(2γ) + (d/2) log γ + βK = β J(βγ, 1) + const: both have the same minimisers, and Adam, which is invariant to the
scale of J, takes the same path to them. Both axes double at each step, so 36 combinations share 11 products. On linear data
the closed form says more: mode i of the covariance survives iff λᵢ > βγ, with posterior variance min(1, βγ/λᵢ). The
products lie between the planted eigenvalues, a factor of 1.4 from each, where training is not critically slow.
"""

from models.specs import MNIST, VAE, Data, Fixed, Gamma, LinearSubspace, Objective, PlantedManifold, Training
from study.declare.table import study
from study.declare.trial import Trial

GAMMAS = [Fixed(0.0875 * 2**k) for k in range(6)]
BETAS = [0.25 * 2**k for k in range(6)]


@study(
    data=[LinearSubspace(d=20, eigenvalues=(8, 4, 2, 1, 0.5), noise=0.01), PlantedManifold(d=20, r=3)],
    gamma=GAMMAS,
    beta=BETAS,
    kappa=[8],
    seed=range(2),
)
def effective_gamma(data: Data, gamma: Gamma, beta: float, kappa: int, seed: int) -> Trial:
    """With a fixed decoder variance, does only the product β·γ matter?"""
    hidden = () if isinstance(data, LinearSubspace) else (32, 32)
    return Trial(
        data=data,
        model=VAE(kappa=kappa, encoder=hidden, decoder=hidden, log_var_scale=0.1),
        objective=Objective(gamma=gamma, beta=beta),
        training=Training(steps=2500 if hidden else 4000, batch=128, lr=5e-3 if hidden else 1e-2),
        seed=seed,
    )


@effective_gamma.paper(data=[MNIST()], gamma=GAMMAS, beta=BETAS, kappa=[16, 64], seed=range(3))
def effective_gamma_paper(data: Data, gamma: Gamma, beta: float, kappa: int, seed: int) -> Trial:
    """The same question on MNIST, whose largest covariance eigenvalues lie inside the sweep; 100 epochs."""
    return Trial(
        data=data,
        model=VAE(kappa=kappa, encoder=(512, 512), decoder=(512, 512), activation="relu", init="he", log_var_scale=0.1),
        objective=Objective(gamma=gamma, beta=beta),
        training=Training(steps=23_400, batch=256, lr=1e-3),
        seed=seed,
    )
