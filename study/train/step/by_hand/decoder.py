"""Decoders by hand, one class for each kind of skip: what z is decoded to, and from its slope back to that of z."""

from typing import Protocol, assert_never, runtime_checkable

import torch

from models.specs import VAE
from study.train.step.by_hand.layers import Chain, Elementwise, Parameters, Rows, Slope


@runtime_checkable
class Decoder(Protocol):
    """z, in the network's own units, to outputs and back."""

    def forward(self, z: Rows) -> Rows:
        """The outputs of the decoder's layers."""
        ...

    def backward(self, slope: Slope, out: Slope) -> Slope:
        """Fill `out` with the slope of z, given that of the outputs; the slopes of all layers on the way are written."""
        ...


def decoder_of(model: VAE, parameters: Parameters) -> Decoder:
    """The decoder of a declared network."""
    match model.skip:
        case "none" | "affine":
            return _Straight(model, parameters)
        case "residual":
            return _Residual(model, parameters)
        case "concat":
            return _Concatenated(model, parameters)
        case skip:
            assert_never(skip)


class _Straight:
    """Layers one after another, and with an affine skip a linear map of z beside them."""

    def __init__(self, model: VAE, parameters: Parameters) -> None:
        last = len(model.decoder)
        self._chain = Chain(parameters, [f"decoder.{i}" for i in range(last)], Elementwise(model.activation))
        self._output = parameters.layer(f"decoder.{last}")
        self._affine = parameters.layer("affine") if model.skip == "affine" else None

    def forward(self, z: Rows) -> Rows:
        self._z, self._h = z, self._chain.forward(z)
        mean = self._output.forward(self._h)
        return mean if self._affine is None else mean.add_(self._affine.forward(z))

    def backward(self, slope: Slope, out: Slope) -> Slope:
        self._output.backward(slope, self._h)
        if self._chain.layers:
            self._output.pull(slope, self._chain.slope)
            layer, first = self._chain.backward() or (self._output, slope)
            layer.pull(first, out)
        else:
            self._output.pull(slope, out)
        if self._affine:
            self._affine.backward(slope, self._z)
            self._affine.pull_onto(slope, out)
        return out


class _Residual:
    """Blocks of two layers, h + b(act(a(act(h)))), between a first layer and the output, which follows an activation."""

    def __init__(self, model: VAE, parameters: Parameters) -> None:
        self._act = Elementwise(model.activation)
        layers = [parameters.layer(f"decoder.{i}") for i in range(len(model.decoder) + 2)]
        self._first, *inner, self._output = layers
        self._blocks = list(zip(inner[::2], inner[1::2], strict=True))
        width = model.decoder[0]
        places = range(len(self._blocks))
        self._before = [parameters.memory(f"block {i}, in", width) for i in (*places, "last")]
        self._inside = [parameters.memory(f"block {i}, inside", width) for i in places]
        self._slope, self._aside = (parameters.memory(f"blocks, slope {i}", width) for i in (0, 1))

    def forward(self, z: Rows) -> Rows:
        self._z, h = z, self._first.forward(z)
        for (a, b), before, inside in zip(self._blocks, self._before, self._inside, strict=False):
            t = self._act.forward(a.forward(self._act.forward(h, before)), inside)
            h = b.forward(t).add_(h)
        return self._output.forward(self._act.forward(h, self._before[-1]))

    def backward(self, slope: Slope, out: Slope) -> Slope:
        streams = [self._first.out, *(b.out for _, b in self._blocks)]
        self._output.backward(slope, self._after(self._before[-1], streams[-1]))
        self._output.pull(slope, self._slope)
        self._act.backward(self._slope, streams[-1], self._before[-1])
        for place in range(len(self._blocks) - 1, -1, -1):
            (a, b), inside, before = self._blocks[place], self._inside[place], self._before[place]
            b.backward(self._slope, self._after(inside, a.out))
            self._act.backward(b.pull(self._slope, self._aside), a.out, inside)
            a.backward(self._aside, self._after(before, streams[place]))
            through = a.pull(self._aside, inside)  # whose content nobody needs any more
            self._slope.add_(self._act.backward(through, streams[place], before))
        self._first.backward(self._slope, self._z)
        return self._first.pull(self._slope, out)

    def _after(self, after: Rows, before: Rows) -> Rows:
        """What an activation gave: an identity gives what it gets, and leaves the memory for it empty."""
        return self._act.forward(before, after) if self._act.is_identity else after


class _Concatenated:
    """Every layer after the first gets z beside what the one before it gives."""

    def __init__(self, model: VAE, parameters: Parameters) -> None:
        self._act, self._kappa = Elementwise(model.activation), model.kappa
        self._layers = [parameters.layer(f"decoder.{i}") for i in range(len(model.decoder) + 1)]
        widths = model.decoder
        self._after = [parameters.memory(f"decoder.{i}, after", width) for i, width in enumerate(widths)]
        self._beside = [
            parameters.memory(f"decoder.{i}, beside z", width + model.kappa) for i, width in enumerate(widths)
        ]
        self._slopes = [parameters.memory(f"decoder.{i}, slope", width + model.kappa) for i, width in enumerate(widths)]

    def forward(self, z: Rows) -> Rows:
        self._z = h = z
        for layer, after, beside in zip(self._layers, self._after, self._beside, strict=False):
            h = torch.cat([self._act.forward(layer.forward(h), after), z], -1, out=beside)
        return self._layers[-1].forward(h)

    def backward(self, slope: Slope, out: Slope) -> Slope:
        if not self._after:
            self._layers[-1].backward(slope, self._z)
            return self._layers[-1].pull(slope, out)
        out.zero_()
        for place in range(len(self._after) - 1, -1, -1):
            layer, wide = self._layers[place + 1], self._slopes[place]
            layer.backward(slope, self._beside[place])
            layer.pull(slope, wide)
            out.add_(wide[..., -self._kappa :])
            slope = wide[..., : -self._kappa].contiguous()
            self._act.backward(slope, self._layers[place].out, self._beside[place][..., : -self._kappa].contiguous())
        self._layers[0].backward(slope, self._z)
        return self._layers[0].pull_onto(slope, out)
