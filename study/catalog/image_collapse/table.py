"""Images over β at a fixed γ: how many modes are left, and how much do samples still vary?

The eigenvalues of an image set's covariance are the thresholds of a linear VAE times γ. The study compares the linear VAE
with a network that has one hidden layer of tanh units in encoder and decoder, which may keep more than the covariance at a
small β. The choice of γ lets the sweep pass the largest eigenvalues: 0.05 on the digits, in (grey level)², and 1 on MNIST.

At laptop scale the linear network trains on MNIST, and around the largest eigenvalue a network with a sixteenth of the
source's 2,048 hidden units, which takes a tenth of the time. With 2,048 units J was still 0.6 nats above that of a collapsed
network after 600 steps. Where a smooth network collapses hardly depends on its width (`deep_collapse`).
"""

from typing import Any, Literal

from models.specs import MNIST, VAE, Digits, Fixed, Objective, Training
from study.declare.table import study
from study.declare.trial import Trial

Network = Literal["linear", "nonlinear", "128 units", "2048 units"]

LINEAR: Network = "linear"
NARROW: Network = "128 units"
WIDE: Network = "2048 units"

AROUND = (4.0, 4.5, 4.7, 6.0, 7.0)
"""β at which the narrow network trains on MNIST, whose largest eigenvalue is 5.1: the ends of what counts as close to 5, one
on either side of them, and one that is closer. There the mode is worth 0.002 nats, and 3,000 steps may not find it."""

COUNTED = (3.5, 6.0)
"""β at which the linear network's modes are counted on MNIST, by four seeds; at the first they train longer, to rest."""

BETAS = {
    "Digits": [1.0, 4.0, 6.0, 8.0, 10.0, 12.0, 13.0, 15.0, 20.0],
    "MNIST": [0.5, 2.0, 3.5, 4.7, 5.0, 6.0],
}
"""By kind of data."""


@study(
    data=[Digits(), MNIST()],
    network=[LINEAR, "nonlinear", NARROW],
    beta=sorted({*AROUND, *(beta for betas in BETAS.values() for beta in betas)}),
    seed=range(4),
)
def image_collapse(data: Digits | MNIST, network: Network, beta: float, seed: int) -> Trial | None:
    """On images, is each mode lost where its eigenvalue predicts, and do samples of the prior fade with it?"""
    on_mnist, is_linear = isinstance(data, MNIST), network == LINEAR
    if network == NARROW and not (on_mnist and beta in AROUND):
        return None
    if (network != NARROW and beta not in BETAS[data.kind]) or (on_mnist and network == "nonlinear"):
        return None
    if seed >= _seeds(data, network, beta):
        return None
    hidden = () if is_linear else (128,) if network == NARROW else (64,)
    steps, batch, lr = (3000, 64, 3e-3) if network == NARROW else (4000, 128, 5e-3)
    training = Training(steps=steps, batch=batch, lr=lr)
    if is_linear:  # it rotates slowly into the directions of the modes: first large steps, then small ones
        steps, batch, lr = (4000, 64, 3e-2) if on_mnist else (6000, 128, 2e-2)
        steps *= 4 if on_mnist and beta == COUNTED[0] else 1
        training = Training(steps=steps, batch=batch, lr=lr, decay_to=0.002)
    start: Any = {"output_scale": 0.1} if network == NARROW else {}
    return Trial(
        data=data,
        model=VAE(kappa=5 if on_mnist else 8, encoder=hidden, decoder=hidden, log_var_scale=0.1, **start),
        objective=Objective(gamma=Fixed(1.0 if on_mnist else 0.05), beta=beta),
        training=training,
        seed=seed,
    )


def _seeds(data: Digits | MNIST, network: Network, beta: float) -> int:
    if network == NARROW:
        return 2
    return 4 if isinstance(data, MNIST) and beta in COUNTED else 3


@image_collapse.paper(
    data=[MNIST()],
    network=[LINEAR, "nonlinear", WIDE],
    beta=[0.5, 1.0, 1.5, 2.0, 2.4, 2.7, 3.0, 3.5, 4.0, 4.4, 4.7, 5.0, 5.3, 6.0],
    seed=range(4),
)
def image_collapse_paper(data: MNIST, network: Network, beta: float, seed: int) -> Trial:
    """The same question on MNIST, 20 epochs."""
    hidden = {LINEAR: (), WIDE: (2048,)}.get(network, (256,))
    return Trial(
        data=data,
        model=VAE(kappa=5, encoder=hidden, decoder=hidden, log_var_scale=0.1),
        objective=Objective(gamma=Fixed(1.0), beta=beta),
        training=Training(steps=9_400, batch=128, lr=1e-3 if hidden else 5e-3),
        seed=seed,
    )
