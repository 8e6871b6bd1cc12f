"""Scores of outliers: how far an example lies from its reconstruction. NumPy, float64.

An autoencoder that has learned the inliers' manifold reconstructs what lies on it, and nothing else. Principal components
are the same idea for linear manifolds.

Source: Dai, Wenliang & Wipf (2021), section 1 and supplement.
"""

import numpy as np
from jaxtyping import Float

Rows = Float[np.ndarray, "n d"]


def reconstruction_errors(rows: Rows, reconstructions: Rows) -> Float[np.ndarray, " n"]:
    """‖x − x̂‖² of each row, summed over dimensions, in data²; 0 where it is no more than float32 rounds off of x.

    Without that, rows that are reconstructed completely would be scored by their size: larger ones are rounded by more.
    """
    errors = np.square(rows.astype(np.float64) - reconstructions).sum(axis=1)
    rounded_off = np.finfo(np.float32).eps ** 2 * np.square(rows, dtype=np.float64).sum(axis=1)
    return np.where(errors <= rounded_off, 0.0, errors)


def principal_reconstructions(train: Float[np.ndarray, "m d"], rows: Rows, k: int) -> Rows:
    """Rows projected onto the mean and the first k principal components of the training set.

    Raises: ValueError for more components than dimensions.
    """
    d = train.shape[1]
    if not 0 <= k <= d:
        raise ValueError(f"{d} dimensions have no {k} principal components: choose k in 0 to {d}")
    mean = train.mean(axis=0, dtype=np.float64)
    centred = train - mean
    axes = np.linalg.eigh(centred.T @ centred)[1][:, d - k :]
    return (rows - mean) @ axes @ axes.T + mean
