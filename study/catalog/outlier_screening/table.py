"""κ × network × outliers × seeds: does an autoencoder's reconstruction error detect what does not belong to the data?

A network that has learned the data's manifold, and nothing more, does not reconstruct points off it. The arc is
one-dimensional and lies in a plane; its outliers are other points of that plane. Two principal components reconstruct the
whole plane, so they detect no outlier. Outliers on the arc, near its middle, differ from the data only in how often they
occur, and a network that has learned the arc reconstructs them as well as any. Among images, MNIST's digits are the outliers
of Fashion-MNIST, and κ rises far beyond what is needed. The VAE's learned γ decides how many latents it uses, once it has
arrived: on the images, where steps are few, log γ moves at a rate of its own. The plain autoencoder uses all it has. Every
trial also measures as many principal components as it has latents.
"""

from typing import Literal

from models.specs import MNIST, VAE, Data, FashionMNIST, Fixed, Learned, Objective, PlantedArc, Training
from study.declare.table import study
from study.declare.trial import Trial

Network = Literal["VAE", "AE"]
FULL: Network = "VAE"
PLAIN: Network = "AE"
NETWORKS = [FULL, PLAIN]

Outliers = Literal["apart", "on the curve"]
APART: Outliers = "apart"
ON_CURVE: Outliers = "on the curve"

SLOW, SWIFT = Learned(init=1.0), Learned(init=1.0, lr=1e-2)
"""How γ is learned: at the network's rate, by at most a thousandth a step, or where steps are few ten times as fast."""

OFF, MIDDLE = 0.3, 0.2
"""Least distance of an outlier from the arc, which is 2 high and 2π wide; share of the arc that the outliers on it take."""


@study(
    data=[PlantedArc(d=20), FashionMNIST(n=10_000)],
    outliers=[APART, ON_CURVE],
    network=NETWORKS,
    kappa=[1, 2, 8, 128],
    seed=range(5),
)
def outlier_screening(data: Data, outliers: Outliers, network: Network, kappa: int, seed: int) -> Trial | None:
    """Does the reconstruction error of an autoencoder detect outliers, whatever the number of latents?"""
    is_arc = isinstance(data, PlantedArc)
    if kappa not in ((1, 2, 8) if is_arc else (2, 128)):
        return None
    if outliers == ON_CURVE and not (is_arc and network == FULL and kappa in (1, 8)):
        return None
    if seed >= (5 if kappa == 128 else 3):
        return None
    hidden, steps = ((64, 64), 2000) if is_arc else ((128, 64), 1200)
    return _trial(data, outliers, network, kappa, seed, hidden, steps, SLOW if is_arc else SWIFT)


@outlier_screening.paper(data=[FashionMNIST()], network=NETWORKS, kappa=[16, 32, 64, 128, 256], seed=range(5))
def outlier_screening_paper(data: Data, network: Network, kappa: int, seed: int) -> Trial:
    """The same question on all of Fashion-MNIST, 60 epochs."""
    return _trial(data, APART, network, kappa, seed, (512, 256), 28_000, SLOW)


def _trial(
    data: Data,
    outliers: Outliers,
    network: Network,
    kappa: int,
    seed: int,
    hidden: tuple[int, ...],
    steps: int,
    gamma: Learned,
) -> Trial:
    plain = network == PLAIN
    of_arc = PlantedArc(d=20, off=OFF) if outliers == APART else PlantedArc(d=20, middle=MIDDLE)
    return Trial(
        data=data,
        model=VAE(
            kappa=kappa,
            encoder=hidden,
            decoder=hidden[::-1],
            log_var_scale=0.1,
            log_var_range=None if plain else (-20, 5),
            post_var="none" if plain else "amortised",
        ),
        objective=Objective(gamma=Fixed(0.5), beta=0) if plain else Objective(gamma=gamma),
        training=Training(steps=steps, batch=128, lr=1e-3 if isinstance(data, FashionMNIST) else 3e-3),
        seed=seed,
        outliers=of_arc if isinstance(data, PlantedArc) else MNIST(),
    )
