"""How well a score tells outliers from inliers: the area under the ROC curve, with its error and an interval.

    AUROC = P(score of an outlier > score of an inlier) + ½ P(they are equal)

The standard error is DeLong's, free of any assumption on the scores; the interval is built of it on the logit scale, so
that it stays within [0, 1]. Of scores that are separated perfectly DeLong's variance knows nothing (it is zero): there the
interval is Newcombe's, the areas whose score test, with Hanley & McNeil's variance, does not reject the sample.

Source: DeLong, DeLong & Clarke-Pearson (1988), eqs. 1-6; Newcombe (2006), method 5.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from jaxtyping import Float
from scipy.optimize import root_scalar
from scipy.special import expit
from scipy.stats import rankdata

Scores = Float[np.ndarray, "_"]


@dataclass(frozen=True)
class Auroc:
    """The area, its standard error, and an interval [low, high]."""

    value: float
    standard_error: float
    low: float
    high: float


def auroc(inliers: Scores, outliers: Scores, level: float = 0.95) -> Auroc:
    """The area under the ROC curve of scores that should be larger for outliers; an interval of this coverage.

    Raises: ValueError for fewer than two of either, or scores that are NaN.
    """
    n, m = len(inliers), len(outliers)
    if min(n, m) < 2:
        raise ValueError(f"an AUROC needs two inliers and two outliers at least, not {n} and {m}")
    scores = np.concatenate([inliers, outliers])
    if np.isnan(scores).any():
        raise ValueError("scores that are NaN have no order: leave the model that gave them out")
    ranks = rankdata(scores)
    above = (ranks[n:] - rankdata(outliers)) / n  # the share of inliers below each outlier
    below = 1 - (ranks[:n] - rankdata(inliers)) / m
    value = float(above.mean())
    error = math.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n)
    return Auroc(value, error, *_interval(value, error, n, m, level))


def _interval(value: float, error: float, n: int, m: int, level: float) -> tuple[float, float]:
    z = NormalDist().inv_cdf((1 + level) / 2)
    if 0 < value < 1:
        middle, half = math.log(value / (1 - value)), z * error / (value * (1 - value))
        return float(expit(middle - half)), float(expit(middle + half))
    weight = (n + m) / 2 - 1

    def implausible(area: float) -> float:
        """Positive where a sample without any overlap lies further from this area than chance allows."""
        variance = area * (1 - area) / (n * m) * (1 + weight * ((1 - area) / (2 - area) + area / (1 + area)))
        return 1 - area - z * math.sqrt(variance)

    low = float(root_scalar(implausible, bracket=(0, 1 - 1e-9)).root)
    return (low, 1.0) if value else (0.0, 1 - low)
