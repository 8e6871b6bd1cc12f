"""Layers of a block of trials, forwards and backwards, in memory that every step uses again.

Source: Rumelhart, Hinton & Williams (1986), for a layer's three products: its output, and the slopes of its weights and
of its input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from models.specs.gaussian import Activation

Rows = Float[Tensor, "rows batch _"]
Slope = Rows
"""The derivative of the objective with respect to such rows."""

_aten = torch.ops.aten


class Buffers:
    """Memory by name, which blocks of trials share: one block's is in the core's cache when the next one's turn comes."""

    def __init__(self, most_rows: int, batch: int, like: Float[Tensor, "..."]) -> None:
        self.batch, self._most, self._like = batch, most_rows, like
        self._held: dict[str, Rows] = {}

    def take(self, name: str, rows: int, width: int) -> Rows:
        """(rows, batch, width) under a name of its own; its content is whatever the last user left."""
        if name not in self._held:
            self._held[name] = self._like.new_empty(self._most, self.batch, width)
        return self._held[name][:rows]


@dataclass(frozen=True)
class Trained:
    """One parameter of some trials, and the slope of the objective with respect to it."""

    value: Float[Tensor, "rows ..."]
    slope: Float[Tensor, "rows ..."]


class Parameters:
    """The parameters of some trials by name, and where the layers made of them keep what they compute."""

    def __init__(self, parts: Mapping[str, Trained], buffers: Buffers) -> None:
        self._parts, self._buffers = parts, buffers
        self.rows = len(next(iter(parts.values())).value)

    def get(self, name: str) -> Trained | None:
        """A parameter, if there is one of this name."""
        return self._parts.get(name)

    def layer(self, name: str) -> "Layer":
        """The linear layer of this name."""
        return Layer(
            self._parts[f"{name}.weight"], self._parts.get(f"{name}.bias"), self.memory(name, self._width(name))
        )

    def memory(self, name: str, width: int) -> Rows:
        """Memory under a name."""
        return self._buffers.take(name, self.rows, width)

    def slope_memory(self, place: int, width: int) -> Slope:
        """Memory for the slope of a chain's layer: neighbours have two, and all further layers of the width share them."""
        return self.memory(f"slope {place % 2} of width {width}", width)

    def _width(self, name: str) -> int:
        return self._parts[f"{name}.weight"].value.shape[2]


class Layer:
    """x W + b of each trial. `out` is what it gave last."""

    def __init__(self, weight: Trained, bias: Trained | None, out: Rows) -> None:
        self._weight, self._bias, self.out = weight, bias, out
        self.inputs, self.outputs = weight.value.shape[1:]

    def forward(self, x: Rows) -> Rows:
        """The outputs, in `out`."""
        if self._bias is None:
            return torch.bmm(x, self._weight.value, out=self.out)
        return torch.baddbmm(self._bias.value, x, self._weight.value, out=self.out)

    def backward(self, slope: Slope, x: Rows) -> None:
        """The slopes of weights and bias, given that of the outputs and the inputs that they were made of."""
        torch.bmm(x.mT, slope, out=self._weight.slope)
        if self._bias is not None:
            torch.sum(slope, 1, keepdim=True, out=self._bias.slope)

    def pull(self, slope: Slope, out: Slope) -> Slope:
        """The slope of the inputs, given that of the outputs."""
        return torch.bmm(slope, self._weight.value.mT, out=out)

    def pull_onto(self, slope: Slope, out: Slope) -> Slope:
        """The same, added to what `out` holds."""
        return out.baddbmm_(slope, self._weight.value.mT)


class Elementwise:
    """An activation: what it gives, and the slope before it from the slope after it."""

    def __init__(self, name: Activation) -> None:
        self._name: Activation = name

    @property
    def needs_inputs(self) -> bool:
        """Whether the way back needs what went in; else what came out is enough, and may take its place."""
        return self._name == "gelu"

    @property
    def is_identity(self) -> bool:
        """Whether it gives what it gets: the very rows, no copy."""
        return self._name == "identity"

    def forward(self, h: Rows, out: Rows) -> Rows:
        """The activation of h, in `out`, which may be h itself unless the way back needs it."""
        match self._name:
            case "tanh":
                return torch.tanh(h, out=out)
            case "relu":
                return torch.clamp(h, min=0, out=out)
            case "gelu":
                return _aten.gelu.out(h, out=out)
            case "identity":
                return h

    def backward(self, slope: Slope, before: Rows, after: Rows) -> Slope:
        """The slope before the activation, in the place of the slope after it."""
        match self._name:
            case "tanh":
                return _aten.tanh_backward.grad_input(slope, after, grad_input=slope)
            case "relu":
                return _aten.threshold_backward.grad_input(slope, after, 0, grad_input=slope)
            case "gelu":
                return _aten.gelu_backward.grad_input(slope, before, grad_input=slope)
            case "identity":
                return slope


class Chain:
    """Layers one after another, an activation after each."""

    def __init__(self, parameters: Parameters, names: Sequence[str], act: Elementwise) -> None:
        self.layers, self._act = [parameters.layer(name) for name in names], act
        self._after = [
            parameters.memory(f"{name}, after", layer.outputs) if act.needs_inputs else layer.out
            for name, layer in zip(names, self.layers, strict=True)
        ]
        self._slopes = [parameters.slope_memory(place, layer.outputs) for place, layer in enumerate(self.layers)]

    def forward(self, x: Rows) -> Rows:
        """What the last layer's activation gives; x itself where there is no layer."""
        self._x = h = x
        for layer, after in zip(self.layers, self._after, strict=True):
            h = self._act.forward(layer.forward(h), after)
            self._out = h
        return h

    @property
    def slope(self) -> Slope:
        """Where the slope of what the chain gives belongs, before `backward`."""
        return self._slopes[-1]

    def backward(self) -> tuple["Layer", Slope] | None:
        """From `slope` back to the first layer: that layer, and the slope of its outputs; None where there is no layer."""
        for place in range(len(self.layers) - 1, -1, -1):
            layer, slope = self.layers[place], self._slopes[place]
            self._act.backward(slope, layer.out, self._after[place])
            layer.backward(slope, self._after[place - 1] if place else self._x)
            if place:
                layer.pull(slope, self._slopes[place - 1])
        return (self.layers[0], self._slopes[0]) if self.layers else None
