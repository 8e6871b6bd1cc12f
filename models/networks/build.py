"""From a declaration to its network, with the initial weights of its seed."""

from typing import Any, assert_never

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.networks.beta_vae import BetaVAE
from models.networks.image_vae import ConvolutionalVAE
from models.networks.vae import GaussianVAE
from models.seeds import stream_seed
from models.specs.gaussian import Shaped
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
                return BetaVAE(spec, data.d_in, data.d)
            case VAE():
                return GaussianVAE(spec, data.d_in, data.d, data.per_value)
            case _:
                assert_never(spec)


class Methods(nn.Module):
    """A network whose methods are reached through `forward`, as `torch.func.functional_call` needs it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, method: str, *inputs: Float[Tensor, "..."]) -> Any:
        """Call the named method."""
        return getattr(self.network, method)(*inputs)


def _own(spec: Own, d_in: int, d: int) -> nn.Module:
    """A user's class, rebuilt from the source that its declaration holds."""
    network = define(spec.source, spec.name, spec.modules)(d=d_in, kappa=spec.kappa, **spec.options)
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
