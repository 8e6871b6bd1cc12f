"""Which data a trial is trained on: the torch-free declarations. `models.datasets` loads or generates them.

A data set is identified by its published checksum or by its generator's name, version and parameters (its own seed among
them), never by the bytes of its arrays and never by the trial's seed.
"""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from models.specs.base import Count, NonNegative, Options, Positive, Seed, Several, Spec, alike, one_of
from models.specs.source import checksum, source_of


class Digits(Spec):
    """scikit-learn's 1,797 handwritten digits of 8×8 pixels, /16; every sixth image is held out for the test set."""

    kind: Literal["Digits"] = "Digits"
    version: ClassVar[int | None] = 1

    @property
    def d(self) -> int:
        return 64

    @property
    def d_in(self) -> int:
        return self.d

    @property
    def n_train(self) -> int:
        return 1498

    @property
    def image(self) -> tuple[int, int]:
        return (8, 8)

    @property
    def intrinsic_dim(self) -> None:
        return None


class _Idx(Spec):
    """60,000 training and 10,000 test images of 28×28 pixels in the IDX format, /255; the first `n` of the training set."""

    version: ClassVar[int | None] = 1
    n: Annotated[Several, Field(le=60_000)] = 60_000

    @property
    def d(self) -> int:
        return 784

    @property
    def d_in(self) -> int:
        return self.d

    @property
    def n_train(self) -> int:
        return self.n

    @property
    def image(self) -> tuple[int, int]:
        return (28, 28)

    @property
    def intrinsic_dim(self) -> None:
        return None

    @property
    def label(self) -> str:
        return type(self).__name__ if self.n == 60_000 else f"{type(self).__name__}({self.n})"


class MNIST(_Idx):
    """Handwritten digits (LeCun, Cortes and Burges), verified by the published md5 of their four files."""

    kind: Literal["MNIST"] = "MNIST"
    fingerprint: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    }


class FashionMNIST(_Idx):
    """Zalando's articles of clothing (Xiao, Rasul and Vollgraf), verified by the published md5 of their four files."""

    kind: Literal["FashionMNIST"] = "FashionMNIST"
    fingerprint: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    }


class _Planted(Spec):
    """Synthetic data of known dimension, drawn from its own seed."""

    version: ClassVar[int | None] = 1
    d: Count = 20
    noise: NonNegative = 0.0
    n: Several = 3000
    n_test: Several = 1000
    seed: Seed = 0

    @property
    def d_in(self) -> int:
        return self.d

    @property
    def n_train(self) -> int:
        return self.n

    @property
    def image(self) -> None:
        return None


class LinearSubspace(_Planted):
    """A Gaussian on a random subspace: x = Q diag(√eigenvalues) u + √noise·ε, u ~ N(0, I_r), Q with orthonormal columns."""

    kind: Literal["LinearSubspace"] = "LinearSubspace"
    eigenvalues: Annotated[tuple[Positive, ...], Field(min_length=1)] = (1.0,) * 5

    @model_validator(mode="after")
    def _subspace_fits(self) -> "LinearSubspace":
        if len(self.eigenvalues) > self.d:
            raise ValueError(f"{len(self.eigenvalues)} eigenvalues do not fit in d = {self.d}: raise d or drop some")
        return self

    @property
    def intrinsic_dim(self) -> int:
        return len(self.eigenvalues)

    @property
    def label(self) -> str:
        return f"linear r={self.intrinsic_dim}"


class LinearMap(_Planted):
    """Inputs x and targets y = F diag(√zeta2) Gᵀ u + √noise·ε of whitened u ~ N(0, I_r), x = diag(inputs) u.

    F (d × r) and G (r × r) are random with orthonormal columns; `zeta2` are the squared singular values of the map from
    whitened inputs to targets, in squared data units of y, and `inputs` the standard deviations of x's coordinates. A
    network encodes x and decodes y, so `d` is the dimension of y.
    """

    kind: Literal["LinearMap"] = "LinearMap"
    d: Count = 5
    zeta2: Annotated[tuple[Positive, ...], Field(min_length=1)] = (14.0, 8.0, 4.0, 2.0, 1.0)
    inputs: tuple[Positive, ...] = (2.0, 1.5, 1.0, 0.7, 0.4)

    @model_validator(mode="after")
    def _map_fits(self) -> "LinearMap":
        if len(self.zeta2) > self.d:
            raise ValueError(f"{len(self.zeta2)} singular values do not fit in d = {self.d}: raise d or drop some")
        if len(self.zeta2) != len(self.inputs):
            raise ValueError(f"{len(self.zeta2)} zeta2 and {len(self.inputs)} inputs: give as many of each")
        return self

    @property
    def d_in(self) -> int:
        return len(self.inputs)

    @property
    def intrinsic_dim(self) -> int:
        return len(self.zeta2)

    @property
    def label(self) -> str:
        return f"linear map r={self.intrinsic_dim}"


