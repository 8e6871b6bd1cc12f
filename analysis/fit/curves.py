"""The candidate curves of saturation: how many latents are active as a function of the latent width κ.

Every curve is a known shape times its plateau r (two shapes and two factors for LH and the logarithm), where the shape
has at most a scale, in units of κ, and a width. The factors follow by linear least squares, so that a fit is a search
along one number, the scale (`analysis.fit.search`).

Source: the exponential, hyperbolic and logarithmic forms are the usual ones of saturation; min(κ, r) is what theory
says of r-dimensional data without noise, Dai, Wipf (2019).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray

WIDTHS = np.geomspace(0.02, 1.0, 17)
"""Widths of the smooth hinge's bend, relative to r, among which its fit begins."""


@dataclass(frozen=True)
class Curve:
    """A candidate: its formula with the names of its free numbers, and what a fit needs to know of it.

    `shapes` gives the columns that factors multiply, from κ (n,), scale (…, 1) and width (…, 1). `natural` turns factors,
    scale and width into the free numbers in the order of `names`; `reach` gives the κ at which 95 % of r is reached.
    """

    name: str
    formula: str
    names: tuple[str, ...]
    value: Callable[..., Array]
    natural: Callable[[Array, float, float], tuple[float, ...]]
    shapes: Callable[[Array, Array, Array], tuple[Array, ...]]
    scales: Callable[[Array], tuple[float, float]] = lambda kappa: (1.0, 1.0)
    reach: Callable[..., float] | None = None
    factors: int = 1
    has_width: bool = False
    saturates: bool = True

    @property
    def q(self) -> int:
        """How many numbers are free."""
        return len(self.names)


def _softplus(x: Array) -> Array:
    return np.logaddexp(0.0, x)


def _within(kappa: Array) -> tuple[float, float]:
    """A bend between the smallest and the largest κ: elsewhere it could not be seen."""
    return float(kappa[0]), float(kappa[-1])


def _wide(kappa: Array) -> tuple[float, float]:
    """From a plateau at once to a straight line."""
    return float(kappa[0]) / 20, float(kappa[-1]) * 50


EXPONENTIAL = Curve(
    name="E",
    formula="r (1 − exp(−κ/k0))",
    names=("r", "k0"),
    value=lambda kappa, r, k0: -r * np.expm1(-kappa / k0),
    natural=lambda c, scale, width: (c[0], scale),
    shapes=lambda kappa, scale, width: (-np.expm1(-kappa / scale),),
    scales=_wide,
    reach=lambda r, k0: k0 * np.log(20),
)
HYPERBOLIC = Curve(
    name="M",
    formula="r κ/(κ + k0)",
    names=("r", "k0"),
    value=lambda kappa, r, k0: r * kappa / (kappa + k0),
    natural=lambda c, scale, width: (c[0], scale),
    shapes=lambda kappa, scale, width: (kappa / (kappa + scale),),
    scales=_wide,
    reach=lambda r, k0: 19 * k0,
)
HINGE = Curve(
    name="H",
    formula="min(a κ, r)",
    names=("r", "a"),
    value=lambda kappa, r, a: np.minimum(a * kappa, r),
    natural=lambda c, scale, width: (c[0], c[0] / scale),
    shapes=lambda kappa, scale, width: (np.minimum(kappa / scale, 1.0),),
    scales=_within,
    reach=lambda r, a: 0.95 * r / a,
)
IDEAL = Curve(
    name="H1",
    formula="min(κ, r)",
    names=("r",),
    value=lambda kappa, r: np.minimum(kappa, r),
    natural=lambda c, scale, width: (scale,),
    shapes=lambda kappa, scale, width: (np.minimum(kappa, scale),),
    scales=lambda kappa: (1e-3 * float(kappa[0]), float(kappa[-1])),
    reach=lambda r: 0.95 * r,
    factors=0,
)
LOG_HINGE = Curve(
    name="LH",
    formula="min(a + b ln κ, r)",
    names=("r", "a", "b"),
    value=lambda kappa, r, a, b: np.minimum(a + b * np.log(kappa), r),
    natural=lambda c, scale, width: (c[0], c[0] - c[1] * np.log(scale), c[1]),
    shapes=lambda kappa, scale, width: (np.ones_like(kappa / scale), -np.maximum(np.log(scale / kappa), 0.0)),
    scales=_within,
    reach=lambda r, a, b: np.exp((0.95 * r - a) / b) if b > 0 else np.nan,
    factors=2,
)
SMOOTH_HINGE = Curve(
    name="smooth hinge",
    formula="r − s softplus((r − a κ)/s)",
    names=("r", "a", "s"),
    value=lambda kappa, r, a, s: r - s * _softplus((r - a * kappa) / s),
    natural=lambda c, scale, width: (c[0], c[0] / scale, width * max(c[0], 1e-300)),
    shapes=lambda kappa, scale, width: (1 - width * _softplus((1 - kappa / scale) / width),),
    scales=_wide,
    reach=lambda r, a, s: (r - s * np.log(np.expm1(0.05 * r / s))) / a,
    has_width=True,
)
CONSTANT = Curve(
    name="const",
    formula="r",
    names=("r",),
    value=lambda kappa, r: np.full(len(kappa), r),
    natural=lambda c, scale, width: (c[0],),
    shapes=lambda kappa, scale, width: (np.ones_like(kappa / scale),),
)
LOGARITHM = Curve(
    name="log-linear",
    formula="a + b ln κ",
    names=("a", "b"),
    value=lambda kappa, a, b: a + b * np.log(kappa),
    natural=lambda c, scale, width: (c[0], c[1]),
    shapes=lambda kappa, scale, width: (np.ones_like(kappa / scale), np.log(kappa) * np.ones_like(scale)),
    factors=2,
    saturates=False,
)
POWER = Curve(
    name="power",
    formula="a κ^b",
    names=("a", "b"),
    value=lambda kappa, a, b: a * kappa**b,
    natural=lambda c, scale, width: (c[0], scale),
    shapes=lambda kappa, scale, width: (kappa**scale,),
    scales=lambda kappa: (1e-3, 3.0),
    saturates=False,
)
CURVES = (
    EXPONENTIAL,
    HYPERBOLIC,
    HINGE,
    IDEAL,
    LOG_HINGE,
    SMOOTH_HINGE,
    CONSTANT,
    LOGARITHM,
    POWER,
)
