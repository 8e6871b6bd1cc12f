"""Fits of collapse thresholds and of saturation: an estimate, a 95 % interval, a verdict, and the figures behind them.

    from analysis import latents
    from analysis.fit import sweep, thresholds

    for threshold in thresholds(sweep(latents("linear_collapse"))):
        print(threshold.mode, threshold.verdict, threshold.estimate, threshold.low, threshold.high)

`descents` gives the dimension of data that each training with a learned γ shows, by the slope of its rate.

A fit that cannot be made is a value with a verdict, not an exception. NumPy, SciPy and pandas only.
"""

from analysis.fit.dimension import Descent, descents
from analysis.fit.resample import Estimate
from analysis.fit.saturation import CurveFit, Saturation, saturation
from analysis.fit.sweep import Sweep, counts, sweep
from analysis.fit.thresholds import Estimator, Threshold, thresholds, total_collapse
from analysis.fit.verdict import BETWEEN, FITTED, INSUFFICIENT, LEFT, RIGHT

__all__ = [
    "BETWEEN",
    "FITTED",
    "INSUFFICIENT",
    "LEFT",
    "RIGHT",
    "CurveFit",
    "Descent",
    "Estimate",
    "Estimator",
    "Saturation",
    "Sweep",
    "Threshold",
    "counts",
    "descents",
    "saturation",
    "sweep",
    "thresholds",
    "total_collapse",
]
