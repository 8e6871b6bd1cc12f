"""The convolutional VAE that an `ImageVAE` spec declares, for one trial; see `models.specs.image_network` for its layers.

Layers are activated before their convolution, which keeps the identity around blocks free of activations.
Source: He, Zhang, Ren & Sun (2016), "Identity mappings in deep residual networks".

Resolution is doubled by a transposed convolution with a 4×4 kernel of stride 2. Its kernel is a multiple of its stride, so
every pixel is made of as many numbers as any other (Odena, Dumoulin & Olah, 2016, on checkerboards); it can be any 3×3
convolution of the picture doubled by its nearest pixels, and takes 16 multiplications where that takes 36.

Rows hold pictures as (height, width, colours), which is torch's channels-last order: nothing is copied on the way in.
"""

from collections.abc import Callable
from itertools import pairwise
from math import prod
from typing import assert_never

from jaxtyping import Float
from torch import Tensor, nn

from models.networks.heads import STD, Elementwise, GaussianNetwork, linear
from models.specs.image_network import ImageVAE, colours, groups
from models.specs.likelihood import MEANS, PerValue


class ConvolutionalVAE(GaussianNetwork):
    """Encodes rows that are pictures of shape `image`, and decodes such rows.

    Written for one trial; like `GaussianVAE` it serves a stack of them with layers that carry a leading axis of their own.
    """

    spec: ImageVAE

    def __init__(self, spec: ImageVAE, image: tuple[int, ...], per_value: PerValue = MEANS) -> None:
        super().__init__(spec, prod(image), per_value)
        self._picture = (*image[:2], colours(image))
        self._inner = (*spec.coarse(image), spec.channels[-1])
        stages = list(pairwise([colours(image), *spec.channels]))
        self.encoder = nn.Sequential(*(self._down(outer, inner, i > 0) for i, (outer, inner) in enumerate(stages)))
        self.norm = _norm(spec, spec.channels[-1])
        self._add_heads(prod(self._inner))
        self.first = linear(spec.kappa, prod(self._inner), spec)
        scales = [1.0] * (len(stages) - 1) + [spec.output_scale]
        stages[0] = (per_value.numbers * colours(image), spec.channels[0])
        self.decoder = nn.ModuleList(
            self._up(inner, outer, scale) for (outer, inner), scale in zip(reversed(stages), scales, strict=True)
        )
        match spec.skip:
            case "concat":
                self.feeds = nn.ModuleList(linear(spec.kappa, outer, spec, bias=False) for outer, _ in reversed(stages))
            case "affine":  # with biases: pixels need them for the latents' origin to be free
                self.affine = linear(spec.kappa, per_value.numbers * prod(image), spec, spec.output_scale)
            case "residual" | "none":  # a matter of the blocks
                pass
            case skip:
                assert_never(skip)

    def encode(self, x: Float[Tensor, "*n d"]) -> tuple[Float[Tensor, "*n kappa"], Float[Tensor, "*n kappa"]]:
        """Mean and log variance of q(z|x), of z in units of the prior's standard deviation."""
        h = self.encoder(_pictures(x, self._picture))
        return self._posterior(_rows(self.act(self.norm(h))))

    def decode(self, z: Float[Tensor, "*n kappa"]) -> Float[Tensor, "*n outputs"]:
        """Mean m(z) of p(x|z); z in units of the prior's standard deviation."""
        z = self._in_own_units(z)
        h = _pictures(self.first(z), self._inner)
        for i, stage in enumerate(self.decoder):
            h = stage(h)
            if self.spec.skip == "concat":
                h = h + self.feeds[i](z)[..., None, None]
        return self._with_variances(_rows(h) + (self.affine(z) if self.spec.skip == "affine" else 0))

    def _down(self, outer: int, inner: int, is_activated: bool) -> nn.Sequential:
        """A stage of the encoder: half the resolution, then blocks. The picture itself is not activated."""
        spec = self.spec
        halve = _weighted(Convolution(outer, inner, 4, stride=2, padding=1), spec, reads=16, reaches=4)
        start = _Layer(self.act, _norm(spec, outer), halve) if is_activated else halve
        return nn.Sequential(start, *(_Block(self.act, spec, inner, is_residual=True) for _ in range(spec.blocks)))

    def _up(self, inner: int, outer: int, scale: float) -> nn.Sequential:
        """A stage of the decoder: blocks, then twice the resolution."""
        spec = self.spec
        blocks = [_Block(self.act, spec, inner, is_residual=spec.skip == "residual") for _ in range(spec.blocks)]
        double = _weighted(Transposed(inner, outer, 4, stride=2, padding=1), spec, reads=4, reaches=16, scale=scale)
        return nn.Sequential(*blocks, _Layer(self.act, _norm(spec, inner), double))


