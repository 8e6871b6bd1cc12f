"""Synthetic data of known dimension: what theory is tested on."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from models.specs.examples import Examples
from models.specs.spec import Count, Fraction, NonNegative, Positive, Real, Seed, Several


class Planted(Examples):
    """Synthetic data of known dimension, drawn from its own seed."""

    d: Count = 20
    """Dimensions of an example."""
    noise: NonNegative = 0.0
    """Variance of the noise in each dimension of what is decoded, in squared data units; by default there is none."""
    n: Several = 3000
    """Training examples."""
    n_test: Several = 1000
    """Test examples."""
    seed: Seed = 0
    """The seed of the data, whatever the trial's own is."""

    @property
    def n_train(self) -> int:
        """As declared."""
        return self.n

    @property
    def image(self) -> None:
        return None


class LinearSubspace(Planted):
    """A Gaussian on a random subspace: x = Q diag(√eigenvalues) u + √noise·ε, u ~ N(0, I_r), Q with orthonormal columns.

    Centred like all data, and then put `offset` off zero in every coordinate, so that learned biases have a mean to find.
    """

    kind: Literal["LinearSubspace"] = "LinearSubspace"
    eigenvalues: Annotated[tuple[Positive, ...], Field(min_length=1)] = (1.0,) * 5
    """Variances along the subspace's directions, in squared data units: as many as it has dimensions."""
    offset: Real = 0.0
    """How far off zero each coordinate's mean is put after centring, in data units."""

    @model_validator(mode="after")
    def _subspace_fits(self) -> "LinearSubspace":
        if len(self.eigenvalues) > self.d:
            raise ValueError(f"{len(self.eigenvalues)} eigenvalues do not fit in d = {self.d}: raise d or drop some")
        return self

    @property
    def intrinsic_dim(self) -> int:
        """One for each eigenvalue."""
        return len(self.eigenvalues)

    @property
    def label(self) -> str:
        """ "linear r=5"."""
        off = f" offset={self.offset:g}" if self.offset else ""
        return f"linear r={self.intrinsic_dim}{off}"


class LinearMap(Planted):
    """Inputs x and targets y = F diag(√zeta2) Gᵀ u + √noise·ε of whitened u ~ N(0, I_r), x = diag(inputs) u.

    F (d × r) and G (r × r) are random with orthonormal columns; `zeta2` are the squared singular values of the map from
    whitened inputs to targets, in squared data units of y, and `inputs` the standard deviations of x's coordinates. A
    network encodes x and decodes y, so `d` is the dimension of y.
    """

    kind: Literal["LinearMap"] = "LinearMap"
    has_targets: ClassVar[bool] = True
    d: Count = 5
    """Dimensions of y, which is decoded."""
    zeta2: Annotated[tuple[Positive, ...], Field(min_length=1)] = (14.0, 8.0, 4.0, 2.0, 1.0)
    """Squared singular values ζ² of the map from whitened inputs to y, in squared data units."""
    inputs: tuple[Positive, ...] = (2.0, 1.5, 1.0, 0.7, 0.4)
    """Standard deviations of the coordinates of x, which is encoded."""

    @model_validator(mode="after")
    def _map_fits(self) -> "LinearMap":
        if len(self.zeta2) > self.d:
            raise ValueError(f"{len(self.zeta2)} singular values do not fit in d = {self.d}: raise d or drop some")
        if len(self.zeta2) != len(self.inputs):
            raise ValueError(f"{len(self.zeta2)} zeta2 and {len(self.inputs)} inputs: give as many of each")
        return self

    @property
    def d_in(self) -> int:
        """One for each input."""
        return len(self.inputs)

    @property
    def intrinsic_dim(self) -> int:
        """One for each singular value."""
        return len(self.zeta2)

    @property
    def label(self) -> str:
        """ "linear map r=5"."""
        return f"linear map r={self.intrinsic_dim}"


class PlantedManifold(Planted):
    """A curved image of N(0, I_r): x = A₀u + 1.2 A₂ᵀ tanh(A₁ᵀu + b) + √noise·ε, centred, total variance d before noise."""

    kind: Literal["PlantedManifold"] = "PlantedManifold"
    r: Count = 3
    """Dimensions of the manifold: as many latents are needed."""

    @model_validator(mode="after")
    def _manifold_fits(self) -> "PlantedManifold":
        if self.r > self.d:
            raise ValueError(f"a manifold of r = {self.r} dimensions does not fit in d = {self.d}: raise d or lower r")
        return self

    @property
    def intrinsic_dim(self) -> int:
        """r."""
        return self.r

    @property
    def label(self) -> str:
        """ "manifold r=3"."""
        return f"manifold r={self.r}"


class PlantedClusters(Planted):
    """Four clusters on a curved surface: x = A₀u + A₂ᵀ tanh(A₁ᵀu) + √noise·ε, u ~ ¼ Σ N(c, 0.25² I₂), c = (±2, 0), (0, ±2).

    Two dimensions, but no image of N(0, I₂) by a map as smooth: a sample has to leave the gaps between clusters empty.
    """

    kind: Literal["PlantedClusters"] = "PlantedClusters"
    d: Annotated[Count, Field(ge=2)] = 20
    """Dimensions of an example."""

    @property
    def intrinsic_dim(self) -> int:
        return 2

    @property
    def label(self) -> str:
        """ "clusters r=2"."""
        return "clusters r=2"


class PlantedArc(Planted):
    """An open curve in a plane of many dimensions: x = Q (t, sin t) + √noise·ε, t uniform in [−π, π], Q orthonormal.

    One dimension, of which principal components need two: the whole plane. With `off` the examples are no points of the
    curve, but of the same plane around it, at least so far from it: what no screening by two components can tell. With
    `middle` they lie on a part of the curve: unlike the others, but on it.
    """

    kind: Literal["PlantedArc"] = "PlantedArc"
    off: Annotated[NonNegative, Field(le=1)] = 0.0
    """How far from the curve the examples lie at least, in data units; at 0 they lie on it."""
    middle: Annotated[Fraction, Field(gt=0)] = 1.0
    """The share of the curve, around its middle, that the examples lie on; by default that is all of it."""

    @model_validator(mode="after")
    def _plane_fits(self) -> "PlantedArc":
        if self.d < 2:
            raise ValueError("a plane does not fit in d = 1: raise d")
        if self.off and self.middle != 1:
            raise ValueError("examples off the curve lie on no part of it: leave off or middle out")
        return self

    @property
    def intrinsic_dim(self) -> int:
        """One of the curve, two of the plane around it."""
        return 2 if self.off else 1

    @property
    def label(self) -> str:
        """ "arc r=1", "middle 0.2 of the arc", or "off the arc by 0.5"."""
        if self.off:
            return f"off the arc by {self.off:g}"
        return "arc r=1" if self.middle == 1 else f"middle {self.middle:g} of the arc"
