"""The dimension r of data, from what a training with a learned γ paid for it: an estimate that needs to know nothing of r.

While γ falls, and k modes lie above the level βγ, the optimum has

    K = const − (k/2) log γ,        J = const + ½(d − βk) log γ

exactly in a linear network, and with k = r in the limit γ → 0 on any data without noise. So the slope of K along a training's
recorded curve gives r̂ = −2 dK/d log γ, and that of J can be held against ½(d − βr). They are least-squares slopes over the
lower half of the way that log γ took: by then modes have been found, and the network follows γ. On noisy data γ comes to
rest, and r̂ is the number of modes that were still refined shortly before.

J is taken with γ at its best for the distortion R in hand, R/d, where it is ½d log(R/d) + βK + ½d: a learned γ is ahead of
R/d or behind it by a third, and R/(2γ), which is ½d at the optimum, then strays by several nats. R is that of a minibatch.
Its noise must not flatten a slope, so log(R/d) is no abscissa: the slopes of K and of log R, both along log γ, are divided.

Not promised: a curve in which γ falls faster than the network can follow shows too few, and one in which latents run out
before γ does shows too many, as the last of them still grow.

Source: derived from Wang & Ziyin (2022), eqs. 11-13; Dai, Wenliang & Wipf (2021), section 2.3, for the slope of J.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from analysis.frames.types import Frame

Array = np.ndarray

DECADES, POINTS = 0.2, 4
"""The least fall of γ, as a power of 10, and the fewest points that a slope is taken over."""


class Descent(NamedTuple):
    """r̂ by the slope of K, the slope of J against log γ, γ at its best, and how many decades γ fell over them.

    NaN where it fell too little.
    """

    dimension: float
    objective_slope: float
    decades: float


NOTHING = Descent(math.nan, math.nan, math.nan)


def descent(
    log_gamma: Float[Array, " n"], rate: Float[Array, " n"], log_distortion: Float[Array, " n"], d: int, beta: float
) -> Descent:
    """The slopes along one training, from log γ, K in nats and log R at its logged steps, in any order."""
    known = np.isfinite(log_gamma) & np.isfinite(rate) & np.isfinite(log_distortion)
    if not known.any():
        return NOTHING
    log_gamma, rate, log_distortion = log_gamma[known], rate[known], log_distortion[known]
    lower = log_gamma <= (log_gamma.min() + log_gamma.max()) / 2
    decades = float(np.ptp(log_gamma[lower])) / math.log(10)
    if decades < DECADES or lower.sum() < POINTS:
        return NOTHING._replace(decades=decades)
    of_rate, of_distortion = (float(np.polyfit(log_gamma[lower], y[lower], 1)[0]) for y in (rate, log_distortion))
    of_objective = d / 2 + beta * of_rate / of_distortion if of_distortion > 0 else math.nan
    return Descent(-2 * of_rate, of_objective, decades)


def descents(trials: Frame, curves: Frame) -> Frame:
    """The finished trials among these that have learned γ, with the columns of `Descent`; `curves` are `analysis.curves`."""
    learned = trials[trials["status"].eq("finished") & trials["gamma_mode"].eq("learned")]
    rows = {str(trial): own for trial, own in curves.groupby("trial_id", observed=True)}
    found = [
        _of(rows[row["trial_id"]], row["d"], row["beta"]) if row["trial_id"] in rows else NOTHING
        for row in learned.to_dict("records")
    ]
    return learned.assign(**pd.DataFrame(found, columns=list(Descent._fields), index=learned.index))


def _of(curve: Frame, d: int, beta: float) -> Descent:
    gamma, rate, distortion = (
        curve[name].to_numpy(float, na_value=math.nan) for name in ("gamma_value", "rate", "distortion")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return descent(np.log(gamma), rate, np.log(distortion), d, beta)
