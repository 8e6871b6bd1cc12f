"""Random streams of a trial: one generator for each purpose, all from the trial's seed.

Trials that share a seed share initial weights, minibatch order and noise (common random numbers), whatever company they
train in. A stream is a CPU generator, so that the numbers don't depend on the device either.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from jaxtyping import Float, Int64, Integer, UInt8
from torch import Tensor

from models.seeds import stream_seed

BLOCK = 128
"""Noise for a whole data set is drawn in blocks of so many rows, so that it doesn't depend on how the data are cut up."""

_AHEAD, _NUMBERS_AHEAD = 64, 2**21
"""Steps whose draws `Batches` makes at once, and how many numbers they may be."""


States = UInt8[Tensor, "generators bytes"]
"""Where generators stand, as torch writes it down."""

Batch = tuple[Int64[Tensor, "seeds batch"], Float[Tensor, "seeds batch kappa"]]


def stream(seed: int, purpose: str) -> torch.Generator:
    """The generator of one purpose."""
    return torch.Generator().manual_seed(stream_seed(seed, purpose))


def places(generators: Sequence[torch.Generator]) -> States:
    """Where generators stand; `move` takes others there."""
    return torch.stack([generator.get_state() for generator in generators])


def move(generators: Sequence[torch.Generator], to: States) -> None:
    """Take generators to where others stood."""
    for generator, place in zip(generators, to, strict=True):
        generator.set_state(place.clone())  # of a view that does not begin its storage, torch crashes


def minibatches(seed: int, n: int, batch: int) -> Iterator[Int64[Tensor, " batch"]]:
    """Endless index vectors of min(batch, n) examples: each epoch a new order, its incomplete last batch dropped."""
    generator = stream(seed, "minibatches")
    while True:
        yield from _epoch(generator, n, batch)


def noise(seed: int, batch: int, kappa: int, dtype: torch.dtype) -> Iterator[Float[Tensor, "batch kappa"]]:
    """Endless standard normal draws of shape (batch, kappa)."""
    generator = stream(seed, "noise")
    while True:
        yield torch.randn(batch, kappa, generator=generator, dtype=dtype)


class Batches:
    """The `minibatches` (seeds, batch) and `noise` (seeds, batch, kappa) of several seeds, drawn many steps ahead."""

    def __init__(
        self, seeds: Sequence[int], n: int, batch: int, kappa: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        self._n, self._batch, self._kappa, self._dtype, self._device = n, min(batch, n), kappa, dtype, device
        self._orders = [stream(seed, "minibatches") for seed in seeds]
        self._noises = [stream(seed, "noise") for seed in seeds]
        self._ahead = max(1, min(_AHEAD, _NUMBERS_AHEAD // (len(seeds) * self._batch * kappa)))
        self._begin(places(self._orders), places(self._noises), taken=0)

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        return next(self._pairs)

    def state(self) -> dict[str, Integer[Tensor, "..."]]:
        """Where the streams stand: what was drawn ahead is drawn again, so the generators' own states and a number do."""
        return {"orders": self._epoch_at, "noises": self._block_at, "taken": torch.tensor(self._taken)}

    def go_to(self, state: Mapping[str, Integer[Tensor, "..."]]) -> None:
        """Take streams of the same seeds and sizes to where a `state` was."""
        move(self._orders, state["orders"])
        move(self._noises, state["noises"])
        self._begin(state["orders"], state["noises"], int(state["taken"]))

    def _begin(self, epoch_at: States, block_at: States, taken: int) -> None:
        self._epoch_at, self._block_at, self._taken = epoch_at, block_at, taken
        self._pairs = self._drawn()

    def _drawn(self) -> Iterator[Batch]:
        """Endless batches. The orders stand before an epoch, the noises before the block of the last one that was taken."""
        while True:
            self._epoch_at = places(self._orders)
            epoch = torch.stack([_epoch(generator, self._n, self._batch) for generator in self._orders], dim=1)
            for start in range(max(0, self._taken - 1) // self._ahead * self._ahead, len(epoch), self._ahead):
                self._block_at = places(self._noises)
                rows = epoch[start : start + self._ahead]
                eps = torch.stack([self._block(generator, len(rows)) for generator in self._noises], dim=1)
                block = list(zip(rows.to(self._device), eps.to(self._device), strict=True))
                for pair in block[max(0, self._taken - start) :]:
                    self._taken += 1
                    yield pair
            self._taken = 0

    def _block(self, generator: torch.Generator, steps: int) -> Float[Tensor, "steps batch kappa"]:
        return normal(generator, steps, (self._batch, self._kappa), self._dtype)


def normal(
    generator: torch.Generator, times: int, shape: tuple[int, ...], dtype: torch.dtype
) -> Float[Tensor, "times ..."]:
    """What `times` calls of `torch.randn(*shape)` return, in one tensor (times, *shape).

    torch draws normal numbers in groups of 16, so where groups and calls end together one call serves for all.
    """
    if torch.Size(shape).numel() % 16 == 0:
        return torch.randn(times, *shape, generator=generator, dtype=dtype)
    return torch.stack([torch.randn(*shape, generator=generator, dtype=dtype) for _ in range(times)])


def draws(
    generators: Sequence[torch.Generator], n: int, width: int, dtype: torch.dtype
) -> Float[Tensor, "generators n width"]:
    """Standard normal draws (generators, n, width), in whole blocks: cut at multiples of `BLOCK`, they are the same."""
    drawn = [normal(generator, -(-n // BLOCK), (BLOCK, width), dtype) for generator in generators]
    return torch.stack(drawn).flatten(1, 2)[:, :n]


def _epoch(generator: torch.Generator, n: int, batch: int) -> Int64[Tensor, "steps batch"]:
    """The n // batch minibatches of one epoch."""
    size = min(batch, n)
    return torch.randperm(n, generator=generator)[: n // size * size].view(-1, size)
