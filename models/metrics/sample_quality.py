"""All metrics of generated rows, each beside its null: what real examples score in their place.

A data set's training examples are cut in two: the bins, the kernel's width and the scale of features are made of the one
part, and rows of the other, which nothing was fitted to, stand in for samples in the null. Samples and their stand-ins are
compared with the test set. A null's metric ends in `_null`. Pictures have a second null, which ends in `_downsampled`: the
same stand-ins, shrunk to half their size and enlarged again.

Names, units and meanings are those of the suite `mmd_x` in `models.specs.metrics`. `fid` and `kid` are measured where the
user has the weights. A metric that the sample sizes cannot bear is left out: bins that expect fewer than five rows, and
Fréchet distances of more features than rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from pydantic import TypeAdapter
from torch import Tensor

from models.data.disk_rows import DiskRows
from models.data.load import load
from models.metrics.downsample import downsampled
from models.metrics.features import ConvFeatures, standardised
from models.metrics.frechet import frechet
from models.metrics.inception import InceptionFeatures, standard_network, weights
from models.metrics.kid import kernel_distance
from models.metrics.measurement import Measurement
from models.metrics.mmd import data_variance, means_to_the_others, mmd, rbf
from models.metrics.ndb import Bins, Counts, different_bins, fit_bins, jensen_shannon
from models.specs.data import Data
from models.specs.metrics import BINS

FITTED, HELD_OUT = 20_000, 10_000
"""Training examples that bins are fitted to, and that are held out for the null, at most; of the test set as many."""
MMD_POINTS = 2000

_MOST_NUMBERS = 400_000_000
"""Numbers of each of these sets that are kept in memory: fewer examples than that of pictures beyond 100×100."""
_PER_BIN = 5
_MEDIAN_POINTS = 2000
_SCALED_BY = 5000
_MOST_DIMS = 256
_LARGEST = 1e15

Rows = Float[np.ndarray, "_ d"]
Row = dict[str, float | int | str]
Network = Callable[[Rows], Float[Tensor, "_ features"]]


class Space(NamedTuple):
    """Where samples and data are compared: the names of the distances there, the network, its features of the test set."""

    frechet: str
    kernel: str | None
    network: Network
    of_test: Float[Tensor, "_ features"]


class Reference:
    """What the samples of one data set are compared with; made once, and cheap to ask again."""

    def __init__(
        self,
        train: Rows,
        test: Rows,
        image: tuple[int, ...] | None,
        mean: Float[np.ndarray, " d"] | float = 0.0,
    ) -> None:
        """From rows that `mean` was taken off; `image` is their (height, width) or (height, width, 3), if any."""
        rng = np.random.default_rng(0)
        most = max(MMD_POINTS, _MOST_NUMBERS // train.shape[1])
        order, held = rng.permutation(len(train)), min(len(train) // 2, HELD_OUT, most)
        self.held_out = train[order[:held]]
        self.fitted = train[np.sort(order[held : held + min(FITTED, most)])]
        self.test = test[rng.permutation(len(test))[: min(HELD_OUT, most)]]  # own data may lie in an order
        self.image, self.mean = image, np.broadcast_to(mean, test.shape[1:])
        self._nulls: dict[tuple[int, int, bool], list[Measurement]] = {}

    def measured(self, samples: Rows, seed: int) -> list[Measurement]:
        """Every metric of the samples, then every null; NaN where a sample is no number that can be measured."""
        null = self._null(len(samples), seed, is_downsampled=False)
        if np.abs(samples).max() < _LARGEST:  # false for NaN, which a diverged network gives
            values = list(self._compare(samples, seed))
        else:
            values = [replace(each, value=np.nan, standard_error=np.nan, sample_size=len(samples)) for each in null]
        return [*values, *(each.named(f"{each.metric}_null") for each in null)]

    def downsampled(self, n: int, seed: int) -> list[Measurement]:
        """Every metric of the null's pictures, shrunk to half their size and enlarged again; none for other data."""
        if self.image is None:
            return []
        return [each.named(f"{each.metric}_downsampled") for each in self._null(n, seed, is_downsampled=True)]

    def _null(self, n: int, seed: int, is_downsampled: bool) -> list[Measurement]:
        """The same of as many real examples, or of as many as are held out; kept for the next samples of this seed."""
        key = (n, seed, is_downsampled)
        if key not in self._nulls:
            chosen = np.random.default_rng(seed).permutation(len(self.held_out))[:n]
            rows = self.held_out[chosen]
            if is_downsampled and self.image:
                rows = (downsampled(rows + self.mean, self.image) - self.mean).astype(rows.dtype)
            self._nulls[key] = list(self._compare(rows, seed))
        return self._nulls[key]

    def _compare(self, samples: Rows, seed: int) -> Iterator[Measurement]:
        n = min(len(samples), len(self.test))
        made = partial(Measurement, sample_size=n, seed=seed)
        for k, (bins, counts) in self._bins.items():
            if n >= _PER_BIN * k:
                of_bins = partial(Measurement, sample_size=len(samples), seed=seed)
                found = bins.counts(samples)
                yield of_bins(f"ndb_{k}", *different_bins(counts, found))
                yield of_bins(f"js_{k}", *jensen_shannon(counts, found))
        points = min(n, MMD_POINTS)
        ours, real = (_tensor(rows[:points]) for rows in (samples, self.test))
        within = self._within_test if len(self._within_test) == points else None
        value = mmd(ours, real, rbf(self._variance), within)
        yield made("mmd_x", *value, sample_size=points)
        for space in self._spaces:
            ours, real = space.network(samples[:n]), space.of_test[:n]
            if n > ours.shape[1]:
                yield made(space.frechet, *frechet(ours.numpy(), real.numpy()))
            if space.kernel:
                yield made(space.kernel, *kernel_distance(ours, real))

    @cached_property
    def _bins(self) -> dict[int, tuple[Bins, Counts]]:
        """Bins of every K that the training and the test set can fill, and how the test set fills them."""
        largest = min(len(self.fitted), len(self.test)) // _PER_BIN
        fits = {k: fit_bins(self.fitted, k) for k in BINS if k <= largest}
        return {k: (bins, bins.counts(self.test)) for k, bins in fits.items()}

    @cached_property
    def _variance(self) -> float:
        """σ² of the kernel in data space: of the training data, so that all models are measured by one kernel."""
        return data_variance(_tensor(self.fitted[:: max(1, len(self.fitted) // _MEDIAN_POINTS)]))

    @cached_property
    def _within_test(self) -> Float[Tensor, " n"]:
        return means_to_the_others(_tensor(self.test[:MMD_POINTS]), rbf(self._variance))

    @cached_property
    def _spaces(self) -> list[Space]:
        if self.image is None:
            few = self.test.shape[1] <= _MOST_DIMS
            return [Space("fd_x", None, _tensor, _tensor(self.test))] if few else []
        conv = ConvFeatures(self.image)
        like = conv(self.fitted[:_SCALED_BY])

        def scaled(rows: Rows) -> Float[Tensor, "_ features"]:
            return standardised(conv(rows), like)

        spaces = [Space("fd_conv", "kd_conv", scaled, scaled(self.test))]
        if path := weights():
            inception = InceptionFeatures(standard_network(path), self.image, self.mean)
            spaces.append(Space("fid", "kid", inception, inception(self.test)))
        return spaces


def sample_metrics(
    train: Rows,
    test: Rows,
    samples: Rows,
    image: tuple[int, ...] | None,
    seed: int,
    mean: Float[np.ndarray, " d"] | float = 0.0,
) -> list[Row]:
    """The rows of the evaluations table for one set of samples; `Reference` is cheaper for several.

    Raises: models.data_folders.DataError where an Inception network is asked for and cannot be loaded.
    """
    return [each.row for each in Reference(train, test, image, mean).measured(samples, seed)]


def reference(spec: Data) -> Reference:
    """What the samples of a declared data set are compared with, kept for the next call. Raises: DataError."""
    return _reference(spec.model_dump_json())


@lru_cache(maxsize=2)
def _reference(declaration: str) -> Reference:
    spec: Data = TypeAdapter(Data).validate_json(declaration)
    data = load(spec)
    train, test = _in_memory(data.train_y, FITTED + HELD_OUT), _in_memory(data.test_y, HELD_OUT)
    return Reference(train, test, spec.image, 0.0 if data.targets else data.mean)


def _in_memory(rows: Rows | DiskRows, most: int) -> Rows:
    """The rows as an array: of those that stay on the disk `most` at most, in the order in which they lie there."""
    if not isinstance(rows, DiskRows):
        return rows
    chosen = np.random.default_rng(0).choice(len(rows), min(most, len(rows)), replace=False)
    return rows[np.sort(chosen)]


def _tensor(rows: Rows) -> Float[Tensor, "_ d"]:
    return torch.from_numpy(rows).double()
