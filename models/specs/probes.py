"""What a probe computes: the torch-free declarations. `models.probes` carries them out.

A probe looks at a loss itself, by optimisation, automatic differentiation or a grid, and nothing is trained. Each declares
the numbers that it measures, with unit and meaning, and about how long it takes.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from models.specs.gaussian import Skip
from models.specs.groundwork import (
    Conventions,
    LearnedGammaMinimum,
    LinearLikelihood,
    LinearMinimum,
    LossThresholds,
    NullBins,
    NullMMD,
)
from models.specs.look import EQ3, Look, Measures
from models.specs.penalties import ColumnScale, LogTransform, SerpentineCost, SerpentineCritical, SerpentineCrossing
from models.specs.spec import Count, Magnitude, Positive, Several
from models.specs.vocabulary import Vocabulary

Spectrum = Annotated[tuple[Positive, ...], Field(min_length=1)]

Grid = Annotated[Count, Field(ge=100)]
"""Points of a line whose minima are counted: a coarser line has none, or others."""


class AffineMinima(Look):
    """The minima of a VAE with an affine decoder that many random starts find, and the saddles between them.

    Data with the covariance diag(eigenvalues); γ at β = 1. Encoder and posterior variances are minimised out.
    """

    kind: Literal["AffineMinima"] = "AffineMinima"
    eigenvalues: Spectrum
    """Variances of the data along their principal axes, in squared data units."""
    gamma: Positive
    """The decoder variance γ, in squared data units."""
    kappa: Count
    """Latents κ of the VAE."""
    starts: Several = 600
    """How many random starts are followed to a minimum."""

    version: ClassVar[int | None] = 2
    measures: ClassVar[Measures] = {
        "lowest": (EQ3, "lowest loss that any start ended at"),
        "excess": (EQ3, "how far above it the worst start ended"),
        "slope": (EQ3, "largest component of the gradient at any end"),
        "spread": ("data", "how far two ends with the same signs lie apart at most"),
        "supports": ("-", "different choices of latents among the ends"),
        "minima": ("-", "the same, with columns of other signs counted apart"),
        "swap_rotation": (EQ3, "rise on the way when the two strongest kept modes change latents by a rotation"),
        "slot_rotation": (EQ3, "rise on the way when the weakest kept mode moves to an unused latent by a rotation"),
        "swap_saddle": (EQ3, "rise to the saddle when the two strongest kept modes change latents by the lowest way"),
        "slot_saddle": (
            EQ3,
            "rise to the saddle when the weakest kept mode moves to an unused latent by the lowest way",
        ),
        "saddle_slope": (EQ3, "largest component of the gradient at these saddles"),
        "saddle_falls": ("-", "directions in which the loss curves down there, of the saddle that has more"),
        "saddle_missed": ("data", "how far from the two minima the descents from a saddle end at most"),
        "profile_error": (EQ3, "largest deviation of the profile loss from a minimisation over encoder and variances"),
    }

    @property
    def seconds(self) -> float:
        """Linear in the starts, and a second for the saddles."""
        return 1.2 + 7e-4 * self.starts


Hypothesis = Literal["as stated", "mean bias", "variance bias"]


class CollapsePoint(Look):
    """The gradient of J with respect to the weights of a latent whose weights are all zero.

    A VAE with tanh layers on a planted manifold of three dimensions. Under "mean bias" the latent's mean has a bias of ½,
    under "variance bias" its log variance one of −1; "as stated" both are zero, like the biases of all others.
    """

    kind: Literal["CollapsePoint"] = "CollapsePoint"
    hypothesis: Hypothesis
    """Which biases of the collapsed latent are not zero: none, that of its mean, or that of its log variance."""
    kappa: Several = 4
    """Latents κ of the VAE, one of them collapsed."""
    gamma: Magnitude = 0.1
    """The decoder variance γ, in squared data units."""
    d: Annotated[Count, Field(ge=3)] = 20
    """Dimensions of an example."""
    width: Count = 64
    """Width of the hidden layers."""
    examples: Several = 64
    """How many examples J is a mean over."""
    draws: Annotated[Count, Field(ge=640)] = 2560
    """Draws of the noise for each example."""

    measures: ClassVar[Measures] = {
        "decoder_slope": ("nats", "norm of the gradient of the latent's decoder column, noise in antithetic pairs"),
        "mean_slope": ("nats", "the same of the weights of its mean"),
        "variance_slope": ("nats", "the same of the weights of its log variance"),
        "noise_20": ("nats", "root mean square of the decoder column's gradient from 20 independent draws"),
        "noise_320": ("nats", "the same from 320 draws"),
        "noise_exponent": ("-", "slope of the logarithm of that noise against the logarithm of the number of draws"),
    }

    @property
    def seconds(self) -> float:
        """Linear in draws, examples and width."""
        return 0.2 + 4e-6 * self.draws * self.examples * self.width / 64


class CollapsedCurvature(Look):
    """The curvature of J at the collapsed point of a deep decoder: z is ignored, and all other weights are as drawn.

    Tanh layers, a linear encoder, one latent, and centred data with the covariance diag(eigenvalues). The Hessian is that of
    the weights that take z in and of those of the latent's mean, by automatic differentiation. Arrays hold what its closed
    form is made of: `jacobian`, `cross` and `features`, as `analysis.theory.hessian` explains them.
    """

    kind: Literal["CollapsedCurvature"] = "CollapsedCurvature"
    depth: Count
    """Hidden layers of the decoder."""
    skip: Skip = "none"
    """How z reaches the output past these layers."""
    gain: Positive = 1.0
    """The standard deviation of the decoder's weights, in units of 1/√fan_in."""
    gamma: Positive = 0.5
    """The decoder variance γ, in squared data units; β is 1."""
    eigenvalues: Spectrum = (4.0, 2.0, 1.0, 0.5, 0.25, 0.1)
    """Variances of the data along their axes, in squared data units."""
    width: Count = 32
    """Width of the hidden layers."""

    measures: ClassVar[Measures] = {
        "least_eigenvalue": ("nats", "of the Hessian of J at the collapsed point"),
        "largest_eigenvalue": ("nats", "the same"),
        "slope": ("nats", "largest component of the gradient of J there, over all weights"),
    }

    @model_validator(mode="after")
    def _has_whole_blocks(self) -> Self:
        if self.skip == "residual" and self.depth % 2:
            raise ValueError('skip="residual" goes around blocks of two layers: give it an even depth')
        return self

    @property
    def seconds(self) -> float:
        """Linear in the layers."""
        return 0.05 + 0.01 * self.depth


