"""Networks: a Gaussian VAE with fully connected encoder and decoder, for one trial.

    q(z|x) = N(μ(x), diag σ²(x)),   p(x|z) = N(m(z), γ I)

A network offers `encode(x) -> (mu, log_var)` and `decode(z) -> mean of x`; γ is not part of it. For another likelihood
`decode` gives what `models.loss.likelihood` makes the mean and the probabilities of: as many numbers a value as it needs,
each value's beside one another, or for a variance a pixel the d means and then d log variances. Parameters are drawn from
torch's global generator when the module is built, so `build` seeds that generator for the trial and restores it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import assert_never

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.networks.heads import GaussianNetwork, linear
from models.specs.likelihood import MEANS, PerValue
from models.specs.network import VAE


class GaussianVAE(GaussianNetwork):
    """The VAE that a `VAE` spec declares; see `models.specs.network` for the kinds of skip connection.

    Written for one trial, out of linear layers and operations that don't mind leading axes: with layers that carry a
    leading axis of their own in place of `nn.Linear`, the same lines serve a whole stack of trials.
    """

    spec: VAE

    def __init__(self, spec: VAE, d_in: int, d: int | None = None, per_value: PerValue = MEANS) -> None:
        d = d_in if d is None else d
        super().__init__(spec, d, per_value)
        widths = [d_in, *spec.encoder]
        self.encoder = nn.ModuleList(linear(a, b, spec) for a, b in pairwise(widths))
        self._add_heads(widths[-1])
        shapes = spec.decoder_layers(d * per_value.numbers)
        if spec.skip == "affine":
            *shapes, skip = shapes
            self.affine = linear(*skip, spec, spec.output_scale * spec.z_scale, bias=False)
        *hidden, output = shapes
        layers = [*(linear(a, b, spec) for a, b in hidden), linear(*output, spec, spec.output_scale)]
        _scale(layers, spec)
        self.decoder = nn.ModuleList(layers)

    def encode(self, x: Float[Tensor, "*n d_in"]) -> tuple[Float[Tensor, "*n kappa"], Float[Tensor, "*n kappa"]]:
        """Mean and log variance of q(z|x), of z in units of the prior's standard deviation."""
        for layer in self.encoder:
            x = self.act(layer(x))
        return self._posterior(x)

    def decode(self, z: Float[Tensor, "*n kappa"]) -> Float[Tensor, "*n outputs"]:
        """Mean m(z) of p(y|z), y = x in a VAE; z in units of the prior's standard deviation."""
        return self._with_variances(self._layers(self._in_own_units(z)))

    def _layers(self, z: Float[Tensor, "*n kappa"]) -> Float[Tensor, "*n numbers"]:
        *hidden, output = self.decoder
        match self.spec.skip:
            case "residual":
                first, *inner = hidden
                h = first(z)
                for a, b in zip(inner[::2], inner[1::2], strict=True):
                    h = h + b(self.act(a(self.act(h))))
                return output(self.act(h))
            case "concat":
                h = z
                for i, layer in enumerate(hidden):
                    h = self.act(layer(torch.cat([h, z], -1) if i else h))
                return output(torch.cat([h, z], -1) if hidden else h)
            case "none" | "affine" as skip:
                h = z
                for layer in hidden:
                    h = self.act(layer(h))
                return output(h) + (self.affine(z) if skip == "affine" else 0)
            case skip:
                assert_never(skip)


@torch.no_grad()
def _scale(decoder: Sequence[nn.Linear], spec: VAE) -> None:
    """Multiply what takes z in by `z_scale`, and all else behind the first layer by `decoder_gain`."""
    for place, layer in enumerate(decoder):
        takes_z = layer.in_features if not place else spec.kappa if spec.skip == "concat" else 0
        others = layer.in_features - takes_z
        layer.weight[:, :others] *= spec.decoder_gain
        layer.weight[:, others:] *= spec.z_scale
