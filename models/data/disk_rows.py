"""Rows of pictures that stay on the disk as bytes: v·(1/255) − mean, in float32, when they are asked for.

162,770 pictures of 64×64 pixels in colour are 2 GB of bytes, and 8 GB of float32.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float, Num, UInt8

LEVEL = np.float32(1 / 255)
"""One of 255 steps from black to white."""

_CHUNK_NUMBERS = 2**22


class DiskRows:
    """Examples (n, d) in a file of bytes, indexed like an array's rows: by a slice, or by indices of any shape.

    `self[i]` is `stored[i] · LEVEL − centre`, a product and then a difference in float32: whoever keeps the bytes on a
    device gets the same bits there. (Not so by a quotient: on CUDA torch multiplies by the reciprocal.)
    """

    def __init__(self, stored: UInt8[np.ndarray, "n d"], mean: Float[np.ndarray, " d"], mean_square: float) -> None:
        self.stored = stored
        self.centre = mean.astype(np.float32)
        self.mean_square = mean_square

    def __len__(self) -> int:
        return len(self.stored)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d), as an array has it."""
        return (self.stored.shape[0], self.stored.shape[1])

    def __getitem__(self, rows: Any) -> Float[np.ndarray, "*rows d"]:
        examples = self.stored[rows].astype(np.float32)
        examples *= LEVEL
        examples -= self.centre
        return examples

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Num[np.ndarray, "n d"]:
        """All rows at once, where there is memory for them."""
        if copy is False:
            raise ValueError("rows on the disk are no array: leave copy=False out")
        return self[:].astype(dtype or np.float32, copy=False)


Rows = Float[np.ndarray, "_ d"] | DiskRows
"""Examples, in memory or on the disk: both have `len` and `shape`, and give float32 rows by a slice or by indices."""


def chunks(rows: Rows) -> Iterator[Float[np.ndarray, "_ d"]]:
    """The rows in order, a few at a time where they lie on the disk."""
    if isinstance(rows, np.ndarray):
        yield rows
        return
    size = max(1, _CHUNK_NUMBERS // rows.shape[1])
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def mean_square(rows: Rows, about: float = 0.0) -> float:
    """E‖x − about‖², in squared data units; rows on the disk are centred, and theirs is about their mean."""
    if isinstance(rows, DiskRows):
        return rows.mean_square
    away = rows - np.float32(about) if about else rows
    return float(np.square(away, dtype=np.float64).sum(axis=1).mean())
