"""One VAE conditioned on β and trained over all β, against separate VAEs, each trained at one β.

A rate-distortion curve needs one training per point. A network that takes β as an input, through scales and shifts of its
layers, and trains with a new β for every example gives all points at once. It trains for a tenth of the steps that the
separate VAEs take together. With a fixed γ, T/d, β moves the level βγ along the whole curve. With a learned γ the two are
decoupled: a separate VAE learns the γ of its own β, and the conditioned one a function γ(β).

At a few β on the digits, γ fixed, a second VAE learns the density of the codes, q(z): one for each separate VAE, and one
conditioned on β for the conditioned VAE. Its γ starts at 0.05, as in `vaeplus`.
"""

from typing import Literal

from models.specs import MNIST, VAE, Data, Digits, Fixed, Gamma, Learned, LearnedByBeta, Objective, Spread, Training
from study.catalog.rate_distortion.table import LINEAR, MODES, OF_DIGITS, OF_LINEAR, PER_DIMENSION, Mode, sweep
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

FIXED, LEARNED = MODES
"""How γ is set; a learned one of the network that sees β is learned by β."""

BETAS: dict[Mode, dict[str, list[float]]] = {
    FIXED: {LINEAR.label: sweep(0.04, 3.5, 16), Digits().label: sweep(0.2, 7.0, 20), MNIST().label: sweep(0.3, 60, 20)},
    LEARNED: {LINEAR.label: OF_LINEAR, Digits().label: OF_DIGITS, MNIST().label: sweep(0.3, 70, 20)},
}
"""A learned γ's are those of `rate_distortion`."""
STEPS = {LINEAR.label: 4000, Digits().label: 3000, MNIST().label: 14_000}
"""Steps of one training at a single β."""

SAMPLED = 3
"""Number of β with second VAEs: the lowest and others evenly spaced, all below the last collapse."""


def told_steps(data: Data, mode: Mode) -> int:
    """A tenth of the steps that the separate trainings take together."""
    return len(BETAS[mode][data.label]) * STEPS[data.label] // 10


def sampled(data: Data) -> list[float]:
    """The β with second VAEs."""
    betas = BETAS[FIXED][data.label]
    return betas[:: len(betas) // (SAMPLED + 1)][:SAMPLED]


def all_betas(*data: Data) -> list[float]:
    """Every β of some data sets."""
    return sorted({beta for of_mode in BETAS.values() for one in data for beta in of_mode[one.label]})


@study(
    data=[LINEAR, Digits()],
    network=NETWORKS,
    mode=MODES,
    way=WAYS,
    beta=all_betas(LINEAR, Digits()),
    seed=range(4),
)
def beta_input(data: Data, network: Network, mode: Mode, way: Way, beta: float, seed: int) -> Trial | None:
    """Does one VAE conditioned on β trace the same curve as separate VAEs, each trained at one β?"""
    if network == SECOND and data == LINEAR:
        return None
    return trial(data, network, mode, way, beta, seed)


@beta_input.paper(data=[MNIST()], network=NETWORKS, mode=MODES, way=WAYS, beta=all_betas(MNIST()), seed=range(5))
def beta_input_paper(data: Data, network: Network, mode: Mode, way: Way, beta: float, seed: int) -> Trial | None:
    """The same question on MNIST: 60 epochs for each separate VAE, and 120 for the conditioned one."""
    return trial(data, network, mode, way, beta, seed)


def trial(data: Data, network: Network, mode: Mode, way: Way, beta: float, seed: int) -> Trial | None:
    """One row; None for a β that the study leaves out for this data set, network or γ mode."""
    if network == SECOND and mode == LEARNED:
        return None
    betas = BETAS[mode][data.label]
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
    steps = told_steps(data, mode) if told else STEPS[data.label]
    first = Trial(
        data=data,
        model=model.model_copy(update={"sees_beta": told}),
        objective=Objective(gamma=_gamma(data, mode, way), beta=beta, spread=spread),
        training=Training(steps=steps, batch=_batch(data, mode, way), lr=_lr(data, way)),
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


def _gamma(data: Data, mode: Mode, way: Way) -> Gamma:
    """A learned γ starts at T/d, where nothing is encoded."""
    start = PER_DIMENSION[data.label]
    if mode == FIXED:
        return Fixed(start)
    return LearnedByBeta(init=start) if way == TOLD else Learned(init=start)


def _batch(data: Data, mode: Mode, way: Way) -> int:
    """Large batches where γ follows β on linear data: γ(β) has a closed form there, and magnifies errors of R fourfold."""
    if data == LINEAR and mode == LEARNED and way == TOLD:
        return 512
    return 256 if isinstance(data, MNIST) else 128


def _lr(data: Data, way: Way) -> float:
    """The conditioned linear network takes larger steps: it has more to rotate, and no part may lag behind."""
    if data == LINEAR:
        return 2e-2 if way == TOLD else 1e-2
    return 1e-3 if isinstance(data, MNIST) else 5e-3
