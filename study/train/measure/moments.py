"""Averages of a trained stack over a data set, which most of its record is made of."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Averages over a data set, in float64: (pack,) for the first three, (pack, kappa) for the others."""

    distortion: Tensor
    distortion_of_mean: Tensor
    distortion_in_data: Tensor
    latent_rate: Tensor
    mu: Tensor
    mu_square: Tensor
    variance: Tensor
    nats: Tensor | None = None
    """What J counts of −log p(y|z), (pack,), where it is not a function of the distortion and one γ."""
    gamma: Tensor | None = None
    """Then also the decoder variance, mean over pixels and images."""

    @property
    def rate(self) -> Tensor:
        return self.latent_rate.sum(-1)

    @property
    def mean_var(self) -> Tensor:
        """Var_x E[z_j|x], population variance."""
        return (self.mu_square - self.mu.square()).clamp(min=0)

    @property
    def scale_residual(self) -> Tensor:
        """max_j |E z_j² − 1|: zero at every stationary point of a network with free heads and a linear first layer."""
        return (self.mu_square + self.variance - 1).abs().amax(-1)
