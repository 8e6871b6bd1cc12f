"""x"""

from typing import Literal

from models.specs import MNIST, VAE, Digits, Fixed, Objective, Training
from study.declare import study
from study.trial import Trial

Network = Literal["linear", "nonlinear"]


@study(
    network=["linear", "nonlinear"],
    beta=[0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 13.0, 15.0, 16.0, 20.0],
    seed=range(3),
)
def image_collapse(network: Network, beta: float, seed: int) -> Trial:
    """On images, are modes lost one by one at the eigenvalues of their covariance, and does a network delay it?"""
    hidden = () if network == "linear" else (64,)
    return Trial(
        data=Digits(),
        model=VAE(kappa=8, encoder=hidden, decoder=hidden, log_var_scale=0.1),
        objective=Objective(gamma=Fixed(0.05), beta=beta),
        training=Training(steps=4000, batch=128, lr=5e-3),
        seed=seed,
    )


@image_collapse.paper(
    network=["linear", "nonlinear"],
    beta=[0.5, 1.0, 1.5, 2.0, 2.4, 2.7, 3.0, 3.5, 4.0, 4.4, 4.7, 5.0, 5.3, 6.0],
    seed=range(5),
)
def image_collapse_paper(network: Network, beta: float, seed: int) -> Trial:
    """On images, are modes lost one by one at the eigenvalues of their covariance, and does a network delay it?"""
    hidden = () if network == "linear" else (256,)
    return Trial(
        data=MNIST(),
        model=VAE(kappa=5, encoder=hidden, decoder=hidden, log_var_scale=0.1),
        objective=Objective(gamma=Fixed(1.0), beta=beta),
        training=Training(steps=9_400, batch=128, lr=1e-3),
        seed=seed,
    )
