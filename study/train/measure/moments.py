"""Averages of a trained stack over a data set, which most of its record is made of."""

from dataclasses import dataclass

from jaxtyping import Float64
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Averages over a data set. `distortion_of_mean` is at E[z|x], `distortion_in_data` in data space, all in data²."""

    distortion: Float64[Tensor, " pack"]
    distortion_of_mean: Float64[Tensor, " pack"]
    distortion_in_data: Float64[Tensor, " pack"]
    latent_rate: Float64[Tensor, "pack kappa"]
    mu: Float64[Tensor, "pack kappa"]
    mu_square: Float64[Tensor, "pack kappa"]
    variance: Float64[Tensor, "pack kappa"]
    nats: Float64[Tensor, " pack"] | None = None
    """What J counts of −log p(y|z), where it is not a function of the distortion and one γ."""
    gamma: Float64[Tensor, " pack"] | None = None
    """Then also the decoder variance, mean over pixels and images."""

    @property
    def rate(self) -> Float64[Tensor, " pack"]:
        """The rate K, in nats."""
        return self.latent_rate.sum(-1)

    @property
    def mean_var(self) -> Float64[Tensor, "pack kappa"]:
        """Var_x E[z_j|x], population variance."""
        return (self.mu_square - self.mu.square()).clamp(min=0)

    @property
    def scale_residual(self) -> Float64[Tensor, " pack"]:
        """max_j |E z_j² − 1|: zero at every stationary point of a network with free heads and a linear first layer."""
        return (self.mu_square + self.variance - 1).abs().amax(-1)
