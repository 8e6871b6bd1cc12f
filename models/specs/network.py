"""Which network a trial trains: the torch-free declarations. `models.vae` builds them."""

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from models.specs.base import Count, Options, Positive, Real, Spec, alike, one_of
from models.specs.source import source_of

Skip = Literal["none", "affine", "residual", "concat"]
"""How z reaches the output past the decoder's layers.

none: not at all. affine: a linear map z → x is added to the output. residual: the decoder is made of blocks of two
layers with an identity around each. concat: z is fed to every layer of the decoder.
"""

Init = Literal["fan_in", "he", "glorot"]
"""Standard deviation of the initial weights: fan_in 1/√fan_in; he √(2/fan_in); glorot √(2/(fan_in+fan_out)). Biases 0."""

Activation = Literal["tanh", "relu", "gelu", "identity"]


PostVar = Literal["amortised", "shared", "none"] | tuple[Positive, ...]
"""Whence the posterior variance σ²: a function of x, one trained number a latent, nowhere (0), or given numbers that stay."""


class VAE(Spec):
    """A Gaussian VAE with fully connected encoder and decoder and separate linear heads for μ and log σ².

    `encoder` and `decoder` are the hidden widths, data side first and latent side first; without any, the VAE is linear.
    With skip="residual" the decoder's widths are equal and come in pairs: two layers a block. `mu_scale` and
    `log_var_scale` multiply the initial weights of the two heads; `log_var_range` clamps log σ² (with zero gradient
    outside); by default there is no clamp. `post_var` says what σ² is: a function of x ("amortised"), one trained number
    a latent that serves every x ("shared", started at the prior's), a given number a latent that is not trained, or 0
    ("none"): then z = μ(x), there is no rate, and the network is a deterministic autoencoder.
    The prior is N(0, prior_std² I).
    """

    kind: Literal["VAE"] = "VAE"
    kappa: Count
    encoder: tuple[Count, ...] = (64, 64)
    decoder: tuple[Count, ...] = (64, 64)
    activation: Activation = "tanh"
    skip: Skip = "none"
    init: Init = "fan_in"
    mu_scale: Positive = 1.0
    log_var_scale: Positive = 1.0
    log_var_range: tuple[Real, Real] | None = None
    post_var: Annotated[PostVar, Field(union_mode="left_to_right")] = "amortised"
    prior_std: Positive = 1.0

    @model_validator(mode="after")
    def _is_buildable(self) -> Self:
        widths = set(self.decoder)
        if isinstance(self.post_var, tuple) and len(self.post_var) != self.kappa:
            raise ValueError(f"{len(self.post_var)} posterior variances do not fit kappa = {self.kappa}: give each one")
        if self.post_var == "none" and (self.log_var_range or self.prior_std != 1):
            raise ValueError('post_var="none" has no variance and no prior: leave log_var_range and prior_std out')
        if self.skip == "residual" and (len(widths) != 1 or len(self.decoder) % 2):
            raise ValueError('skip="residual" needs an even number of equal decoder widths: two layers a block')
        if self.log_var_range and self.log_var_range[0] >= self.log_var_range[1]:
            raise ValueError("log_var_range must be (low, high) with low < high")
        return self

    def decoder_layers(self, d_out: int) -> list[tuple[int, int]]:
        """(inputs, outputs) of each linear map that z passes on its way to the output, the affine skip last."""
        sizes = [self.kappa, *self.decoder, d_out]
        if self.skip == "residual":
            sizes.insert(1, self.decoder[0])
        extra = self.kappa if self.skip == "concat" else 0
        layers = [(a + (extra if i else 0), b) for i, (a, b) in enumerate(pairwise(sizes))]
        return [*layers, (self.kappa, d_out)] if self.skip == "affine" else layers

    def parameters(self, d: int, d_out: int) -> int:
        """Trained numbers of the network for targets of `d_out` dimensions (log γ not counted)."""
        widths = [d, *self.encoder]
        heads = [(widths[-1], self.kappa)] * (2 if self.post_var == "amortised" else 1)
        numbers = sum((a + 1) * b for a, b in [*pairwise(widths), *heads, *self.decoder_layers(d_out)])
        biases_of_skip = d_out if self.skip == "affine" else 0
        return numbers - biases_of_skip + (self.kappa if self.post_var == "shared" else 0)

    @property
    def is_deterministic(self) -> bool:
        """Whether z is a function of x: an autoencoder, without a rate."""
        return self.post_var == "none"

    @property
    def label(self) -> str:
        return f"{'AE' if self.is_deterministic else 'VAE'} κ={self.kappa}"


class Own(Spec):
    """A network of the user's: the source of an `nn.Module` class, built as `Class(d=…, kappa=…, **options)`.

    The class offers `encode(x) -> (mu, log_var)` and `decode(z) -> x_mean` for a batch of any size, keeps no running
    statistics, and asks no data-dependent questions (packs are trained under `torch.func.vmap`). The declaration holds
    the source itself: identity changes when the code does, and a record can be trained or loaded again without the file.
    """

    kind: Literal["Own"] = "Own"
    kappa: Count
    name: str
    source: str
    options: Options = Field(default_factory=dict)

    @classmethod
    def of(cls, module: type, kappa: int, **options: Any) -> Self:
        """Declare `module` (an `nn.Module` class in a file of the user's) with `kappa` latent dimensions.

        The class is cut out of its file with the module-level names it uses; what it imports is not part of its identity.
        Raises: ValueError where the source of the class cannot be found (a notebook cell, say) or does not stand alone.
        """
        if missing := [method for method in ("encode", "decode") if not callable(getattr(module, method, None))]:
            raise ValueError(f"{module.__name__} has no {missing[0]}: a network offers encode(x) and decode(z)")
        return cls(kappa=kappa, name=module.__name__, source=source_of(module), options=options)

    def counted(self, name: str) -> Any:
        return alike(self.options) if name == "options" else super().counted(name)

    @property
    def skip(self) -> None:
        return None

    @property
    def is_deterministic(self) -> bool:
        return False

    def parameters(self, d: int, d_out: int) -> None:
        """Only building the network can tell."""
        return

    @property
    def label(self) -> str:
        return f"{self.name} κ={self.kappa}"


Model = Annotated[VAE | Own, Field(discriminator="kind"), one_of(VAE, Own)]
