"""The MMD² of minibatches as a penalty: its value and its slope in one pass.

A kernel matrix and its derivative take seven ratios of each pair. Left to autograd, every one of them is a matrix that is
kept for the backward pass; here a few rows are worked out at a time, in memory that stays in a core's cache.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from models.metrics.mmd import constants_of

_PAIRS = 2**16
"""Entries of a kernel matrix that a CPU core computes at a time, so that they stay in its cache."""


def batch_mmd(z: Float[Tensor, "pack n kappa"], prior: Float[Tensor, "pack n kappa"]) -> Float[Tensor, " pack"]:
    """The unbiased MMD² of a stack of minibatches to samples of the prior, to be differentiated once, by z alone.

    Source: Tolstikhin, Bousquet, Gelly & Schölkopf (2018), algorithm 2.
    """
    return _BatchMMD.apply(z, prior)  # pyright: ignore[reportReturnType]


class _BatchMMD(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, z: Float[Tensor, "pack n kappa"], prior: Float[Tensor, "pack n kappa"]
    ) -> Float[Tensor, " pack"]:
        n = z.shape[1]
        pairs = n * (n - 1)
        slope = torch.zeros_like(z)
        value = _add_within(z, slope, pairs) - _add_cross(z, prior, slope)
        ctx.save_for_backward(slope)
        return value + _sum_within(prior) / pairs

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, by: Float[Tensor, " pack"]) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (slope,) = ctx.saved_tensors
        return by[:, None, None] * slope, None


def _add_within(
    z: Float[Tensor, "pack n kappa"], slope: Float[Tensor, "pack n kappa"], pairs: int
) -> Float[Tensor, " pack"]:
    """Σ_{i≠j} k(zᵢ, zⱼ)/pairs, whose slope is added: a pair pulls at both of its ends."""
    value = torch.zeros_like(z[:, 0, 0])
    for rows in _blocks(z):
        kernel, falls = _kernel_and_slope(z[:, rows], z)
        kernel.diagonal(rows.start, 1, 2).zero_()
        value += kernel.sum((1, 2))
        _add_pull(slope[:, rows], z[:, rows], z, falls, 4 / pairs)
    return value / pairs


def _add_cross(
    z: Float[Tensor, "pack n kappa"], prior: Float[Tensor, "pack n kappa"], slope: Float[Tensor, "pack n kappa"]
) -> Float[Tensor, " pack"]:
    """2 Σᵢⱼ k(zᵢ, pⱼ)/n², whose slope is taken off: the penalty falls as it grows."""
    value, n = torch.zeros_like(z[:, 0, 0]), z.shape[1]
    for rows in _blocks(z):
        kernel, falls = _kernel_and_slope(z[:, rows], prior)
        value += kernel.sum((1, 2))
        _add_pull(slope[:, rows], z[:, rows], prior, falls, -4 / n**2)
    return value * (2 / n**2)


def _sum_within(prior: Float[Tensor, "pack n kappa"]) -> Float[Tensor, " pack"]:
    """Σ_{i≠j} k(pᵢ, pⱼ); each pair is computed once."""
    value = torch.zeros_like(prior[:, 0, 0])
    for rows in _blocks(prior):
        squares, size = _squares(prior[:, rows], prior[:, rows.start :]), rows.stop - rows.start
        kernel, ratio = torch.zeros_like(squares), torch.empty_like(squares)
        for constant in constants_of(prior.shape[2]):
            kernel.add_(torch.add(squares, constant, out=ratio).reciprocal_(), alpha=constant)
        kernel.diagonal(0, 1, 2).zero_()
        value += kernel[:, :, :size].sum((1, 2)) + 2 * kernel[:, :, size:].sum((1, 2))
    return value


def _kernel_and_slope(
    a: Float[Tensor, "pack rows kappa"], b: Float[Tensor, "pack n kappa"]
) -> tuple[Float[Tensor, "pack rows n"], Float[Tensor, "pack rows n"]]:
    """k = Σ_s C_s/(C_s + ‖a−b‖²), and its derivative by ‖a−b‖²: −Σ_s C_s/(C_s + ‖a−b‖²)²."""
    squares = _squares(a, b)
    kernel, slope, ratio = torch.zeros_like(squares), torch.zeros_like(squares), torch.empty_like(squares)
    for constant in constants_of(a.shape[2]):
        torch.add(squares, constant, out=ratio).reciprocal_()
        kernel.add_(ratio, alpha=constant)
        slope.addcmul_(ratio, ratio, value=-constant)
    return kernel, slope


def _squares(a: Float[Tensor, "pack rows kappa"], b: Float[Tensor, "pack m kappa"]) -> Float[Tensor, "pack rows m"]:
    lengths = b.square().sum(-1)[:, None].expand(-1, a.shape[1], -1)
    return torch.baddbmm(lengths, a, b.mT, alpha=-2).add_(a.square().sum(-1)[:, :, None]).clamp_(min=0)


def _add_pull(
    slope: Float[Tensor, "pack rows kappa"],
    a: Float[Tensor, "pack rows kappa"],
    b: Float[Tensor, "pack n kappa"],
    falls: Float[Tensor, "pack rows n"],
    factor: float,
) -> None:
    """Add factor · Σⱼ k′(‖aᵢ−bⱼ‖²)(aᵢ − bⱼ)."""
    slope.addcmul_(falls.sum(-1, keepdim=True), a, value=factor).baddbmm_(falls, b, alpha=-factor)


def _blocks(z: Float[Tensor, "pack n kappa"]) -> list[slice]:
    pack, n = z.shape[:2]
    size = max(1, _PAIRS // (pack * n)) if z.device.type == "cpu" else n
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]
