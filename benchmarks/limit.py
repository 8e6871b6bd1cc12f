"""The limit that a machine sets to a step: the time that its matrix products take, and nothing else.

A row costs each weight a multiplication and an addition forward, and twice as much backward (the gradients of weights and of
inputs): 6 FLOP a weight and row. They are divided by the rate at which the machine multiplies the network's own matrices,
measured in the same run: `torch.bmm` of a batch with a layer's weights, a pack of `PACK` at once on one thread, for the
layer that is fastest so. A step at 1.0 of the limit would do all its other work (activations, noise, Adam) in no time: none
does. The rate of one large product is measured beside it, as what the machine does at its best.
"""

import math
from itertools import pairwise
from typing import NamedTuple

import torch

from benchmarks.networks import Network
from benchmarks.pace import ROUNDS, now
from models.data.load import load
from models.specs import VAE

PACK, LARGE, SPAN_S = 64, 1024, 0.1
"""Trials whose matrices are multiplied at once, the side of a large matrix, and the length of a round."""


class Limit(NamedTuple):
    """FLOP of one trial's matrix products in a step, and the GFLOP/s of the network's own products and of a large one."""

    flops: float
    batched_gflops: float
    large_gflops: float

    def share(self, pack: int, step_s: float) -> float:
        """The part of a pack's step that its matrix products need."""
        return pack * self.flops / (1e9 * self.batched_gflops) / step_s


def limit_of(network: Network, device: str) -> Limit:
    """Measures a machine at a network's products."""
    rows, layers = min(network.training.batch, len(load(network.data).train)), layers_of(network)
    rates = [gflops((PACK, rows, inputs), (PACK, inputs, outputs), device) for inputs, outputs in sorted(set(layers))]
    flops = 6 * rows * sum(inputs * outputs for inputs, outputs in layers)
    return Limit(flops, max(rates), gflops((1, LARGE, LARGE), (1, LARGE, LARGE), device))


def layers_of(network: Network) -> list[tuple[int, int]]:
    """(inputs, outputs) of each fully connected layer; the heads of μ and log σ² are one."""
    model, d = network.model, network.data.d
    assert isinstance(model, VAE)
    return [*pairwise([d, *model.encoder, 2 * model.kappa]), *model.decoder_layers(d)]


def gflops(left: tuple[int, int, int], right: tuple[int, int, int], device: str) -> float:
    """10⁹ FLOP a second of batched products of matrices of these shapes: the most of several rounds."""
    a, b = torch.randn(left, device=device), torch.randn(right, device=device)
    out = torch.bmm(a, b)
    best_s = math.inf
    for _ in range(ROUNDS):
        begin, count = now(device), 0
        while (spent := now(device) - begin) < SPAN_S or not count:
            for _ in range(10):  # on a GPU, one would be launch and waiting
                torch.bmm(a, b, out=out)
            count += 10
        best_s = min(best_s, spent / count)
    return 2e-9 * left[1] * b.numel() / best_s
