"""Collapse when the target is not the input: a small network, linear or not, learns y = Mx.

Theory needs only the singular values ζ of E[y x̃ᵀ], where x̃ is the whitened input: here ζ² = 14, 8, 4, 2, 1 by construction.
The spectrum of the inputs plays no part. Encoder and decoder have one hidden layer of eight units, and the posterior
variance of the κ = 5 latents depends on x, so only the map is linear. The sweep passes all five thresholds. Eight ReLU
units hold four linear modes, two units each, and a deep network has poor minima beside the best one; hence several seeds.
"""

from itertools import pairwise

from models.specs import VAE, Fixed, LinearMap, Objective, Training
from models.specs.gaussian import Activation
from study.declare.table import study
from study.declare.trial import Trial

BETAS = [0.25, 0.35, 0.5, 0.7, 0.9, 1.2, 1.6, 2.2, 3.0, 3.8, 5.0, 6.5, 7.5, 8.5, 10.0, 12.0, 14.5, 17.0, 20.0]
FINE_BETAS = sorted({*BETAS, *(round((a * b) ** 0.5, 3) for a, b in pairwise(BETAS))})


@study(activation=["identity", "relu", "tanh"], beta=BETAS, seed=range(4))
def conditional_collapse(activation: Activation, beta: float, seed: int) -> Trial:
    """Do nonlinear networks that learn a linear map follow the linear theory's loss, variances and thresholds?"""
    init = "he" if activation == "relu" else "fan_in"
    return Trial(
        data=LinearMap(n=4000),
        model=VAE(kappa=5, encoder=(8,), decoder=(8,), activation=activation, init=init, log_var_scale=0.1),
        objective=Objective(gamma=Fixed(1.0), beta=beta),
        training=Training(steps=6000, batch=256, lr=5e-3),
        seed=seed,
    )


@conditional_collapse.paper(activation=["identity", "relu", "tanh"], beta=FINE_BETAS, seed=range(10))
def conditional_collapse_paper(activation: Activation, beta: float, seed: int) -> Trial:
    """Do nonlinear networks that learn a linear map follow the linear theory's loss, variances and thresholds?"""
    short = conditional_collapse.table("laptop").function(activation, beta, seed)
    data = short.data.model_copy(update={"n": 40_000, "n_test": 10_000})
    training = short.training.model_copy(update={"steps": 30_000})
    return short.model_copy(update={"data": data, "training": training})