class PlantedManifold(_Planted):
    """A curved image of N(0, I_r): x = A₀u + 1.2 A₂ᵀ tanh(A₁ᵀu + b) + √noise·ε, centred, total variance d before noise."""

    kind: Literal["PlantedManifold"] = "PlantedManifold"
    r: Count = 3

    @model_validator(mode="after")
    def _manifold_fits(self) -> "PlantedManifold":
        if self.r > self.d:
            raise ValueError(f"a manifold of r = {self.r} dimensions does not fit in d = {self.d}: raise d or lower r")
        return self

    @property
    def intrinsic_dim(self) -> int:
        return self.r

    @property
    def label(self) -> str:
        return f"manifold r={self.r}"


class PlantedClusters(_Planted):
    """Four clusters on a curved surface: x = A₀u + A₂ᵀ tanh(A₁ᵀu) + √noise·ε, u ~ ¼ Σ N(c, 0.25² I₂), c = (±2, 0), (0, ±2).

    Two dimensions, but no image of N(0, I₂) by a map as smooth: a sample has to leave the gaps between clusters empty.
    """

    kind: Literal["PlantedClusters"] = "PlantedClusters"

    @property
    def intrinsic_dim(self) -> int:
        return 2

    @property
    def label(self) -> str:
        return "clusters r=2"


class OwnData(Spec):
    """Data of the user's: the source of a function that returns (train, test), two arrays of `d` float columns.

    The declaration holds the source itself, as `Own` does for networks: identity changes when the code does, and no
    worker needs the file. It says what the arrays will be, so that a plan need not load them; a load checks it. What the
    function reads from `files` is part of the identity by their SHA-256, in the order declared and wherever they lie, and
    a load refuses a file that has changed; a file that is not declared there is not seen. Workers look for the files
    where the function does: give absolute paths where they run elsewhere. With `image` = (height, width), examples are
    shown as pictures of grey values in [0, 1].
    """

    kind: Literal["OwnData"] = "OwnData"
    version: ClassVar[int | None] = 1
    name: str
    source: str
    d: Count
    n: Several
    intrinsic_dim: Count | None = None
    image: tuple[Count, Count] | None = None
    files: dict[str, str] = Field(default_factory=dict)
    options: Options = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.image and self.image[0] * self.image[1] != self.d:
            raise ValueError(f"an image of {self.image[0]}×{self.image[1]} pixels has not d = {self.d}: mend either")
        if (self.intrinsic_dim or 0) > self.d:
            raise ValueError(f"intrinsic_dim = {self.intrinsic_dim} exceeds d = {self.d}: mend either")
        return self

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        d: int,
        n: int,
        *,
        intrinsic_dim: int | None = None,
        image: tuple[int, int] | None = None,
        files: Sequence[str | PathLike[str]] = (),
        **options: Any,
    ) -> Self:
        """Declare what `function(**options)` returns: `n` training examples of `d` dimensions, and a test set.

        The function is cut out of its file with the module-level names it uses. Raises: ValueError where its source cannot
        be found (a notebook cell, say) or does not stand alone, or where a file cannot be read.
        """
        return cls(
            name=getattr(function, "__name__", ""),
            source=source_of(function),
            d=d,
            n=n,
            intrinsic_dim=intrinsic_dim,
            image=image,
            files={str(path): checksum(path) for path in files},
            options=options,
        )

    def counted(self, name: str) -> Any:
        match name:
            case "files":
                return list(self.files.values())
            case "options":
                return alike(self.options)
            case _:
                return super().counted(name)

    @property
    def d_in(self) -> int:
        return self.d

    @property
    def n_train(self) -> int:
        return self.n

    @property
    def label(self) -> str:
        return self.name


Data = Annotated[
    Digits | MNIST | FashionMNIST | LinearSubspace | LinearMap | PlantedManifold | PlantedClusters | OwnData,
    Field(discriminator="kind"),
    one_of(Digits, MNIST, FashionMNIST, LinearSubspace, LinearMap, PlantedManifold, PlantedClusters, OwnData),
]
