"""Layers of all networks of a stack at once: they take the place of one network's, whose code then serves the stack.

Rows are (pack, n, ·), and pictures (pack, n, channels, height, width). Layers of pictures take the stack's channels as
groups of one picture's: (n, pack·channels, height, width).
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


def as_layers_take_it(parameter: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """A parameter as the stacked layers store it, so that its gradient comes out as it is stored.

    A linear layer's weight is (inputs, outputs), a vector (1, ·); the kernel of a convolution stays as it is.
    """
    match parameter.dim():
        case 1:
            return parameter[None]
        case 2:
            return parameter.mT
        case _:
            return parameter


def with_leading_axis(network: nn.Module, parts: Mapping[str, Float[Tensor, "..."]]) -> nn.Module:
    """The network of a whole stack: `parts` (pack, ...) in place of one network's layers and lone parameters."""
    network = deepcopy(network)
    for name, _ in list(network.named_parameters(recurse=False)):
        delattr(network, name)
        setattr(network, name, parts[name])
    for name, layer in list(network.named_modules()):
        weight, bias = parts.get(f"{name}.weight"), parts.get(f"{name}.bias")
        if weight is not None:
            network.set_submodule(name, _Linears(weight, bias) if bias is None else _stack(layer, weight, bias))
    return network


class _Linears(nn.Module):
    """One linear layer of all networks of a stack."""

    def __init__(
        self, weight: Float[Tensor, "pack inputs outputs"], bias: Float[Tensor, "pack 1 outputs"] | None
    ) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias

    def forward(self, x: Float[Tensor, "pack n inputs"]) -> Float[Tensor, "pack n outputs"]:
        """x W + b of each trial."""
        return torch.bmm(x, self.weight) if self.bias is None else torch.baddbmm(self.bias, x, self.weight)


class _Grouped(nn.Module):
    """One layer of pictures of all networks of a stack: `over` (pictures, weight, bias), the stack as groups of channels."""

    def __init__(
        self,
        weight: Float[Tensor, "pack ..."],
        bias: Float[Tensor, "pack 1 _"],
        over: Callable[..., Tensor],
        **settings: Any,
    ) -> None:
        super().__init__()
        self.weight, self.bias, self._over, self._settings = weight, bias, over, settings

    def forward(self, h: Float[Tensor, "pack n channels height width"]) -> Float[Tensor, "pack n _ _ _"]:
        # Folding is a view where channels lie last or examples first, as they do after the first layer.
        """The layer over pictures whose channels are folded into groups."""
        folded = h.transpose(0, 1).flatten(1, 2)
        weight = self.weight.flatten(0, 1) if self.weight.dim() > 3 else self.weight.flatten()
        out = self._over(folded, weight=weight, bias=self.bias.flatten(), **self._settings)
        return out.unflatten(1, (len(self.weight), -1)).transpose(0, 1)


def _stack(layer: nn.Module, weight: Float[Tensor, "pack ..."], bias: Float[Tensor, "pack 1 _"]) -> nn.Module:
    """The layer of a whole stack that takes the place of one network's. Raises: TypeError for a layer of another kind."""
    pack = len(weight)
    match layer:
        case nn.Linear():
            return _Linears(weight, bias)
        case nn.Conv2d():
            settings = {"stride": layer.stride, "padding": layer.padding, "groups": pack}
            return _Grouped(weight, bias, functional.conv2d, **settings)
        case nn.ConvTranspose2d():
            settings = {"stride": layer.stride, "padding": layer.padding, "groups": pack}
            return _Grouped(weight, bias, functional.conv_transpose2d, **settings)
        case nn.GroupNorm():
            settings = {"num_groups": pack * layer.num_groups, "eps": layer.eps}
            return _Grouped(weight, bias, functional.group_norm, **settings)
        case _:
            raise TypeError(f"{type(layer).__name__} cannot carry a stack")
