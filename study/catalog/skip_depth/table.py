"""Decoder depth × skip × κ × initialisation: do deep plain decoders collapse, and what rescues them?

The data have a known dimension (d = 20, r = 3), the encoder is shallow, and the ReLU decoders have 2, 6 or 20 layers of 64
units. Initial weights are N(0, 1/fan_in) or He's N(0, 2/fan_in). Under the first, a ReLU layer halves the second moment, so
that twenty layers leave next to nothing of z; under the second, it keeps it. γ is learned at the network's learning rate.
Every depth is trained at κ = r, the least and the greatest also at κ = 20. Training is short on purpose: the claim is about
where 1,500 steps lead, not about where training would end.
"""

from models.specs import MNIST, VAE, Learned, Objective, PlantedManifold, Skip, Training
from models.specs.gaussian import Init
from study.declare.table import study
from study.declare.trial import Trial

NONE: Skip = "none"
AFFINE: Skip = "affine"
SKIPS: list[Skip] = [NONE, AFFINE, "residual", "concat"]

FAN_IN: Init = "fan_in"
HE_INIT: Init = "he"
INITS = [FAN_IN, HE_INIT]


@study(depth=[2, 6, 20], init=INITS, skip=SKIPS, kappa=[3, 20], seed=range(3))
def skip_depth(depth: int, init: Init, skip: Skip, kappa: int, seed: int) -> Trial | None:
    """Do deep decoders collapse for lack of skip connections, or because of their initialisation?"""
    if kappa > 3 and (depth == 6 or skip in ("residual", "concat")):
        return None
    return Trial(
        data=PlantedManifold(d=20, r=3, n=2000),
        model=VAE(
            kappa=kappa,
            encoder=(64, 64),
            decoder=(64,) * depth,
            activation="relu",
            skip=skip,
            init=init,
            log_var_scale=0.1,
            log_var_range=(-20, 5),
        ),
        objective=Objective(gamma=Learned(init=1.0)),
        training=Training(steps=1500, batch=128, lr=3e-3),
        seed=seed,
    )


@skip_depth.paper(depth=[2, 6, 12, 20], init=INITS, skip=SKIPS, kappa=[16, 64, 256], seed=range(3))
def skip_depth_paper(depth: int, init: Init, skip: Skip, kappa: int, seed: int) -> Trial:
    """The same question on MNIST, at 50 epochs."""
    return Trial(
        data=MNIST(),
        model=VAE(
            kappa=kappa,
            encoder=(256, 256),
            decoder=(256,) * depth,
            activation="relu",
            skip=skip,
            init=init,
            log_var_scale=0.1,
            log_var_range=(-20, 5),
        ),
        objective=Objective(gamma=Learned(init=1.0)),
        training=Training(steps=11_700, batch=256, lr=1e-3),
        seed=seed,
    )
