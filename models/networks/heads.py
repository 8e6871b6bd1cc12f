"""What networks of every kind share: linear layers with declared initial weights, and the heads of q(z|x).

q(z|x) = N(μ(x), diag σ²(x)),   prior N(0, prior_std² I),   z in units of the prior's standard deviation
"""

import math
from collections.abc import Callable
from typing import assert_never

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.specs.gaussian import Activation, Gaussian, Init
from models.specs.likelihood import MEANS, PerValue
from models.specs.vocabulary import check_complete, members

Elementwise = Callable[[Float[Tensor, "..."]], Float[Tensor, "..."]]

ACTIVATIONS: dict[Activation, Elementwise] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "gelu": nn.functional.gelu,
    "identity": lambda h: h,
}

STD: dict[Init, Callable[[int, int], float]] = {
    "fan_in": lambda inputs, _: inputs**-0.5,
    "he": lambda inputs, _: (2 / inputs) ** 0.5,
    "glorot": lambda inputs, outputs: (2 / (inputs + outputs)) ** 0.5,
}
"""Standard deviation of initial weights, of the numbers that an output is made of and those that an input goes into."""

check_complete(
    members(Activation),
    ACTIVATIONS,
    "Activation, in models/specs",
    "add it to ACTIVATIONS, in models/networks",
)
check_complete(members(Init), STD, "Init, in models/specs", "add it to STD, in models/networks")


class GaussianNetwork(nn.Module):
    """The heads of μ and log σ² on the features of x, for any encoder, and the variances of pixels, for any decoder."""

    def __init__(self, spec: Gaussian, d: int, per_value: PerValue = MEANS) -> None:
        super().__init__()
        self.spec = spec
        self.act = ACTIVATIONS[spec.activation]
        start = per_value.variance
        self.pixel_log_var = nn.Parameter(torch.full((d,), math.log(start))) if start else None

    def _add_heads(self, features: int) -> None:
        spec = self.spec
        self.mu = linear(features, spec.kappa, spec, spec.mu_scale)
        match spec.post_var:
            case "amortised":
                self.log_var = linear(features, spec.kappa, spec, spec.log_var_scale)
            case "shared":
                self.log_var = nn.Parameter(torch.full((spec.kappa,), 2 * math.log(spec.prior_std)))
            case "none":
                self.register_buffer("log_var", torch.full((spec.kappa,), -math.inf))
            case tuple(values):
                self.register_buffer("log_var", torch.tensor(values).log())
            case other:
                assert_never(other)

    def _posterior(
        self, h: Float[Tensor, "*n features"]
    ) -> tuple[Float[Tensor, "*n kappa"], Float[Tensor, "*n kappa"]]:
        """Mean and log variance of q(z|x), of z in units of the prior's standard deviation."""
        mu = self.mu(h)
        log_var = self.log_var.expand_as(mu) if isinstance(self.log_var, Tensor) else self.log_var(h)
        if self.spec.log_var_range:
            log_var = log_var.clamp(*self.spec.log_var_range)
        if self.spec.prior_std == 1:
            return mu, log_var
        return mu / self.spec.prior_std, log_var - 2 * math.log(self.spec.prior_std)

    def _with_variances(self, mean: Float[Tensor, "*n d"]) -> Float[Tensor, "*n outputs"]:
        """What is decoded: means alone, or the means of all pixels and then the log variances of all pixels."""
        if self.pixel_log_var is None:
            return mean
        return torch.cat([mean, self.pixel_log_var.expand_as(mean)], -1)

    def _in_own_units(self, z: Float[Tensor, "*n kappa"]) -> Float[Tensor, "*n kappa"]:
        """z as the heads' scale has it, of z in units of the prior's standard deviation."""
        return z if self.spec.prior_std == 1 else z * self.spec.prior_std


def linear(inputs: int, outputs: int, spec: Gaussian, scale: float = 1.0, bias: bool = True) -> nn.Linear:
    """A linear layer with the declared initial weights, times `scale`."""
    layer = nn.Linear(inputs, outputs, bias=bias)
    nn.init.normal_(layer.weight, std=scale * STD[spec.init](inputs, outputs))
    if bias:
        nn.init.zeros_(layer.bias)
    return layer
