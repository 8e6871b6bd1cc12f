"""How much each axis decides a measure: the share of its variance that lies between the axis's labels.

Of n trials in k groups, with the sums of squares S about the mean and W about the means of groups, the share is

    1 − (W / (n − k)) / (S / (n − 1)),

which is 0 on average for an axis that does nothing, and 1 for one that decides alone (Kelley's ε²). It is a main effect: what
two axes do only together belongs to neither. Numbers with many values count by their classes, and measures that are shown
by their logarithms count by these.
"""

import numpy as np
from jaxtyping import Float, Int

from analysis.explore.axes import Axis
from analysis.explore.measures import Measure
from analysis.frames.types import Frame

SEEDS, TOGETHER = "seeds", "axes together"


def share_between(values: Float[np.ndarray, " n"], groups: Int[np.ndarray, " n"]) -> float:
    """The share of the variance between groups, at least 0; NaN where values are all equal, or groups one or too many."""
    known = np.isfinite(values)
    values, (_, codes) = values[known], np.unique(groups[known], return_inverse=True)
    n, k = len(values), int(codes.max(initial=-1)) + 1
    if n <= k or k < 2:
        return float("nan")
    total = float(((values - values.mean()) ** 2).sum())
    if total <= 1e-24 * n * float((values**2).mean()):  # equal values leave rounding noise
        return float("nan")
    means = np.bincount(codes, values) / np.bincount(codes)
    within = float(((values - means[codes]) ** 2).sum())
    return max(0.0, 1 - (within / (n - k)) / (total / (n - 1)))


def importance(finished: Frame, axes: list[Axis], measure: Measure, cells: Int[np.ndarray, " n"]) -> dict[str, float]:
    """The share of every axis, by its name, and where trials repeat `cells`, those of seeds and of axes together."""
    values = measure.scale.position(finished[measure.column].to_numpy(float))
    shares = {axis.name: share_between(values, axis.codes(finished[axis.name])) for axis in axes}
    whole = share_between(values, cells)
    if np.isnan(whole):
        return shares
    main = sum(share for share in shares.values() if not np.isnan(share))
    return shares | {TOGETHER: max(0.0, whole - main), SEEDS: 1 - whole}
