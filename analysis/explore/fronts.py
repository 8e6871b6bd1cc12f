"""What a search has found: the best so far, and the front of what nothing betters in every respect."""

import numpy as np
from jaxtyping import Bool, Float


def best_so_far(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The least of the values up to each; NaN until the first number."""
    return np.fmin.accumulate(values)


def on_front(values: Float[np.ndarray, "n measures"]) -> Bool[np.ndarray, " n"]:
    """Which rows no other row betters: none is at most as large in all measures and smaller in one. NaN is never on it."""
    known = np.isfinite(values).all(1)
    order = np.lexsort(values.T[::-1])  # a row can only be bettered by rows before it
    front = np.zeros(len(values), bool)
    kept = np.empty((0, values.shape[1]))
    for index in order[known[order]]:
        row = values[index]
        if not ((kept <= row).all(1) & (kept < row).any(1)).any():
            front[index] = True
            kept = np.vstack([kept, row])
    return front