def _of_any_batch(layer: type[nn.Module]) -> Callable[..., Float[Tensor, "*n outer high wide"]]:
    """The `forward` of a layer that knows one axis of examples, for any number: (*n, channels, height, width)."""

    def forward(self: nn.Module, h: Float[Tensor, "*n channels height width"]) -> Float[Tensor, "*n outer high wide"]:
        out = layer.forward(self, h.reshape(-1, *h.shape[-3:]))
        return out.reshape(*h.shape[:-3], *out.shape[-3:])

    return forward


class Convolution(nn.Conv2d):
    forward = _of_any_batch(nn.Conv2d)


class Transposed(nn.ConvTranspose2d):
    forward = _of_any_batch(nn.ConvTranspose2d)


class Norm(nn.GroupNorm):
    forward = _of_any_batch(nn.GroupNorm)


class _Layer(nn.Module):
    """[GroupNorm →] activation → convolution."""

    def __init__(self, act: Elementwise, norm: nn.Module, convolution: nn.Module) -> None:
        super().__init__()
        self.act, self.norm, self.convolution = act, norm, convolution

    def forward(self, h: Float[Tensor, "*n channels height width"]) -> Float[Tensor, "*n outer high wide"]:
        return self.convolution(self.act(self.norm(h)))


class _Block(nn.Module):
    """Two layers of 3×3 convolutions, with an identity around both or without.

    With one, the second starts smaller by the root of how many such blocks follow one another, so that their sum neither
    grows nor drowns its input with their number. Source: Hayou et al. (2021), "Stable ResNet", uniform scaling.
    """

    def __init__(self, act: Elementwise, spec: ImageVAE, channels: int, is_residual: bool) -> None:
        super().__init__()
        self.is_residual = is_residual
        last = (spec.blocks * len(spec.channels)) ** -0.5 if is_residual else 1.0
        self.layers = nn.Sequential(*(self._layer(act, spec, channels, scale) for scale in (1.0, last)))

    def forward(self, h: Float[Tensor, "*n channels height width"]) -> Float[Tensor, "*n channels height width"]:
        return h + self.layers(h) if self.is_residual else self.layers(h)

    @staticmethod
    def _layer(act: Elementwise, spec: ImageVAE, channels: int, scale: float) -> _Layer:
        convolution = Convolution(channels, channels, 3, padding=1)
        return _Layer(act, _norm(spec, channels), _weighted(convolution, spec, reads=9, reaches=9, scale=scale))


def _norm(spec: ImageVAE, channels: int) -> nn.Module:
    match spec.norm:
        case "none":
            return nn.Identity()
        case "group":
            return Norm(groups(channels), channels)
        case norm:
            assert_never(norm)


def _weighted(
    layer: Convolution | Transposed, spec: ImageVAE, reads: int, reaches: int, scale: float = 1.0
) -> Convolution | Transposed:
    """The layer with the declared initial weights: an output reads so many pixels, and an input reaches so many."""
    std = STD[spec.init](reads * layer.in_channels, reaches * layer.out_channels)
    nn.init.normal_(layer.weight, std=scale * std)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _pictures(rows: Float[Tensor, "*n d"], shape: tuple[int, ...]) -> Float[Tensor, "*n channels height width"]:
    return rows.unflatten(-1, shape).movedim(-1, -3)


def _rows(pictures: Float[Tensor, "*n channels height width"]) -> Float[Tensor, "*n d"]:
    return pictures.movedim(-3, -1).flatten(-3)
