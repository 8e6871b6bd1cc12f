"""Probes of lines through the landscape of a VAE with an affine decoder."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from models.specs.look import EQ3, Look, Measures
from models.specs.spec import Count, Positive

Grid = Annotated[Count, Field(ge=100)]
"""Points of a line whose minima are counted: a coarser line has none, or others."""


class PairSlice(Look):
    """The profile loss along W(t) = √λ [1 − t, bt]: one output of variance λ, two latents."""

    kind: Literal["PairSlice"] = "PairSlice"
    gamma: Positive
    """The decoder variance γ, in squared data units."""
    variance: Positive = 0.08
    """The variance λ of the output, in squared data units."""
    b: Positive = 0.8
    """The slope b of the second column along the line."""
    points: Grid = 40001
    """Points of the grid on the line."""

    measures: ClassVar[Measures] = {
        "minima": ("-", "local minima on the grid, its ends not counted"),
        "argmin": ("-", "the t of the lowest loss"),
        "lowest": (EQ3, "the lowest loss"),
        "steepest": (EQ3, "largest slope |dL/dt|"),
    }


class PlantedSlice(Look):
    """The profile loss along a random line through the decoder of a planted subspace; t = 0 is where it was planted.

    W(t) = Q(M₀ + tN), S = QQᵀ, Q (d × r) with orthonormal columns, M₀ = [I 0] and N random, of which the first column is
    −e₁: latent 1 is empty at t = 1.
    """

    kind: Literal["PlantedSlice"] = "PlantedSlice"
    gamma: Positive
    """The decoder variance γ, in squared data units."""
    d: Count = 20
    """Dimensions of an example."""
    r: Count = 3
    """Dimensions of the planted subspace."""
    kappa: Count = 6
    """Latents κ of the decoder."""
    scale: Positive = 0.5
    """Standard deviation of the random direction N's entries."""
    points: Grid = 6001
    """Points of the grid on the line."""

    measures: ClassVar[Measures] = PairSlice.measures

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.r <= min(self.kappa, self.d):
            raise ValueError(f"r = {self.r} modes need as many latents and outputs: lower r, or raise kappa and d")
        return self


class PairSplit(Look):
    """The ratio γ/λ at which the loss along W(t) = √λ [1 − t, t] changes from two minima to one, by bisection."""

    kind: Literal["PairSplit"] = "PairSplit"
    variance: Positive = 1.0
    """The variance λ of the output, in squared data units."""
    points: Grid = 4001
    """Points of the grid on the line."""

    measures: ClassVar[Measures] = {"split": ("-", "the largest γ/λ with two local minima")}
