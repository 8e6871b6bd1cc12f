"""A data set: centred examples, and what theory needs to know about them. NumPy alone."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from models.data.disk_rows import DiskRows, Rows, chunks, mean_square
from models.specs.data import (
    Data,
)

SPECTRUM_UP_TO = 4096
"""Dimensions of which the eigenvalues are worked out: pictures of 64×64 pixels in grey. They take d³ operations, and more."""


@dataclass(frozen=True)
class DataSet:
    """Training and test examples (float32, the training mean is `offset` in every coordinate) and what was taken off.

    A VAE decodes to the examples themselves; other `targets`, of the training and the test set, are centred alike.
    Pictures may lie on the disk instead of in memory, both sets then: their rows come by the same slices and indices, and
    `bytes_digest` is the SHA-256 of their bytes, wherever they lie. `clean` is what the targets of the test set are without
    the noise that was planted in them, about the same mean.
    """

    spec: Data
    train: Float[np.ndarray, "n d_in"] | DiskRows
    test: Float[np.ndarray, "m d_in"] | DiskRows
    mean: Float[np.ndarray, " d_in"]
    targets: tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "m d"]] | None = None
    bytes_digest: str | None = None
    offset: float = 0.0
    clean: Float[np.ndarray, "m d"] | None = None

    @property
    def d_in(self) -> int:
        """Dimensions of what is encoded."""
        return self.train.shape[1]

    @property
    def d(self) -> int:
        """Dimensions of what is decoded."""
        return self.train_y.shape[1]

    @property
    def train_y(self) -> Rows:
        """What a network decodes to, training set."""
        return self.targets[0] if self.targets else self.train

    @property
    def test_y(self) -> Rows:
        """What a network decodes to, test set."""
        return self.targets[1] if self.targets else self.test

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the arrays, rounded to six decimals so that the last bits of a platform's arithmetic don't count.

        Data whose root mean square lies outside [0.01, 100] are first divided by it, in two significant digits: else
        small data would all be rounded to zero, and large ones not at all. Of decoded pictures, that of their bytes.
        """
        if self.bytes_digest:
            return self.bytes_digest
        scale = float(f"{(self.total_variance / self.d) ** 0.5:.1e}")
        unit = 1 if 0.01 <= scale <= 100 else scale
        hasher = hashlib.sha256()
        for array in map(np.asarray, (self.train, self.test, *(self.targets or ()))):
            hasher.update(str(array.shape).encode())
            hasher.update((np.round(array / unit, 6) + 0.0).astype("<f4").tobytes())
        return hasher.hexdigest()

    @cached_property
    def spectrum(self) -> Float[np.ndarray, " d"]:
        """Eigenvalues of the covariance of what is linear in x of the training targets, descending, in data².

        That is ζ², the squared singular values of E[y x̃ᵀ] for whitened inputs x̃; for y = x the eigenvalues of the
        training covariance (population, centred). Where `has_spectrum`.
        """
        parts = (part.astype(np.float64) - self.offset for part in chunks(self.train_y))
        if self.targets:
            x, (y,) = np.asarray(self.train, np.float64), parts
            parts = iter([x @ np.linalg.lstsq(x, y, rcond=None)[0]])
        moment = sum(y.T @ y for y in parts)
        values = np.linalg.eigvalsh(moment / len(self.train))[::-1]
        return np.clip(values, 0.0, None)

    @property
    def has_spectrum(self) -> bool:
        """Whether the eigenvalues can be worked out in reasonable time."""
        return self.d <= SPECTRUM_UP_TO

    @cached_property
    def total_variance(self) -> float:
        """T = E‖y − E y‖² over the training set, in squared data units."""
        return mean_square(self.train_y, self.offset)

    @cached_property
    def total_variance_test(self) -> float:
        """E‖y − m‖² over the test set, m the mean of the training set."""
        return mean_square(self.test_y, self.offset)
