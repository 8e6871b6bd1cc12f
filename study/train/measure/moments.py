"""Averages of a trained stack over a data set, which most of its record is made of."""

from dataclasses import dataclass

from jaxtyping import Float64
from torch import Tensor

Weights = Float64[Tensor, "pack one"] | float
"""What a half of the rate counts in each trial."""


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
    def rate_of_means(self) -> Float64[Tensor, " pack"]:
        """½ E Σ μ_j², the half of the rate that the means make, in nats."""
        return 0.5 * self.mu_square.sum(-1)

    @property
    def mean_var(self) -> Float64[Tensor, "pack kappa"]:
        """Var_x E[z_j|x], population variance."""
        return (self.mu_square - self.mu.square()).clamp(min=0)

    def scale_residual(self, mean_weight: Weights = 1.0, variance_weight: Weights = 1.0) -> Float64[Tensor, " pack"]:
        """max_j |E z_j² − 1|: zero at every stationary point of a network with free heads and a linear first layer.

        Where the halves of the rate count α and δ, that is max_j |α E μ_j² + δ (E σ_j² − 1)|.
        """
        return (mean_weight * self.mu_square + variance_weight * self.variance - variance_weight).abs().amax(-1)
