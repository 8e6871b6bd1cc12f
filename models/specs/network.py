"""Which network a trial trains: the torch-free declarations. `models.networks.vae` builds them."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Self, assert_never

from pydantic import Field, model_validator

from models.specs.arguments import arguments_of
from models.specs.gaussian import Gaussian, Shaped
from models.specs.image_network import ImageVAE
from models.specs.likelihood import MEANS
from models.specs.source import source_of
from models.specs.spec import Count, Magnitude, Options, Scale, Spec, alike
from models.specs.vocabulary import Vocabulary

BETA_FEATURES = 16
"""Functions of log β that a network which sees β is made of."""


class VAE(Gaussian):
    """A Gaussian VAE with fully connected encoder and decoder and separate linear heads for μ and log σ².

    q(z|x) = N(μ(x), diag σ²(x)), and the decoder's mean m(z) is where p(x|z) has its centre. Without hidden layers the VAE
    is linear. With skip="residual" the decoder's widths are equal and come in pairs: two layers a block. How a network sees
    β is in `models.networks.beta_vae`.
    """

    kind: Literal["VAE"] = "VAE"
    encoder: tuple[Count, ...] = (64, 64)
    """Widths of the encoder's hidden layers, from the data on; () makes it linear."""
    decoder: tuple[Count, ...] = (64, 64)
    """Widths of the decoder's hidden layers, from the latents on; () makes it linear."""
    z_scale: Scale = 1.0
    """Multiplies the initial weights that take z in, those of a skip among them; by default they stay as drawn.
    With a small `mu_scale` the start is near the collapsed point, where nothing is encoded and z is ignored."""
    decoder_gain: Magnitude = 1.0
    """Multiplies the initial weights of each layer of the decoder behind its first, and not those that take z in;
    by default they stay as drawn."""
    sees_beta: Annotated[bool, Field(strict=True)] = False
    """Whether the β of each example is an input of the network, for one network to serve a spread of β; by default
    it is not."""

    @model_validator(mode="after")
    def _is_buildable(self) -> Self:
        if self.skip == "residual" and (len(set(self.decoder)) != 1 or len(self.decoder) % 2):
            raise ValueError('skip="residual" needs an even number of equal decoder widths: two layers a block')
        if self.sees_beta and (self.skip not in ("none", "affine") or self.post_var not in ("amortised", "shared")):
            raise ValueError('sees_beta needs skip="none" or "affine", and a posterior variance that is trained')
        return self

    def check(self, data: Shaped) -> None:
        """Any rows will do."""

    def beta_layers(self) -> list[int]:
        """Widths of what β scales and shifts: the encoder's layers, μ, z, and the decoder's layers."""
        return [*self.encoder, self.kappa, self.kappa, *self.decoder]

    def beta_parameters(self) -> int:
        """Trained numbers that a network has for seeing β."""
        return 2 * BETA_FEATURES + (BETA_FEATURES + 1) * (2 * sum(self.beta_layers()) + self.kappa)

    def decoder_layers(self, d_out: int) -> list[tuple[int, int]]:
        """(inputs, outputs) of each linear map that z passes on its way to the output, the affine skip last."""
        match self.skip:
            case "none":
                return [*pairwise([self.kappa, *self.decoder, d_out])]
            case "affine":
                return [*pairwise([self.kappa, *self.decoder, d_out]), (self.kappa, d_out)]
            case "residual":
                return [*pairwise([self.kappa, self.decoder[0], *self.decoder, d_out])]
            case "concat":
                first, *others = pairwise([self.kappa, *self.decoder, d_out])
                return [first, *((a + self.kappa, b) for a, b in others)]
            case skip:
                assert_never(skip)

    def parameters(self, data: Shaped) -> int:
        """Trained numbers of the network (log γ not counted)."""
        widths = [data.d_in, *self.encoder]
        d_out = data.d * data.per_value.numbers
        numbers = sum((a + 1) * b for a, b in [*pairwise(widths), *self.decoder_layers(d_out)])
        biases_of_skip = d_out if self.skip == "affine" else 0
        beside = data.per_value.trained(data.d) + (self.beta_parameters() if self.sees_beta else 0)
        return numbers - biases_of_skip + self.head_parameters(widths[-1]) + beside

    def products(self, data: Shaped) -> int:
        """Multiplications of one example on its way through the network, roughly: one for each trained number."""
        return self.parameters(data)

    def kept(self, data: Shaped) -> int:
        """Numbers that the backward pass keeps of one example, the data and what lies around z not counted."""
        return 3 * sum((*self.encoder, *self.decoder))


