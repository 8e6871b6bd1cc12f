"""How far measurements lie from their expected values."""

import math
from collections.abc import Iterable

import numpy as np


def worst(errors: Iterable[float]) -> float:
    """The largest error; NaN where one is, or none are."""
    sizes = np.abs(np.array([*errors], float))
    return float(sizes.max()) if len(sizes) else math.nan
