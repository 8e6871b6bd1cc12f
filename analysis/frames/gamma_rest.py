"""Whether a trained γ is at rest at the end of training, and where theory says that it never will be.

`scale_residual` says that the latents are at rest, and nothing of γ. J is least in a learned γ at R/d, whatever β is; so γ is
at rest where it hardly moved in the last fifth of training, and ends at R/d or below. The second is asked because a falling
learning rate holds any γ still.

On data of r dimensions without noise, κ ≥ r latents leave no distortion, and γ falls towards 0 for ever wherever β < d/r: a
falling γ is then the result, and no lack of training. Source: Wang & Ziyin (2022), appendix D, with C₀ = 0.
"""

import math

import pandas as pd

from analysis.frames.standards import SECOND, standards
from analysis.frames.types import Column, Frame

AT_REST = 1.1
"""The ratio up to which two γ count as equal: the final one and that before it, the final one and R/d."""

SETTLES_AT_DISTORTION = ("learned", "perpixel")
"""Modes whose γ is trained step by step, and is at rest at R/d alone, on average over pixels."""

UNMOVED = 1e-6
"""The drift of a γ that was held at its declared floor or ceiling: rounding alone."""


def gamma_at_rest(frame: Frame) -> Column:
    """Of each trial that trained its γ, whether that was at rest; NA for others, and for records of earlier versions."""
    if "gamma_drift" not in frame:
        return pd.Series(pd.NA, frame.index, dtype="boolean")
    drift = frame["gamma_drift"].astype(float).abs()
    at_rest = drift.le(math.log(AT_REST)) & ~(excess(frame).gt(AT_REST) & drift.gt(UNMOVED))
    return at_rest.astype("boolean").where(drift.notna(), pd.NA)


def excess(frame: Frame) -> Column:
    """The final γ over R/d, R the distortion on the training set; NaN where γ need not end there."""
    normal = frame["likelihood"].isna() | frame["likelihood"].eq("normal") if "likelihood" in frame else True
    asked = frame["gamma_mode"].isin(SETTLES_AT_DISTORTION) & normal
    return (frame["gamma_value"] * frame["d"] / frame["distortion_train"]).where(asked)


def falls_for_ever(frame: Frame) -> Column:
    """Whether theory says that a trial's γ falls towards 0 as long as it is trained."""
    noise_free = [data for data, one in standards(frame).items() if one.is_noise_free]
    kappa: Column = pd.to_numeric(frame["kappa"], errors="coerce")
    beta: Column = pd.to_numeric(frame["beta"], errors="coerce")
    r = frame["intrinsic_dim"].where(frame["data_id"].isin(noise_free) & frame["stage"].ne(SECOND))
    return kappa.ge(r) & (beta * r).lt(frame["d"])
