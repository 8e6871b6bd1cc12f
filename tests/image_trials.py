"""Pictures of any size, and small trials of convolutional networks."""

from dataclasses import dataclass
from math import prod
from typing import Any

import torch

from models.networks.build import build
from models.specs.likelihood import MEANS, PerValue
from study import (
    Digits,
    Fixed,
    ImageVAE,
    Objective,
    Training,
    Trial,
)

SKIPS = ("none", "affine", "residual", "concat")


NORMS = ("none", "group")


CPU = torch.device("cpu")


@dataclass(frozen=True)
class Pictures:
    """Data of which nothing is known but their shape."""

    image: tuple[int, ...]

    @property
    def d(self) -> int:
        return prod(self.image)

    @property
    def d_in(self) -> int:
        return self.d

    @property
    def per_value(self) -> PerValue:
        return MEANS


def network_of(spec: Any, data: Any, seed: int) -> Any:
    """A network, of which a type checker knows nothing."""
    return build(spec, data, seed)


def a_trial(model=None, data=None, gamma=None, seed=0, beta=1.0, after=None, samples=0, **training):
    return Trial(
        data=data or Digits(),
        model=model or ImageVAE(kappa=3, channels=(4, 6), log_var_scale=0.1),
        objective=Objective(gamma=gamma or Fixed(0.1), beta=beta),
        training=Training(**({"steps": 20, "batch": 32, "lr": 3e-3} | training)),
        seed=seed,
        after=after,
        samples=samples,
    )
