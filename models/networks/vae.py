"""Networks: a Gaussian VAE with fully connected encoder and decoder, for one trial.

    q(z|x) = N(μ(x), diag σ²(x)),   p(x|z) = N(m(z), γ I)

A network offers `encode(x) -> (mu, log_var)` and `decode(z) -> mean of x`; γ is not part of it. For another likelihood
`decode` gives what `models.likelihood` makes the mean and the probabilities of: as many numbers a value as it needs, each
value's beside one another, or for a variance a pixel the d means and then d log variances. Parameters are drawn from
torch's global generator when the module is built, so `build` seeds that generator for the trial and restores it.
"""

from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.heads import GaussianNetwork, linear
from models.image_vae import ConvolutionalVAE
from models.seeds import stream_seed
from models.specs.gaussian import Shaped
from models.specs.likelihood import MEANS, PerValue
from models.specs.network import VAE, ImageVAE, Model, Own
from models.specs.source import define


def build(spec: Model, data: Shaped, seed: int) -> nn.Module:
    """The network of one trial on such data, with the initial weights of its seed.

    Raises: ValueError where the data do not suit the network, and whatever a user's own class raises.
    """
    spec.check(data)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "weights"))
        match spec:
            case Own():
                return _own(spec, data.d_in, data.d)
            case ImageVAE():
                return ConvolutionalVAE(spec, data.image or (), data.per_value)
            case VAE(sees_beta=True):
                from models.beta_vae import BetaVAE  # which is made of this module's

                return BetaVAE(spec, data.d_in, data.d)
            case VAE():
                return GaussianVAE(spec, data.d_in, data.d, data.per_value)


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
            self.affine = linear(*skip, spec, spec.output_scale, bias=False)
        *hidden, output = shapes
        layers = [linear(a, b, spec) for a, b in hidden]
        self.decoder = nn.ModuleList([*layers, linear(*output, spec, spec.output_scale)])

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
            case skip:
                h = z
                for layer in hidden:
                    h = self.act(layer(h))
                return output(h) + (self.affine(z) if skip == "affine" else 0)


class Methods(nn.Module):
    """A network whose methods are reached through `forward`, as `torch.func.functional_call` needs it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, method: str, *inputs: Tensor) -> Any:
        return getattr(self.network, method)(*inputs)


def _own(spec: Own, d_in: int, d: int) -> nn.Module:
    """A user's class, rebuilt from the source that its declaration holds."""
    network = define(spec.source, spec.name)(d=d_in, kappa=spec.kappa, **spec.options)
    for name, part in network.named_modules():
        if getattr(part, "track_running_stats", False):
            raise ValueError(
                f"{spec.name}.{name} keeps running statistics, which are no result: use GroupNorm or LayerNorm"
            )
        if isinstance(part, nn.modules.dropout._DropoutNd) and part.p > 0:
            raise ValueError(
                f"{spec.name}.{name} draws random numbers of its own, so no seed would settle a trial: drop it"
            )
        if loose := [attribute for attribute, value in vars(part).items() if isinstance(value, Tensor)]:
            raise ValueError(
                f"{spec.name}.{loose[0]} is a plain tensor, which a pack would share among its trials: "
                "make it a buffer (register_buffer) or an nn.Parameter"
            )
    _check_shapes(network, spec, d_in, d)
    if frozen := [name for name, parameter in network.named_parameters() if not parameter.requires_grad]:
        raise ValueError(f"{spec.name}.{frozen[0]} is a parameter that is not trained: make it a buffer")
    return network


def _check_shapes(network: Any, spec: Own, d_in: int, d: int) -> None:
    """Raises: ValueError where a user's network does not return what it should: broadcasting would hide it."""
    with torch.no_grad():
        mu, log_var = network.encode(torch.zeros(2, d_in))
        mean = network.decode(torch.zeros(2, spec.kappa))
    wanted = (("encode's mu", mu, spec.kappa), ("encode's log_var", log_var, spec.kappa), ("decode", mean, d))
    for what, value, columns in wanted:
        if value.shape != (2, columns):
            raise ValueError(
                f"{spec.name}: {what} has shape {tuple(value.shape)} for 2 rows, not (2, {columns}): "
                f"the data have d = {d} columns and the latents kappa = {spec.kappa}"
            )
