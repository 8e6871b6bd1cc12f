"""What a search has found: the best so far, and the front of what nothing betters in every respect."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int


def best_so_far(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The least of the values up to each; NaN until the first number."""
    return np.fmin.accumulate(values)


def on_front(values: Float[np.ndarray, "n measures"]) -> Bool[np.ndarray, " n"]:
    """Which rows no other row betters: none is at most as large in all measures and smaller in one. NaN is never on it."""
    known: Any = np.isfinite(values).all(1)
    order = np.lexsort(values.T[::-1])  # a row can only be bettered by rows before it
    order = order[known[order]]
    front = np.zeros(len(values), bool)
    if values.shape[1] == 2 and len(order):
        return _on_front_of_two(values, order)
    kept = np.empty((0, values.shape[1]))
    for index in order:
        row = values[index]
        if not ((kept <= row).all(1) & (kept < row).any(1)).any():
            front[index] = True
            kept = np.vstack([kept, row])
    return front


def _on_front_of_two(values: Float[np.ndarray, "n 2"], order: Int[np.ndarray, " known"]) -> Bool[np.ndarray, " n"]:
    """Of two measures, whose rows come in `order`: each that betters the second of all before it, and its equals."""
    second = values[order, 1]
    least = np.minimum.accumulate(second)
    betters = np.append(True, second[1:] < least[:-1])
    marks = np.zeros(len(values), bool)
    for place in np.flatnonzero(betters):
        marks[order[place]] = True
        twin = place + 1
        while twin < len(order) and (values[order[twin]] == values[order[place]]).all():
            marks[order[twin]] = True
            twin += 1
    return marks
