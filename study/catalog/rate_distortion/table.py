"""Rate-distortion curves of the β-VAE (γ fixed, β swept) and of the decoupled one (γ learned, β swept).

With γ fixed, β sets the level g = βγ. With γ learned, γ follows the distortion, so the same β leads to another level. In
both cases a minimum of J also minimises R + 2gK. So both sweeps should trace one curve: reverse water-filling on linear
data, and on images the best curve that the networks can reach. The fixed γ is T/d. A learned γ starts there, and returns
there when nothing is encoded, so both sweeps end at the same β. On digits the rate grows faster with a learned γ as β
falls, so that sweep has four more β where the fixed γ's rates are. The linear data have four modes more than the six latents
can encode, which keeps the learned γ above zero.
"""

from typing import Literal

import numpy as np

from models.specs import MNIST, VAE, Data, Digits, Fixed, Gamma, Learned, LinearSubspace, Objective, Training
from study.declare.table import study
from study.declare.trial import Trial

Mode = Literal["fixed", "learned"]
MODES: list[Mode] = ["fixed", "learned"]

LINEAR = LinearSubspace(d=10, eigenvalues=(6, 4, 2.5, 1.2, 0.5, 0.2, 0.1, 0.1, 0.05, 0.05), n=2000)

PER_DIMENSION = {LINEAR.label: 1.47, Digits().label: 0.073, MNIST().label: 0.067}
"""T/d of each data set, in data²."""


def sweep(least: float, most: float, points: int) -> list[float]:
    """β in geometric progression."""
    return [float(f"{beta:.3g}") for beta in np.geomspace(least, most, points)]


OF_LINEAR, OF_DIGITS = sweep(0.12, 4.0, 15), sweep(0.2, 9.0, 12)
BETWEEN = [1.9, 2.68, 3.79, 5.35]
"""More β for a learned γ on digits, where β 1.41 times apart are rates 1.7 times apart."""


@study(data=[LINEAR, Digits()], mode=MODES, beta=sorted({*OF_LINEAR, *OF_DIGITS, *BETWEEN}), seed=range(3))
def rate_distortion(data: Data, mode: Mode, beta: float, seed: int) -> Trial | None:
    """Do a fixed and a learned decoder variance trace the same rate-distortion curve as β varies?"""
    linear = data == LINEAR
    of_digits = [*OF_DIGITS, *BETWEEN] if mode == "learned" else OF_DIGITS
    if beta not in (OF_LINEAR if linear else of_digits):
        return None
    return Trial(
        data=data,
        model=VAE(kappa=6, encoder=(), decoder=(), post_var="shared")
        if linear
        else VAE(kappa=16, encoder=(64,), decoder=(64,), log_var_scale=0.1),
        objective=Objective(gamma=_gamma(mode, data), beta=beta),
        training=Training(steps=4000 if linear else 3000, batch=128, lr=1e-2 if linear else 5e-3),
        seed=seed,
    )


@rate_distortion.paper(data=[MNIST()], mode=MODES, beta=sweep(0.3, 70, 20), seed=range(5))
def rate_distortion_paper(data: Data, mode: Mode, beta: float, seed: int) -> Trial:
    """The same question on MNIST: 60 epochs."""
    return Trial(
        data=data,
        model=VAE(kappa=64, encoder=(512, 512), decoder=(512, 512), activation="relu", init="he", log_var_scale=0.1),
        objective=Objective(gamma=_gamma(mode, data), beta=beta),
        training=Training(steps=14_000, batch=256, lr=1e-3),
        seed=seed,
    )


def _gamma(mode: Mode, data: Data) -> Gamma:
    start = PER_DIMENSION[data.label]
    return Fixed(start) if mode == "fixed" else Learned(init=start)
