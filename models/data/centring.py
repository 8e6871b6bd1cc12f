"""Arrays and pictures as data sets: centred by the mean of the training examples, and checked.

Nothing else is done to them unless the declaration says so; variances are about the mean in any case. Pictures that take
more than `IN_MEMORY` bytes as float32 stay on the disk, and are centred when they are read (`models.data.disk_rows`).
"""

import hashlib

import numpy as np
from jaxtyping import Float

from models.data.dataset import DataSet
from models.data.picture_cache import PictureBytes
from models.data_folders import DataError
from models.specs.data import Data

Array = Float[np.ndarray, "_ d"]

IN_MEMORY = 2**29
"""Bytes that the pictures of a data set may take as float32, in every process that trains on them."""


def from_arrays(
    spec: Data,
    train: Array,
    test: Array,
    *targets: Float[np.ndarray, "_ d_y"],
    offset: float = 0.0,
    clean: Float[np.ndarray, "_ d_y"] | None = None,
) -> DataSet:
    """Training and test examples, then their targets where these are other than the examples. Raises: DataError.

    `clean` is what is decoded of the test set, without its noise.
    """
    mean = train.mean(axis=0, dtype=np.float64) - offset
    with np.errstate(over="ignore"):  # `_sound` names the set that overflows
        x, x_test = ((part - mean).astype(np.float32) for part in (train, test))
        y = [(part - targets[0].mean(axis=0)).astype(np.float32) for part in targets]
    if clean is not None:
        clean = (clean - (targets[0].mean(axis=0) if targets else mean)).astype(np.float32)
    return _sound(DataSet(spec, x, x_test, mean, (y[0], y[1]) if y else None, offset=offset, clean=clean))


def from_grey(spec: Data, train: Array, test: Array) -> DataSet:
    """Grey values in [0, 1], or black and white where two levels are declared. Raises: DataError."""
    if spec.levels == 2:
        train, test = ((part >= 0.5).astype(np.float32) for part in (train, test))
    return from_arrays(spec, train, test)


def from_pictures(spec: Data, train: PictureBytes, test: PictureBytes) -> DataSet:
    """Bytes on the disk as a data set, in memory where there is room. Raises: DataError for pictures that are all alike."""
    if train.is_constant:
        raise DataError(f"{spec.label}'s training pictures are all the same: give it pictures that differ")
    mean = train.mean
    x, x_test = train.rows(mean), test.rows(mean)
    digest = hashlib.sha256(f"{x.shape}{train.sha256}{x_test.shape}{test.sha256}".encode()).hexdigest()
    if 4 * (len(x) + len(x_test)) * spec.d > IN_MEMORY:
        return _sound(DataSet(spec, x, x_test, mean, bytes_digest=digest))
    return _sound(DataSet(spec, x[:], x_test[:], mean, bytes_digest=digest))


def _sound(data: DataSet) -> DataSet:
    """Raises: DataError for data of which nothing can be measured."""
    spec = data.spec
    for part, size in (("training", data.total_variance), ("test", data.total_variance_test)):
        if not np.isfinite(np.float32(size)):
            raise DataError(f"{spec.label}'s {part} set holds numbers too large for float32: scale the data down")
        if np.float32(size) == 0:
            raise DataError(f"{spec.label}'s {part} set does not vary: give it examples that differ, on a larger scale")
    return data
