"""What every Gaussian VAE declares, whatever layers it is made of: its latents, their posterior and its initial weights."""

from typing import Annotated, Literal, Protocol, Self, runtime_checkable

from pydantic import Field, model_validator

from models.specs.likelihood import PerValue
from models.specs.spec import Count, Positive, Real, Scale, Spec

Skip = Literal["none", "affine", "residual", "concat"]
"""How z reaches the output past the decoder's layers.

none: not at all. affine: a linear map z → x is added to the output. residual: the decoder is made of blocks of two
layers with an identity around each. concat: z is fed to every layer of the decoder.
"""

Init = Literal["fan_in", "he", "glorot"]
"""Standard deviation of the initial weights: fan_in 1/√fan_in; he √(2/fan_in); glorot √(2/(fan_in+fan_out)). Biases 0."""

Activation = Literal["tanh", "relu", "gelu", "identity"]


MOST_NATS = 80
"""Largest |log σ²| whose σ² is a number of float32, with some room."""

PostVar = Literal["amortised", "shared", "none"] | tuple[Positive, ...]
"""The posterior variance σ²: a function of x, one trained number a latent that serves every x and starts at the prior's, none
(σ² = 0), or given numbers that stay."""


@runtime_checkable
class Shaped(Protocol):
    """What a network must know of its data: the columns it encodes and decodes, and their shape where they are pictures.

    `image` is (height, width) of grey and (height, width, 3) of colour pictures; rows hold them flattened in this order.
    `per_value` is what a decoder gives for each of the d columns.
    """

    @property
    def d_in(self) -> int:
        """Columns that are encoded."""
        ...

    @property
    def d(self) -> int:
        """Columns that are decoded."""
        ...

    @property
    def image(self) -> tuple[int, ...] | None:
        """Their shape where they are pictures."""
        ...

    @property
    def per_value(self) -> PerValue:
        """What a decoder gives for each column."""
        ...


class Gaussian(Spec):
    """The posterior q(z|x) = N(μ(x), diag σ²(x)), with linear heads for μ and log σ², and the prior N(0, prior_std² I).

    With post_var="none" z = μ(x), there is no rate, and the network is a deterministic autoencoder. A small `output_scale`
    helps a decoder that would begin beyond the data's own size: it has nothing to unlearn, and does not learn to pass over
    z first.
    """

    kappa: Count
    """How many latent dimensions κ the code z has."""
    activation: Activation = "tanh"
    """The function after every hidden layer."""
    skip: Skip = "none"
    """How z reaches the output past the decoder's layers: not at all, by an affine map, by an identity around each
    block of two layers, or by being fed to every layer."""
    init: Init = "fan_in"
    """The standard deviation of the initial weights of a layer of so many inputs and outputs: 1/√inputs ("fan_in"),
    √(2/inputs) or √(2/(inputs + outputs))."""
    mu_scale: Scale = 1.0
    """Multiplies the initial weights of the head of μ, the posterior mean; by default they stay as drawn."""
    log_var_scale: Scale = 1.0
    """Multiplies the initial weights of the head of log σ², the posterior variance; by default they stay as drawn."""
    output_scale: Scale = 1.0
    """Multiplies the initial weights of the decoder's last layer and of its affine skip; by default they stay as
    drawn."""
    log_var_range: tuple[Real, Real] | None = None
    """Lowest and highest log σ², beyond which it is clamped and has no gradient; by default there is no clamp."""
    post_var: Annotated[PostVar, Field(union_mode="left_to_right")] = "amortised"
    """What the posterior variance σ² is: a function of x, one trained number a latent ("shared"), 0 ("none"), or a
    given number for each latent."""
    prior_std: Annotated[Positive, Field(ge=1e-15, le=1e15)] = 1.0
    """Standard deviation of the prior N(0, prior_std² I) of z."""

    @model_validator(mode="after")
    def _has_a_posterior(self) -> Self:
        if isinstance(self.post_var, tuple) and len(self.post_var) != self.kappa:
            raise ValueError(f"{len(self.post_var)} posterior variances do not fit kappa = {self.kappa}: give each one")
        if isinstance(self.post_var, tuple) and not all(1e-30 <= value <= 1e30 for value in self.post_var):
            raise ValueError("posterior variances should lie between 1e-30 and 1e30, which float32 can train with")
        if self.post_var == "none" and (self.log_var_range or self.prior_std != 1):
            raise ValueError('post_var="none" has no variance and no prior: leave log_var_range and prior_std out')
        if self.log_var_range and self.log_var_range[0] >= self.log_var_range[1]:
            raise ValueError("log_var_range must be (low, high) with low < high")
        if self.log_var_range and (self.log_var_range[0] > MOST_NATS or self.log_var_range[1] < -MOST_NATS):
            raise ValueError(
                f"no σ² in this log_var_range is a number that float32 holds: let it reach into -{MOST_NATS} to {MOST_NATS}"
            )
        if self.log_var_range and max(map(abs, self.log_var_range)) > 1e30:
            raise ValueError("log_var_range has an end that float32 cannot hold: leave the range out, or narrow it")
        return self

    def head_parameters(self, features: int) -> int:
        """Trained numbers of the heads of μ and σ² on so many features."""
        heads = 2 if self.post_var == "amortised" else 1
        return heads * (features + 1) * self.kappa + (self.kappa if self.post_var == "shared" else 0)

    @property
    def is_deterministic(self) -> bool:
        """Whether z is a function of x: an autoencoder, without a rate."""
        return self.post_var == "none"

    @property
    def label(self) -> str:
        """ "VAE κ=4", or "AE κ=4"."""
        kind = type(self).__name__
        return f"{kind.replace('VAE', 'AE') if self.is_deterministic else kind} κ={self.kappa}"
