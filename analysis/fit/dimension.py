"""The dimension r of data, from what a training with a learned γ paid for it: an estimate that needs to know nothing of r.

While γ falls, and k modes lie above the level βγ, the optimum has

    K = const − (k/2) log γ,        J = const + ½(d − βk) log γ

exactly in a linear network, and with k = r in the limit γ → 0 on any data without noise. So the slopes along one training's
recorded curve give r̂ = −2 dK/d log γ, and from J r̂ = (d − 2 dJ/d log γ)/β. They are least-squares slopes over the lower half
of the way that log γ took: by then modes have been found, and the network follows γ. On noisy data γ comes to rest, and r̂
is the number of modes that were still refined shortly before.

Not promised: a curve in which γ falls faster than the network can follow shows too few. Descents of less than a decade give
no estimate.

Source: derived from Wang & Ziyin (2022), eqs. 11-13; Dai, Wenliang & Wipf (2021), section 2.3, for the slope of J.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from analysis.frames.types import Frame

Array = np.ndarray

DECADES, POINTS = 1.0, 4
"""The least fall of γ, as a power of 10, and the fewest points that a slope is taken over."""


class Descent(NamedTuple):
    """r̂ by the slope of K and by that of J, and how many decades γ fell over them; NaN where it fell too little."""

    by_rate: float
    by_objective: float
    decades: float


def descent(
    log_gamma: Float[Array, " n"], rate: Float[Array, " n"], objective: Float[Array, " n"], beta: float, d: int
) -> Descent:
    """The estimates along one training, from log γ, K and J in nats at its logged steps, in any order."""
    known = np.isfinite(log_gamma) & np.isfinite(rate) & np.isfinite(objective)
    if not known.any():
        return Descent(math.nan, math.nan, math.nan)
    log_gamma, rate, objective = log_gamma[known], rate[known], objective[known]
    lower = log_gamma <= (log_gamma.min() + log_gamma.max()) / 2
    decades = float(np.ptp(log_gamma[lower])) / math.log(10)
    if decades < DECADES or lower.sum() < POINTS:
        return Descent(math.nan, math.nan, decades)
    falls, rises = (np.polyfit(log_gamma[lower], values[lower], 1)[0] for values in (rate, objective))
    return Descent(-2 * float(falls), (d - 2 * float(rises)) / beta, decades)


def descents(trials: Frame, curves: Frame) -> Frame:
    """The finished trials among these that have learned γ, with the columns of `Descent`; `curves` are `analysis.curves`."""
    learned = trials[trials["status"].eq("finished") & trials["gamma_mode"].eq("learned")]
    rows = {str(trial): own for trial, own in curves.groupby("trial_id", observed=True)}
    found = [
        _of(rows[trial], float(beta), int(d)) if trial in rows else Descent(math.nan, math.nan, math.nan)
        for trial, beta, d in zip(learned["trial_id"], learned["beta"], learned["d"], strict=True)
    ]
    return learned.assign(**pd.DataFrame(found, columns=list(Descent._fields), index=learned.index))


def _of(curve: Frame, beta: float, d: int) -> Descent:
    columns = (curve[name].to_numpy(float, na_value=math.nan) for name in ("gamma_value", "rate", "objective"))
    gamma, rate, objective = columns
    with np.errstate(divide="ignore", invalid="ignore"):
        return descent(np.log(gamma), rate, objective, beta, d)
