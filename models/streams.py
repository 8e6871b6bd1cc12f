"""Random streams of a trial: one generator for each purpose, all from the trial's seed.

Trials that share a seed share initial weights, minibatch order and noise (common random numbers), whatever company they
train in. A stream is a CPU generator, so that the numbers don't depend on the device either.
"""

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor


def stream_seed(seed: int, purpose: str) -> int:
    """The 32-bit seed of one stream: as many bits as torch's CPU generator uses."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:4], "big")


def stream(seed: int, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(stream_seed(seed, purpose))


def minibatches(seed: int, n: int, batch: int) -> Iterator[Tensor]:
    """Endless index vectors of min(batch, n) examples: each epoch a new order, its incomplete last batch dropped."""
    generator, size = stream(seed, "minibatches"), min(batch, n)
    while True:
        yield from torch.randperm(n, generator=generator).split(size)[: n // size]


def noise(seed: int, batch: int, kappa: int, dtype: torch.dtype) -> Iterator[Tensor]:
    """Endless standard normal draws of shape (batch, kappa)."""
    generator = stream(seed, "noise")
    while True:
        yield torch.randn(batch, kappa, generator=generator, dtype=dtype)
