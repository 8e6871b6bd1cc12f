"""The dimension r of data, from what a training with a learned γ paid for it: an estimate that needs to know nothing of r.

While γ falls, and k modes lie above the level βγ, the optimum has

    K = const − (k/2) log γ,        J = const + ½(d − βk) log γ

exactly in a linear network, and with k = r in the limit γ → 0 on any data without noise. So the slope of K along a training's
recorded curve gives r̂ = −2 dK/d log γ, and that of J can be held against ½(d − βr). They are least-squares slopes over the
lower half of the way that log γ took: by then modes have been found, and the network follows γ. On noisy data γ comes to
rest, and r̂ is the number of modes that were still refined shortly before.

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
    """r̂ by the slope of K, the slope dJ/d log γ, and how many decades γ fell over them; NaN where it fell too little."""

    dimension: float
    objective_slope: float
    decades: float


NOTHING = Descent(math.nan, math.nan, math.nan)


def descent(log_gamma: Float[Array, " n"], rate: Float[Array, " n"], objective: Float[Array, " n"]) -> Descent:
    """The slopes along one training, from log γ, K and J in nats at its logged steps, in any order."""
    known = np.isfinite(log_gamma) & np.isfinite(rate) & np.isfinite(objective)
    if not known.any():
        return NOTHING
    log_gamma, rate, objective = log_gamma[known], rate[known], objective[known]
    lower = log_gamma <= (log_gamma.min() + log_gamma.max()) / 2
    decades = float(np.ptp(log_gamma[lower])) / math.log(10)
    if decades < DECADES or lower.sum() < POINTS:
        return NOTHING._replace(decades=decades)
    of_rate, of_objective = (float(np.polyfit(log_gamma[lower], part[lower], 1)[0]) for part in (rate, objective))
    return Descent(-2 * of_rate, of_objective, decades)


def descents(trials: Frame, curves: Frame) -> Frame:
    """The finished trials among these that have learned γ, with the columns of `Descent`; `curves` are `analysis.curves`."""
    learned = trials[trials["status"].eq("finished") & trials["gamma_mode"].eq("learned")]
    rows = {str(trial): own for trial, own in curves.groupby("trial_id", observed=True)}
    found = [_of(rows[trial]) if trial in rows else NOTHING for trial in learned["trial_id"]]
    return learned.assign(**pd.DataFrame(found, columns=list(Descent._fields), index=learned.index))


def _of(curve: Frame) -> Descent:
    gamma, rate, objective = (
        curve[name].to_numpy(float, na_value=math.nan) for name in ("gamma_value", "rate", "objective")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return descent(np.log(gamma), rate, objective)
