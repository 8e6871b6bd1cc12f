"""One VAE that is told β, trained over all of them, against VAEs that are trained for one β each.

A rate-distortion curve takes a training for every point. A network that is told β, by scales and shifts of its layers, and
draws a β for every example gives all of them at once; it trains for a tenth of the steps that the others take together.
γ is fixed at T/d, so that β moves the level βγ over the whole curve.

At a few β of the digits a second VAE learns the density of the codes, q(z): one for each of them, and one that is told β
on draws of the network that is told β. Its γ starts at 0.05, as in `vaeplus`.
"""

from typing import Literal

from models.specs import MNIST, VAE, Data, Digits, Fixed, Learned, Objective, Spread, Training
from study.catalog.rate_distortion.table import LINEAR, PER_DIMENSION, sweep
from study.declare.table import study
from study.declare.trial import Trial

Way = Literal["separate", "told"]
Network = Literal["VAE", "second VAE"]

SEPARATE: Way = "separate"
TOLD: Way = "told"
WAYS = [SEPARATE, TOLD]

FIRST: Network = "VAE"
SECOND: Network = "second VAE"
NETWORKS = [FIRST, SECOND]

BETAS = {LINEAR.label: sweep(0.04, 3.5, 16), Digits().label: sweep(0.2, 7.0, 20), MNIST().label: sweep(0.3, 60, 20)}
STEPS = {LINEAR.label: 4000, Digits().label: 3000, MNIST().label: 14_000}
"""Of a training for one β."""

SAMPLED = 3
"""β at which second VAEs are trained: the first, a middle one and so on, all below the last collapse."""


def told_steps(data: Data) -> int:
    """A tenth of what the trainings for one β take together."""
    return len(BETAS[data.label]) * STEPS[data.label] // 10


def sampled(data: Data) -> list[float]:
    """The β at which second VAEs are trained."""
    betas = BETAS[data.label]
    return betas[:: len(betas) // (SAMPLED + 1)][:SAMPLED]


ALL_BETAS = sorted({*BETAS[LINEAR.label], *BETAS[Digits().label]})


@study(data=[LINEAR, Digits()], network=NETWORKS, way=WAYS, beta=ALL_BETAS, seed=range(4))
def beta_input(data: Data, network: Network, way: Way, beta: float, seed: int) -> Trial | None:
    """Does one VAE that is told β trace the curve of VAEs that are trained for one β each?"""
    if network == SECOND and data == LINEAR:
        return None
    return trial(data, network, way, beta, seed)


@beta_input.paper(data=[MNIST()], network=NETWORKS, way=WAYS, beta=BETAS[MNIST().label], seed=range(5))
def beta_input_paper(data: Data, network: Network, way: Way, beta: float, seed: int) -> Trial | None:
    """The same question on MNIST: 60 epochs for each β, and 120 for all of them."""
    return trial(data, network, way, beta, seed)


def trial(data: Data, network: Network, way: Way, beta: float, seed: int) -> Trial | None:
    """One row; None for a β that the data set, or the network, is not asked about."""
    betas = BETAS[data.label]
    wanted = [betas[len(betas) // 2]] if way == TOLD else sampled(data) if network == SECOND else betas
    if beta not in wanted:
        return None
    told, linear, large = way == TOLD, data == LINEAR, isinstance(data, MNIST)
    if linear:
        model = VAE(kappa=6, encoder=(), decoder=(), post_var="shared", sees_beta=told)
    elif large:
        size = {"kappa": 64, "encoder": (512, 512), "decoder": (512, 512)}
        model = VAE(**size, activation="relu", init="he", log_var_scale=0.1, output_scale=0.1)
    else:
        model = VAE(kappa=16, encoder=(64,), decoder=(64,), log_var_scale=0.1, output_scale=0.1)
    spread = Spread(low=betas[0], high=betas[-1], at=tuple(betas)) if told else None
    steps = told_steps(data) if told else STEPS[data.label]
    first = Trial(
        data=data,
        model=model.model_copy(update={"sees_beta": told}),
        objective=Objective(gamma=Fixed(PER_DIMENSION[data.label]), beta=beta, spread=spread),
        training=Training(steps=steps, batch=256 if large else 128, lr=_lr(data, way)),
        seed=seed,
    )
    if network == FIRST:
        return first
    second = first.model.model_copy(update={"encoder": (64,), "decoder": (64,), "log_var_range": (-20, 5)})
    return Trial(
        data=data,
        model=second,
        objective=Objective(gamma=Learned(init=0.05)),
        training=Training(steps=steps // 2 if told else STEPS[data.label] // 2, batch=128, lr=3e-3),
        seed=seed,
        after=first,
    )


def _lr(data: Data, way: Way) -> float:
    """The told linear network takes larger steps: it has more to turn, and no part of it may be left behind."""
    if data == LINEAR:
        return 2e-2 if way == TOLD else 1e-2
    return 1e-3 if isinstance(data, MNIST) else 5e-3
