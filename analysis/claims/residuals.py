"""How far measurements lie from their expected values."""

import math
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float


def worst(errors: Iterable[float]) -> float:
    """The largest error; NaN where one is, or none are."""
    sizes = np.abs(np.array([*errors], float))
    return float(sizes.max()) if len(sizes) else math.nan


def rms_by_seed(differences: Float[np.ndarray, "*parts seeds"]) -> Float[np.ndarray, " seeds"]:
    """Root mean square over all axes but the last, where the seeds are; NaNs are left out, a seed of NaNs is one."""
    squares = np.ma.masked_invalid(np.square(differences))
    return np.sqrt(squares.mean(axis=tuple(range(differences.ndim - 1))).filled(np.nan))


def largest_by_seed(differences: Float[np.ndarray, "*parts seeds"]) -> Float[np.ndarray, " seeds"]:
    """The largest size over all axes but the last, likewise."""
    sizes = np.ma.masked_invalid(np.abs(differences))
    return sizes.max(axis=tuple(range(differences.ndim - 1))).filled(np.nan)
