"""What the linear theory knows of a data set: its modes, its total variance and its number of outputs.

Inputs x in R^d0 and targets y in R^d2 (y = x for an autoencoder) enter through A = E xxᵀ and E yxᵀ alone. With
A = P Φ Pᵀ (Φ the non-zero eigenvalues) and the whitened inputs x~ = Φ^{-1/2} Pᵀ x, the modes are the singular values
ζ_1 ≥ ζ_2 ≥ … of E y x~ᵀ = F diag(ζ) Gᵀ. Everywhere `zeta2` holds their squares in descending order, in squared data units;
for y = x these are the eigenvalues of A. A mode of ζ² = 0 and no mode at all are the same thing to every formula here.

Source: Wang & Ziyin (2022), section 4.1 (their list of "ζ_i" for MNIST holds ζ_i²).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

ROUNDING = 1e-12
"""A sum of modes below this fraction of T is the rounding noise of zero."""

EQUAL = 1e-9
"""Two numbers that differ by less than this part of them count as equal: both were computed."""


@dataclass(frozen=True, eq=False)
class Modes:
    """`zeta2` (d*,), descending; `total` T = E‖y‖², both in squared data units; `d2`, the number of outputs.

    T is at least the sum of the modes: it also holds the part of y that no linear function of x gives.
    Raises: ValueError for modes out of order or negative, and for a T that is zero or below their sum.
    """

    zeta2: Array
    total: float
    d2: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "zeta2", checked(self.zeta2))
        if not self.total > 0:
            raise ValueError(f"total variance {self.total}: the targets must vary")
        explained = float(self.zeta2.sum())
        if not explained <= self.total * (1 + 1e-9):
            raise ValueError(f"the total variance {self.total:g} is below the sum of the modes, {explained:g}")
        if self.d2 < 1:
            raise ValueError(f"d2 = {self.d2} outputs: there must be at least one")

    @property
    def rank(self) -> int:
        """Number of modes that are not rounding noise: rank E yxᵀ, for y = x the rank of the covariance."""
        return int((self.zeta2 > ROUNDING * self.total).sum())

    @property
    def explained(self) -> float:
        """R² = Σ ζ_i²/T: the part of y that is linear in x, 1 for y = x."""
        return float(self.zeta2.sum() / self.total)

    def unreached(self, kappa: int) -> float:
        """C_0 = T − Σ_{i≤κ} ζ_i²: what κ latents cannot explain, because it is not linear in x or lies in later modes."""
        rest = self.total - float(self.zeta2[:kappa].sum())
        return rest if rest > ROUNDING * self.total else 0.0


def modes_of_data(x: ArrayLike, y: ArrayLike | None = None) -> Modes:
    """The modes of examples x (n, d0) and targets y (n, d2), y = x by default, both centred here; moments divide by n.

    Centring is what learned biases do. Source: Wang & Ziyin (2022), appendix B.
    """
    x_centred = _centred(x, "x")
    y_centred = x_centred if y is None else _centred(y, "y")
    if len(x_centred) != len(y_centred):
        raise ValueError(f"x has {len(x_centred)} examples and y has {len(y_centred)}: give them row by row")
    n = len(x_centred)
    return modes_of_moments(
        x_centred.T @ x_centred / n, y_centred.T @ x_centred / n, float(np.square(y_centred).sum() / n)
    )


def modes_of_spectrum(eigenvalues: ArrayLike, d2: int | None = None) -> Modes:
    """The modes of y = x from the eigenvalues (d,) of its covariance, descending; `d2` where zeros were left out."""
    values = checked(eigenvalues)
    return Modes(values, float(values.sum()), len(values) if d2 is None else d2)


def modes_of_moments(a: ArrayLike, cross: ArrayLike, total: float) -> Modes:
    """The modes from A = E xxᵀ (d0, d0), which may be rank-deficient, E yxᵀ (d2, d0) and T = E‖y‖²."""
    zeta = mode_directions(a, cross).zeta
    return Modes(np.square(zeta), total, len(np.asarray(cross)))


class Directions(NamedTuple):
    """ζ (d*,) with the directions that carry it: y along `targets` F (d2, d*), x read by `readers` P Φ^{-1/2} G (d0, d*).

    Coordinates readersᵀ x have unit covariance, and E y (readersᵀ x)ᵀ = F diag(ζ).
    """

    zeta: Array
    targets: Array
    readers: Array


def mode_directions(a: ArrayLike, cross: ArrayLike, tolerance: float = 1e-10) -> Directions:
    """Singular values and directions of E y x~ᵀ; eigenvalues of A below `tolerance` times the largest count as zero.

    Raises: ValueError where E yxᵀ reaches outside the range of A, as no moments of one distribution do.
    """
    a, cross = np.asarray(a, float), np.asarray(cross, float)
    if a.ndim != 2 or a.shape[0] != a.shape[1] or cross.ndim != 2 or cross.shape[1] != len(a):
        raise ValueError(f"A must be (d0, d0) and E yx^T (d2, d0), not {a.shape} and {cross.shape}")
    phi, p = np.linalg.eigh(a)
    kept = phi > tolerance * phi.max(initial=0.0)
    phi, p = phi[kept], p[:, kept]
    outside = np.linalg.norm(cross - (cross @ p) @ p.T)
    if outside > 1e-4 * np.linalg.norm(cross):
        raise ValueError("E yx^T has a part where A = E xx^T is zero: these are not the moments of one distribution")
    f, zeta, g = np.linalg.svd((cross @ p) / np.sqrt(phi), full_matrices=False)
    return Directions(zeta, f, (p / np.sqrt(phi)) @ g.T)


def is_kept(zeta2: ArrayLike, level: ArrayLike) -> np.ndarray:
    """Whether ζ² > g, elementwise. A mode at its threshold is lost, also where rounding puts g just below it."""
    return np.asarray(zeta2, float) > (1 + EQUAL) * np.asarray(level, float)


def checked(zeta2: ArrayLike) -> Array:
    """ζ² as a float array, rounding noise below zero set to zero.

    Raises: ValueError unless it is one row of finite, non-negative numbers in descending order.
    """
    values = np.asarray(zeta2, float)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError(f"squared singular values must be one row of finite numbers, not of shape {values.shape}")
    slack = EQUAL * values.max(initial=0.0)
    if (values < -slack).any() or (np.diff(values) > slack).any():
        raise ValueError("squared singular values must not be negative, and descend: sort them, largest first")
    return np.maximum(values, 0.0)


def checked_kappa(kappa: int) -> int:
    """The number of latents. Raises: ValueError unless there is at least one."""
    if kappa < 1:
        raise ValueError(f"kappa = {kappa}: a model needs at least one latent")
    return kappa


def _centred(values: ArrayLike, name: str) -> Array:
    rows = np.asarray(values, float)
    if rows.ndim != 2 or not len(rows):
        raise ValueError(f"{name} must have a row for each example, not shape {rows.shape}")
    return rows - rows.mean(0)
