"""Random streams of a trial: one generator for each purpose, all from the trial's seed.

Trials that share a seed share initial weights, minibatch order and noise (common random numbers), whatever company they
train in. A stream is a CPU generator, so that the numbers don't depend on the device either.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from models.seeds import stream_seed

BLOCK = 128
"""Noise for a whole data set is drawn in blocks of so many rows, so that it doesn't depend on how the data are cut up."""

_AHEAD, _NUMBERS_AHEAD = 64, 2**21
"""Steps whose draws `batches` makes at once, and how many numbers they may be."""


def stream(seed: int, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(stream_seed(seed, purpose))


def minibatches(seed: int, n: int, batch: int) -> Iterator[Tensor]:
    """Endless index vectors of min(batch, n) examples: each epoch a new order, its incomplete last batch dropped."""
    generator = stream(seed, "minibatches")
    while True:
        yield from _epoch(generator, n, batch)


def noise(seed: int, batch: int, kappa: int, dtype: torch.dtype) -> Iterator[Tensor]:
    """Endless standard normal draws of shape (batch, kappa)."""
    generator = stream(seed, "noise")
    while True:
        yield torch.randn(batch, kappa, generator=generator, dtype=dtype)


def batches(
    seeds: Sequence[int], n: int, batch: int, kappa: int, dtype: torch.dtype, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """The `minibatches` (seeds, batch) and `noise` (seeds, batch, kappa) of several seeds, drawn many steps ahead."""
    batch = min(batch, n)
    orders = [stream(seed, "minibatches") for seed in seeds]
    noises = [stream(seed, "noise") for seed in seeds]
    ahead = max(1, min(_AHEAD, _NUMBERS_AHEAD // (len(seeds) * batch * kappa)))
    while True:
        epoch = torch.stack([_epoch(generator, n, batch) for generator in orders], dim=1)
        for rows in epoch.split(ahead):
            eps = torch.stack([normal(generator, len(rows), (batch, kappa), dtype) for generator in noises], dim=1)
            yield from zip(rows.to(device), eps.to(device), strict=True)


def normal(generator: torch.Generator, times: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """What `times` calls of `torch.randn(*shape)` return, in one tensor (times, *shape).

    torch draws normal numbers in groups of 16, so where groups and calls end together one call serves for all.
    """
    if torch.Size(shape).numel() % 16 == 0:
        return torch.randn(times, *shape, generator=generator, dtype=dtype)
    return torch.stack([torch.randn(*shape, generator=generator, dtype=dtype) for _ in range(times)])


def draws(generators: Sequence[torch.Generator], n: int, width: int, dtype: torch.dtype) -> Tensor:
    """Standard normal draws (generators, n, width), in whole blocks: cut at multiples of `BLOCK`, they are the same."""
    drawn = [normal(generator, -(-n // BLOCK), (BLOCK, width), dtype) for generator in generators]
    return torch.stack(drawn).flatten(1, 2)[:, :n]


def _epoch(generator: torch.Generator, n: int, batch: int) -> Tensor:
    """The minibatches of one epoch, (n // batch, batch)."""
    size = min(batch, n)
    return torch.randperm(n, generator=generator)[: n // size * size].view(-1, size)
