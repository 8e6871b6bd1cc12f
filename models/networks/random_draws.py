"""What a user's layers draw while they train (the masks of dropout, noise), from a stream of each trial's own.

A trial's draws then depend on its seed and on how often it has drawn, whoever trains beside it, whichever way its network
is carried and whatever device it is on; and they go on from where they stood after an interruption. In evaluation nothing
is intercepted: there a network draws nothing.

Source: Srivastava et al. (2014) for dropout; Klambauer et al. (2017), "Self-normalizing neural networks", for alpha dropout.
"""

# ruff: noqa: A002 (`input` is the name by which torch's functions take it)

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Float, Num, UInt8
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from models.streams import move, places, stream

Made = Num[Tensor, "..."]
Draw = Callable[[torch.Generator], Made]
"""Draws one trial's numbers from its generator."""

SATURATION = -1.7580993408473766
"""What alpha dropout puts in the place of what it drops: −λα of SELU."""


class Draws(TorchFunctionMode):
    """Inside `with draws.at(place):` torch's random functions draw from the streams of the trials there.

    `place` is a trial's index, or, under `vmap`, a tensor of all of them, (pack,), as `vmap` hands it in.
    """

    def __init__(self, seeds: Sequence[int], purpose: str = "layers") -> None:
        super().__init__()
        self._generators = [stream(seed, purpose) for seed in seeds]
        self._place: int | Float[Tensor, ""] = 0
        self.is_used = False
        """Whether anything was drawn yet."""

    def at(self, place: int | Float[Tensor, ""]) -> "Draws":
        """The same streams, for the network of this trial."""
        self._place = place
        return self

    def __torch_function__(
        self, func: Any, _: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Torch's function, or ours in its place where it draws."""
        ours = _RANDOM.get(func)
        return ours(self, func, *args, **(kwargs or {})) if ours else func(*args, **(kwargs or {}))

    def draw(self, one: Draw) -> Made:
        """One trial's numbers, or under `vmap` those of all."""
        self.is_used = True
        if isinstance(self._place, int):
            return one(self._generators[self._place])
        return _OfAllTrials.apply(
            self._place, lambda pack: torch.stack([one(each) for each in self._generators[:pack]])
        )

    def places(self) -> UInt8[Tensor, "generators bytes"]:
        """Where the streams stand."""
        return places(self._generators)

    def move(self, to: UInt8[Tensor, "generators bytes"]) -> None:
        """Take the streams to where they stood."""
        move(self._generators, to)


class _OfAllTrials(torch.autograd.Function):
    """Numbers that `vmap` deals out to the trials: drawn for all of them at once, and of no gradient."""

    @staticmethod
    def forward(place: Any, draw_all: Callable[[int], Made]) -> Made:
        """Of one trial alone, which is no case of ours: a place that is a tensor is one under `vmap`."""
        del place
        return draw_all(1)[0]

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """What is drawn follows from nothing."""
        del inputs
        ctx.mark_non_differentiable(output)

    @staticmethod
    def backward(ctx: Any, *slopes: Any) -> tuple[None, None]:
        """None at all."""
        del ctx, slopes
        return None, None

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> tuple[Made, int]:
        """The pack lies before the other axes."""
        del in_dims
        _, draw_all = args
        return draw_all(info.batch_size), 0


def _kept(draws: Draws, x: Made, shape: Sequence[int], p: float) -> Made:
    """1 where a value is kept and 0 where it is dropped, with probability p."""
    dtype, device = x.dtype, x.device
    return draws.draw(lambda generator: torch.empty(shape).bernoulli_(1 - p, generator=generator).to(device, dtype))


def _dropout(axes: int | None) -> Callable[..., Any]:
    """`functional.dropout`, or one that drops whole channels: the first `axes` axes have masks of their own."""

    def ours(
        draws: Draws, func: Any, input: Made, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> Made:
        if not training or p == 0:
            return func(input, p, training, inplace)
        scaled = _kept(draws, input, _mask_shape(input, axes), p) / (1 - p) if p < 1 else torch.zeros_like(input)
        return input.mul_(scaled) if inplace else input * scaled

    return ours


def _alpha_dropout(axes: int | None) -> Callable[..., Any]:
    """`functional.alpha_dropout`: keeps mean and variance of what SELU makes."""

    def ours(
        draws: Draws, func: Any, input: Made, p: float = 0.5, training: bool = False, inplace: bool = False
    ) -> Made:
        if not training or p in (0, 1):
            return func(input, p, training, inplace)
        kept = _kept(draws, input, _mask_shape(input, axes), p)
        scale = ((1 - p) * (1 + p * SATURATION**2)) ** -0.5
        out = scale * (input * kept + SATURATION * (1 - kept)) - scale * SATURATION * p
        return input.copy_(out) if inplace else out

    return ours


def _mask_shape(x: Made, axes: int | None) -> tuple[int, ...]:
    shape = tuple(x.shape)
    return shape if axes is None else (*shape[:axes], *(1 for _ in shape[axes:]))


def _like(name: str) -> Callable[..., Any]:
    """`rand_like` and `randn_like`."""

    def ours(draws: Draws, _: Any, input: Made, dtype: Any = None, device: Any = None, **others: Any) -> Made:
        del others
        return _fresh(draws, name, tuple(input.shape), dtype or input.dtype, device or input.device)

    return ours


def _sized(name: str) -> Callable[..., Any]:
    """`rand` and `randn`, which read a generator of the user's where they are given one."""

    def ours(draws: Draws, func: Any, *size: Any, dtype: Any = None, device: Any = None, **others: Any) -> Made:
        if others.get("generator") is not None:
            return func(*size, dtype=dtype, device=device, **others)
        shape = others.get("size", size[0] if len(size) == 1 and not isinstance(size[0], int) else size)
        return _fresh(draws, name, tuple(shape), dtype, device)

    return ours


def _fresh(draws: Draws, name: str, shape: tuple[int, ...], dtype: Any, device: Any) -> Made:
    make = getattr(torch, name)
    return draws.draw(lambda generator: make(shape, generator=generator, dtype=dtype).to(device or "cpu"))


def _normal(draws: Draws, func: Any, mean: Any, std: Any = 1.0, *others: Any, **named: Any) -> Any:
    """`torch.normal` of tensors, which `Normal.rsample` calls."""
    if others or named or not (isinstance(mean, Tensor) or isinstance(std, Tensor)):
        return func(mean, std, *others, **named)
    shape = torch.broadcast_shapes(*(each.shape for each in (mean, std) if isinstance(each, Tensor)))
    like = mean if isinstance(mean, Tensor) else std
    return mean + std * _fresh(draws, "randn", tuple(shape), like.dtype, like.device)


def _bernoulli(draws: Draws, func: Any, input: Made, *others: Any, **named: Any) -> Made:
    """`torch.bernoulli` of probabilities."""
    if others or named:
        return func(input, *others, **named)
    return (_fresh(draws, "rand", tuple(input.shape), input.dtype, input.device) < input).to(input.dtype)


_RANDOM: Mapping[Any, Callable[..., Any]] = MappingProxyType(
    {
        functional.dropout: _dropout(None),
        functional.dropout1d: _dropout(2),
        functional.dropout2d: _dropout(2),
        functional.dropout3d: _dropout(2),
        functional.alpha_dropout: _alpha_dropout(None),
        functional.feature_alpha_dropout: _alpha_dropout(2),
        torch.rand_like: _like("rand"),
        torch.randn_like: _like("randn"),
        torch.rand: _sized("rand"),
        torch.randn: _sized("randn"),
        torch.normal: _normal,
        torch.bernoulli: _bernoulli,
    }
)
"""Torch's function → ours: (draws, torch's function, its arguments)."""
