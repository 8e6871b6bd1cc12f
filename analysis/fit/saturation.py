"""Saturation: how many latents are active as the latent width κ grows, and where that number ends.

Each candidate curve is fitted by least squares to the means over seeds. Counts are integers, so that the variance s0² of
a mean is taken as 1/12 at least, that of rounding, and as what the seeds say where they spread more. With it

    χ² = RSS/s0²,   AICc = χ² + 2q + 2q(q+1)/(n − q − 1),

and the curve with the least AICc is selected among those that have a plateau and few enough free numbers, q ≤ n − 2. A
curve whose residuals are to tell s0 too has AICc = n log(RSS/n) + 2(q+1) + 2(q+1)(q+2)/(n − q − 2) and needs
q ≤ n − 3; it is reported, not used. Two curves are fitted for reference alone, as they have no plateau: if one of them
beats the selected curve by 2, no plateau has been seen.

The 95 % interval of the plateau is where the profile of RSS stays within the larger of F(1, n−q) · RSS/(n−q), what the
residuals allow, and χ²(1) · s0², what rounding and seeds allow. It takes the curve for granted.

Source: Burnham, Anderson (2002), section 2.4, for AICc; Bates, Watts (1988), section 6.1, for profile intervals.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import chdtrc, chdtri, fdtri

from analysis.fit.curves import CONSTANT, CURVES, Curve
from analysis.fit.profile import Profile, profile
from analysis.fit.search import best_fits
from analysis.fit.verdict import FITTED, INSUFFICIENT, RIGHT
from analysis.tables.interval import LEVEL

Array = np.ndarray
ROUNDING = 1 / 12
"""Variance of rounding to an integer."""

BETTER = 2.0
"""A difference of AICc that counts. Source: Burnham, Anderson (2002), section 2.6."""


@dataclass(frozen=True)
class CurveFit:
    """One candidate, fitted: numbers, tests, and what is left over.

    Errors are standard errors from the residuals, NaN where there are none to spare; `p_value` is the chance of a larger
    χ² were the curve true; `aicc` is NaN for a curve with too many free numbers, as is `aicc_own`, whose scale is the
    residuals'. The κ at which 95 % of the plateau is reached has an interval where the curve has a scale and no more.
    """

    curve: Curve
    parameters: dict[str, float]
    errors: dict[str, float]
    rss: float
    chi2: float
    p_value: float
    aicc: float
    aicc_own: float
    loo_rmse: float
    plateau: tuple[float, float]
    kappa_95: float
    kappa_95_interval: tuple[float, float]
    kappa: Float[Array, " n"]
    fitted: Float[Array, " n"]
    residual: Float[Array, " n"]

    @property
    def rmse(self) -> float:
        """Root mean square error over κ, in latents."""
        return math.sqrt(self.rss / len(self.kappa))

    def at(self, kappa: Float[Array, " points"]) -> Float[Array, " points"]:
        """The fitted curve, to be drawn."""
        return self.curve.value(kappa, *self.parameters.values())


@dataclass(frozen=True)
class Saturation:
    """The plateau of the active dimensions, with its 95 % interval, and every curve that was tried.

    `verdict` is *fitted*; *right-censored* where no plateau was seen: its interval has no upper end, 95 % of it is reached
    only beyond the largest κ, or a curve without one describes the counts better; or *insufficient data*: fewer than
    three κ, so that no curve is left to choose from (the estimate is NaN).
    """

    verdict: str
    estimate: float
    low: float
    high: float
    selected: CurveFit | None
    fits: tuple[CurveFit, ...]
    kappa: Float[Array, " n"]
    counts: Float[Array, " n"]
    variance: float
    """s0², of a mean over seeds."""

    def fit(self, name: str) -> CurveFit:
        """The fit of a candidate, by its name. Raises: KeyError."""
        return {fit.curve.name: fit for fit in self.fits}[name]


def saturation(kappa: Float[Array, " n"], counts: Float[Array, "n seeds"] | Float[Array, " n"]) -> Saturation:
    """The saturation of counts of active latents: one for each κ, or one for each κ and seed (NaN where missing).

    Raises: ValueError where κ are not positive, or not as many as counts, or counts are negative.
    """
    kappa, counts = np.asarray(kappa, float), np.asarray(counts, float)
    counts = counts[:, None] if counts.ndim == 1 else counts
    if kappa.ndim != 1 or len(kappa) != len(counts) or not (kappa > 0).all() or len(np.unique(kappa)) < len(kappa):
        raise ValueError(f"{len(counts)} rows of counts need as many different, positive κ, not {kappa}")
    if (counts < 0).any():
        raise ValueError(f"a count of {counts[counts < 0][0]:g} latents is none: give counts of active latents")
    order = np.argsort(kappa)
    order = order[np.isfinite(counts[order]).any(-1)]
    kappa, counts = kappa[order], counts[order]
    mean, variance = np.nanmean(counts, axis=-1) if len(counts) else np.zeros(0), _variance(counts)
    curves = CURVES if mean.any() else (CONSTANT,)  # nothing is active anywhere: no shape to speak of
    fits = tuple(_fit(curve, kappa, mean, variance) for curve in curves if curve.q < len(kappa) > 1)
    candidates = [fit for fit in fits if fit.curve.saturates and math.isfinite(fit.aicc)]
    best = min(candidates, key=lambda fit: fit.aicc, default=None)
    if best is None:
        return Saturation(INSUFFICIENT, math.nan, math.nan, math.nan, None, fits, kappa, mean, variance)
    plateau = best.parameters["r"]
    return Saturation(_verdict(best, fits), plateau, *best.plateau, best, fits, kappa, mean, variance)


def _variance(counts: Float[Array, "n seeds"]) -> float:
    """s0²: the variance of a mean over seeds, pooled over κ, or that of rounding if it is larger."""
    n = np.isfinite(counts).sum(-1)
    several = n > 1
    if not several.any():
        return ROUNDING
    return max(ROUNDING, float(np.mean(np.nanvar(counts[several], axis=-1, ddof=1) / n[several])))


def _verdict(best: CurveFit, fits: tuple[CurveFit, ...]) -> str:
    without = min((fit.aicc for fit in fits if not fit.curve.saturates and math.isfinite(fit.aicc)), default=math.inf)
    seen = math.isfinite(best.plateau[1]) and not best.kappa_95 > best.kappa[-1] and best.aicc < without + BETTER
    return FITTED if seen else RIGHT


def _fit(curve: Curve, kappa: Float[Array, " n"], y: Float[Array, " n"], variance: float) -> CurveFit:
    """One candidate: the fit to all points, those with one left out, and the profile."""
    n, q = len(kappa), curve.q
    found = best_fits(curve, kappa, y, np.concatenate([np.ones((1, n)), 1 - np.eye(n)]))
    natural = [curve.natural(*one) for one in zip(found.factors, found.scale, found.width, strict=True)]
    fitted = curve.value(kappa, *natural[0])
    left_out = [y[i] - curve.value(kappa[i : i + 1], *natural[i + 1])[0] for i in range(n)]
    rss = float(((y - fitted) ** 2).sum())
    chi2, parameters = rss / variance, dict(zip(curve.names, map(float, natural[0]), strict=True))
    limits = _profile(curve, kappa, y, rss, variance, float(found.width[0]))
    kappa_95, kappa_95_interval = _reach(curve, parameters, float(found.scale[0]), limits)
    return CurveFit(
        curve=curve,
        parameters=parameters,
        errors=_errors(curve, kappa, parameters, rss),
        rss=rss,
        chi2=chi2,
        p_value=float(chdtrc(n - q, chi2)) if n > q else math.nan,
        aicc=chi2 + 2 * q + 2 * q * (q + 1) / (n - q - 1) if n > q + 1 else math.nan,
        aicc_own=_aicc_own(rss, n, q),
        loo_rmse=float(np.sqrt(np.mean(np.square(left_out)))),
        plateau=limits.plateau,
        kappa_95=kappa_95,
        kappa_95_interval=kappa_95_interval,
        kappa=kappa,
        fitted=fitted,
        residual=y - fitted,
    )


def _aicc_own(rss: float, n: int, q: int) -> float:
    """AICc where the residuals tell the variance, one number more."""
    if n <= q + 2:
        return math.nan
    return -math.inf if rss == 0 else n * math.log(rss / n) + 2 * (q + 1) + 2 * (q + 1) * (q + 2) / (n - q - 2)


def _profile(curve: Curve, kappa: Array, y: Array, rss: float, variance: float, width: float) -> Profile:
    if not curve.saturates:
        return Profile((math.nan, math.nan), (math.nan, math.nan))
    spare = len(kappa) - curve.q
    residuals = float(fdtri(1, spare, LEVEL)) * rss / spare
    return profile(curve, kappa, y, rss + max(residuals, float(chdtri(1, 1 - LEVEL)) * variance), width)


def _reach(
    curve: Curve, parameters: dict[str, float], scale: float, limits: Profile
) -> tuple[float, tuple[float, float]]:
    """κ at 95 % of the plateau and, where it is a multiple of the only scale, its interval."""
    if curve.reach is None:
        return math.nan, (math.nan, math.nan)
    at = float(curve.reach(**parameters))
    if curve.factors > 1 or curve.has_width:
        return at, (math.nan, math.nan)
    return at, (at / scale * limits.scale[0], at / scale * limits.scale[1])


def _errors(curve: Curve, kappa: Array, parameters: dict[str, float], rss: float) -> dict[str, float]:
    """Standard errors of the free numbers: s² (JᵀJ)⁻¹ with s² = RSS/(n − q), by central differences."""
    values, n = np.array(list(parameters.values())), len(kappa)
    steps = 1e-6 * np.maximum(np.abs(values), 1e-9)
    slopes = [
        (curve.value(kappa, *(values + step)) - curve.value(kappa, *(values - step))) / (2 * step.sum())
        for step in np.diag(steps)
    ]
    jacobian = np.stack(slopes, axis=-1)
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * rss / (n - curve.q)
    return dict(zip(parameters, np.sqrt(np.diag(covariance)).tolist(), strict=True))