Variant = Literal["fixed Σ", "learned Σ", "learned γ", "two layers"]


class OriginHessian(Look):
    """The curvature of the exact loss of a random linear problem at the origin, beside its lowest value anywhere.

    The problem follows from the seed. With "two layers" the decoder is a product of two numbers, and the problem given.
    """

    kind: Literal["OriginHessian"] = "OriginHessian"
    variant: Variant
    """What is free beside encoder and decoder: nothing, the posterior covariance Σ, or Σ and γ; or a decoder of two
    layers."""

    measures: ClassVar[Measures] = {
        "threshold_ratio": ("-", "ζ₁²/(βγ), in units of the narrowest latent's variance where Σ is fixed"),
        "least_eigenvalue": ("nats", "of the Hessian of J at the origin, over all free parameters"),
        "largest_eigenvalue": ("nats", "the same"),
        "at_origin": ("nats", "J at the origin"),
        "lowest": ("nats", "lowest J that the minimisations found"),
    }

    @property
    def seconds(self) -> float:
        """About 0.15."""
        return 0.15


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


class Rotations(Look):
    """How much J rises when the latents at its minimum are turned, by many random orthogonal matrices.

    A linear VAE on data with the covariance diag(eigenvalues). Σ is `given`, or learned: then it stays as it is at the
    minimum, is permuted with the latents, or is the best one for every turn.
    """

    kind: Literal["Rotations"] = "Rotations"
    eigenvalues: Spectrum
    """Variances of the data along their principal axes, in squared data units."""
    gamma: Positive
    """The decoder variance γ, in squared data units."""
    kappa: Count
    """Latents κ of the linear VAE."""
    turn: Literal["orthogonal", "signed permutation"] = "orthogonal"
    """What the latents are turned by: any orthogonal matrix, or a permutation with signs."""
    sigma: Literal["kept", "best", "given"] = "kept"
    """What becomes of the posterior variances Σ: kept from the minimum, the best for every turn, or given as 1."""
    count: Count = 50
    """How many random turns are tried."""

    measures: ClassVar[Measures] = {
        "lowest": ("nats", "J at the minimum that was found"),
        "least_rise": ("nats", "least rise of J over the turns"),
        "largest_rise": ("nats", "largest"),
    }


Probing = Annotated[
    AffineMinima
    | CollapsePoint
    | CollapsedCurvature
    | ColumnScale
    | Conventions
    | LearnedGammaMinimum
    | LinearLikelihood
    | LinearMinimum
    | LogTransform
    | LossThresholds
    | NullBins
    | NullMMD
    | OriginHessian
    | PairSlice
    | PairSplit
    | PlantedSlice
    | Rotations
    | SerpentineCost
    | SerpentineCritical
    | SerpentineCrossing,
    Vocabulary(),
]
