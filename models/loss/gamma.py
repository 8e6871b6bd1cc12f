"""How γ is set, without a branch: modes of every kind can share a pack.

A mode becomes a handful of numbers (`knobs`); the functions below are elementwise in them, so they serve one trial
(numbers of shape ()) and a stack of trials (shape (pack,)) alike.
"""

import math
from collections.abc import Mapping
from typing import TypedDict, assert_never

import torch
from jaxtyping import Float
from torch import Tensor

from models.specs.gamma import (
    Absent,
    Annealed,
    DecodedPerPixel,
    Fixed,
    Gamma,
    Learned,
    LearnedByBeta,
    Optimal,
    PerImage,
    PerPixel,
    Refit,
)


class Knobs(TypedDict):
    """A γ mode in numbers: two switches (0 or 1), a geometric schedule, and bounds, γ in squared data units."""

    learned: float
    optimal: float
    start: float
    ratio: float
    over: float
    floor: float
    log_floor: float
    log_ceiling: float
    log_init: float


def knobs(spec: Gamma) -> Knobs:
    """The numbers that carry out a γ mode. A fixed γ is a schedule that goes nowhere.

    A mode without one γ, whose likelihood asks for none, has the numbers of γ = 1, which nothing reads: trials of it share
    the arithmetic of a stack. Raises: ValueError for a refit, which is trained as the fixed γ that its twin learned.
    """
    numbers = Knobs(
        learned=0.0,
        optimal=0.0,
        start=1.0,
        ratio=1.0,
        over=1.0,
        floor=0.0,
        log_floor=-math.inf,
        log_ceiling=math.inf,
        log_init=0.0,
    )
    match spec:
        case Fixed():
            numbers["start"] = spec.value
        case Annealed():
            numbers.update(start=spec.start, ratio=spec.end / spec.start, over=spec.over)
        case Optimal():
            numbers.update(optimal=1.0, floor=spec.floor)
        case Learned():
            numbers.update(learned=1.0, log_init=math.log(spec.init))
            numbers["log_floor"] = math.log(spec.floor) if spec.floor else -math.inf
            numbers["log_ceiling"] = math.log(spec.ceiling) if spec.ceiling else math.inf
        case Refit():
            raise ValueError("a refit has no γ of its own: train it as Fixed(...) at the γ that its twin learned")
        case PerPixel() | PerImage() | DecodedPerPixel() | LearnedByBeta() | Absent():
            pass
        case _:
            assert_never(spec)
    return numbers


Numbers = Mapping[str, Float[Tensor, "*#pack"]]
"""Knobs as tensors: one number of each for a trial, or one a trial for a stack."""


def gamma_at(
    numbers: Numbers,
    log_gamma: Float[Tensor, "*#pack"],
    distortion: Float[Tensor, "*#pack"],
    d: int,
    progress: Float[Tensor, "*#pack"],
) -> Float[Tensor, "*pack"]:
    """The decoder variance in force after a fraction `progress` of the steps."""
    return gamma_in_force(numbers, log_gamma, distortion, d, schedule(numbers, progress))


def schedule(numbers: Numbers, progress: Float[Tensor, "*#pack"]) -> Float[Tensor, "*pack"]:
    """start·ratio^min(progress/over, 1), which needs no distortion: many steps can be computed at once."""
    return numbers["start"] * numbers["ratio"] ** (progress / numbers["over"]).clamp(max=1.0)


class GammaInForce:
    """`gamma_in_force` of the same trials again and again: where they all learn γ, or none of it depends on them, at once."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._all_are_learned = bool((numbers["learned"] > 0).all())
        self._all_are_scheduled = not bool(((numbers["learned"] > 0) | (numbers["optimal"] > 0)).any())

    def __call__(
        self,
        log_gamma: Float[Tensor, " pack"],
        distortion: Float[Tensor, " pack"],
        d: int,
        scheduled: Float[Tensor, " pack"],
    ) -> Float[Tensor, " pack"]:
        """γ of each trial."""
        if self._all_are_learned:
            return log_gamma.exp()
        return (
            scheduled if self._all_are_scheduled else gamma_in_force(self._numbers, log_gamma, distortion, d, scheduled)
        )


def gamma_in_force(
    numbers: Numbers,
    log_gamma: Float[Tensor, "*#pack"],
    distortion: Float[Tensor, "*#pack"],
    d: int,
    scheduled: Float[Tensor, "*#pack"],
) -> Float[Tensor, "*pack"]:
    """learned: exp(log γ). optimal: max(R/d, floor), R the distortion. otherwise: as scheduled.

    An optimal γ is held constant in the gradient, which changes nothing, because ∂J/∂γ = 0 there.
    """
    closed_form = torch.maximum(distortion.detach() / d, numbers["floor"])
    given = torch.where(numbers["optimal"] > 0, closed_form, scheduled)
    return torch.where(numbers["learned"] > 0, log_gamma.exp(), given)


def project_(numbers: Numbers, log_gamma: Float[Tensor, "*#pack"]) -> None:
    """Bring log γ back between its declared floor and ceiling, in place."""
    log_gamma.clamp_(numbers["log_floor"], numbers["log_ceiling"])
