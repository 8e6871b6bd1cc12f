"""One latent, few examples, a wide decoder: the number of examples × the decoder's width × seeds.

The data have three dimensions, and there is one latent. With n examples a line through all of them explains the training
set completely, and a decoder of many units can draw it; a decoder with few units cannot. γ is learned. The same network is
also trained on many examples, where a line cannot pass near all of them.
"""

from models.specs import VAE, Learned, Objective, PlantedManifold, Training
from study.declare.table import study
from study.declare.trial import Trial

FEW = [8, 16, 32, 64]
"""Numbers of examples that one latent is to tell apart."""

MANY = 3000
"""Examples that it cannot."""

ENCODER = (64, 64)

LINEAR, WIDE = 0, 128
"""Widths of the decoder's two hidden layers; 0: there are none."""


@study(n=[*FEW, MANY], width=[LINEAR, WIDE], seed=range(3))
def memorising(n: int, width: int, seed: int) -> Trial:
    """With few examples, does a single latent suffice for a decoder that is complex enough?"""
    return _trial(n, width, seed, steps=3000)


@memorising.paper(n=[8, 16, 32, 64, 128, 256, 512, 3000], width=[LINEAR, 32, WIDE, 512], seed=range(10))
def memorising_paper(n: int, width: int, seed: int) -> Trial:
    """The same question for more widths and numbers of examples, with ten times the steps."""
    return _trial(n, width, seed, steps=30_000)


def _trial(n: int, width: int, seed: int, steps: int) -> Trial:
    hidden = (width, width) if width else ()
    return Trial(
        data=PlantedManifold(d=20, r=3, n=n),
        model=VAE(
            kappa=1,
            encoder=ENCODER,
            decoder=hidden,
            log_var_scale=0.1,
            log_var_range=(-20, 5),
        ),
        objective=Objective(gamma=Learned(init=1.0)),
        training=Training(steps=steps, batch=64, lr=3e-3),
        seed=seed,
    )