class Own(Spec):
    """A network of the user's: the source of an `nn.Module` class, or of a function that makes a module.

    It is called with its options, and with `d` (the columns of what it encodes) and `kappa` where it takes arguments of
    these names. The module offers `encode` and `decode` for a batch of any size; docs/your_own_network.md says what they
    are given, what they may return, and what else a module may be made of. The declaration holds the source itself:
    identity changes when the code does, and a record can be trained or loaded again without the file.
    """

    kind: Literal["Own"] = "Own"
    kappa: Count
    """How many latent dimensions κ the code z has."""
    name: str
    """The name of the class or function, which `Own.of` fills in."""
    source: str
    """The text that defines it, which `Own.of` cuts out of its file."""
    modules: dict[str, str] = Field(default_factory=dict)
    """The texts of your own modules that it imports, by name, which `Own.of` fills in."""
    options: Options = Field(default_factory=dict)
    """Further arguments that it is made with: numbers, text, lists and dicts."""

    @classmethod
    def of(cls, module: Callable[..., Any], /, kappa: int, **options: Any) -> Self:
        """Declare `module` (a class in a file of the user's) with `kappa` latent dimensions, made with `options`.

        A class with arguments of other names gets them as options: `Own.of(Net, kappa=4, latent_dim=4, input_dim=20)`.
        It is cut out of its file, or of a notebook's cells, with the names that it uses there and in your own modules that it
        imports; installed packages are no part of its identity. Raises: ValueError where it lacks an argument or a method,
        where its source cannot be found or does not stand alone, or makes another class than the one given here.
        """
        name = getattr(module, "__name__", "")
        _check_arguments(module, name, options)
        missing = [each for each in ("encode", "decode") if not callable(getattr(module, each, None))]
        if len(missing) == 1:  # of a function, and of a class with parts in their place, only building it can tell
            raise ValueError(f"{name} has no {missing[0]}: a network offers encode(x) and decode(z)")
        source = source_of(module)
        return cls(kappa=kappa, name=name, source=source.text, modules=dict(source.modules), options=options)

    def counted(self, name: str) -> Any:
        """Options by what they mean."""
        return alike(self.options) if name == "options" else super().counted(name)

    @property
    def skip(self) -> None:
        """Unknown."""
        return None

    @property
    def is_deterministic(self) -> bool:
        """It has a posterior variance."""
        return False

    def check(self, data: Shaped) -> None:
        """Raises: ValueError for a likelihood that needs more of a decoder than means; the rest only building it can tell."""
        if data.per_value != MEANS:
            raise ValueError("a network of your own decodes to means: take a VAE or an ImageVAE for this likelihood")

    def parameters(self, data: Shaped) -> None:
        """Only building the network can tell; so it is with what it costs."""
        return

    products = kept = parameters

    @property
    def label(self) -> str:
        """ "MyNet κ=4"."""
        return f"{self.name} κ={self.kappa}"


def _check_arguments(module: Callable[..., Any], name: str, options: Mapping[str, Any]) -> None:
    """Raises: ValueError for an argument that `module` needs and nobody gives, or is given and does not take."""
    try:
        names, lacking, unknown = arguments_of(module, ("d", "kappa"), options)
    except (TypeError, ValueError):  # a callable of which Python cannot tell
        return
    if lacking:
        written = ", ".join(f"{each}=..." for each in lacking)
        raise ValueError(
            f"{name} takes {' and '.join(lacking)}, which nobody gives: write Own.of({name}, ..., {written})"
        )
    if unknown:
        takes = ", ".join(names) or "nothing"
        raise ValueError(f"{name} takes no argument {unknown[0]}, but {takes}: correct it, or drop it")


Model = Annotated[VAE | ImageVAE | Own, Vocabulary()]
