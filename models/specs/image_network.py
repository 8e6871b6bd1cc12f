"""The convolutional VAE for pictures: its torch-free declaration, and what its layers cost (built by `models.networks`)."""

from itertools import pairwise
from math import gcd, prod
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from models.specs.gaussian import Activation, Gaussian, Init, Shaped
from models.specs.likelihood import MEANS, PerValue
from models.specs.spec import Count, Whole

Norm = Literal["none", "group"]
"""What stands before every activation: nothing, or a GroupNorm over each example alone, in the `groups` below.

Source: Wu & He (2018). Statistics of a batch are no choice: a trial's numbers would depend on how its data are cut.
"""


class Convolution(NamedTuple):
    """One convolution: channels in and out, the side of its kernel, and at how many places the kernel is laid."""

    inputs: int
    outputs: int
    kernel: int
    places: int

    @property
    def weights(self) -> int:
        """Trained numbers, without biases."""
        return self.inputs * self.outputs * self.kernel**2

    @property
    def products(self) -> int:
        """Multiplications for one example."""
        return self.weights * self.places


class ImageVAE(Gaussian):
    """A Gaussian VAE with convolutional encoder and decoder, for grey or colour pictures.

    Each of its `channels` is a stage of the encoder: a 4×4 convolution of stride 2, which halves the resolution, and `blocks`
    residual blocks of two 3×3 convolutions. The heads are linear in all numbers of the last stage. The decoder mirrors
    the encoder: z enters by a linear layer, and a stage's blocks are followed by a 4×4 transposed convolution of stride 2.
    So pictures of 28×28 pixels take two stages, of 64×64 up to six: a stage halves even sides only.

    `skip` is about the decoder alone; the encoder's blocks always have their identity. none: the decoder's blocks have
    none. affine: a linear map z → x is added to the picture. residual: the decoder's blocks have an identity around them.
    concat: z is fed to every stage, as a linear map of z added to the channels that the stage hands on: concatenating
    z's broadcast amounts to this, except at the border, where padding would keep the latents' origin from being free.
    """

    kind: Literal["ImageVAE"] = "ImageVAE"
    channels: Annotated[tuple[Count, ...], Field(min_length=1)] = (32, 64)
    """Channels of each stage of the encoder, from the picture on; a stage halves height and width."""
    blocks: Annotated[Whole, Field(ge=0, lt=2**31)] = 1
    """Residual blocks in each stage, of two 3×3 convolutions each."""
    norm: Norm = "none"
    """What stands before every activation: nothing, or a GroupNorm over each example alone."""
    activation: Activation = "relu"
    """The function between layers: ReLU, other than in a `VAE`."""
    init: Init = "he"
    """The standard deviation of the initial weights, as in a `VAE`; the default is another."""

    @model_validator(mode="after")
    def _is_buildable(self) -> Self:
        if self.skip == "residual" and not self.blocks:
            raise ValueError('skip="residual" is an identity around blocks, and blocks = 0: declare at least one')
        return self

    def check(self, data: Shaped) -> None:
        """Raises: ValueError where the data are no pictures that can be halved so often."""
        if data.image is None or data.d_in != data.d:
            raise ValueError("an ImageVAE takes pictures, and these data are none: take a VAE, or declare their image")
        height, width, stages = *data.image[:2], len(self.channels)
        most = min(_halvings(height), _halvings(width))
        if stages > most:
            fewer = f"declare {most} channels at most, or " if most else ""
            raise ValueError(
                f"pictures of {height}×{width} pixels cannot be halved {stages} times, once for each of the channels: "
                f"{fewer}crop or pad them to multiples of {2**stages}"
            )

    def convolutions(
        self, image: tuple[int, ...], per_value: PerValue = MEANS
    ) -> tuple[list[Convolution], list[Convolution]]:
        """The convolutions of the encoder and of the decoder, in the order in which they are applied."""
        stages = list(pairwise([colours(image), *self.channels]))
        encoder, decoder = [], []
        for depth, (outer, inner) in enumerate(stages, start=1):
            places = prod(self.coarse(image, depth))
            block = [Convolution(inner, inner, 3, places)] * (2 * self.blocks)
            encoder += [Convolution(outer, inner, 4, places), *block]
            decoder = [*block, Convolution(inner, outer, 4, places), *decoder]
        last = decoder[-1]
        return encoder, [*decoder[:-1], last._replace(outputs=last.outputs * per_value.numbers)]

    def coarse(self, image: tuple[int, ...], depth: int | None = None) -> tuple[int, int]:
        """Height and width of a picture after so many stages, by default after all of them."""
        factor = 2 ** (len(self.channels) if depth is None else depth)
        return image[0] // factor, image[1] // factor

    def parameters(self, data: Shaped) -> int:
        """Trained numbers of the network (log γ not counted)."""
        convolutions = [layer for half in self.convolutions(_image(data), data.per_value) for layer in half]
        numbers = sum(layer.weights + layer.outputs for layer in convolutions)
        if self.norm == "group":  # before every convolution but the first, and before the heads
            numbers += 2 * (sum(layer.inputs for layer in convolutions[1:]) + self.channels[-1])
        features = self.channels[-1] * prod(self.coarse(_image(data)))
        biases = features + (data.d * data.per_value.numbers if self.skip == "affine" else 0)
        numbers += self.head_parameters(features) + self._of_z(data, features) + biases
        return numbers + data.per_value.trained(data.d)

    def products(self, data: Shaped) -> int:
        """Multiplications of one example on its way to the heads and back to a picture: convolutions count by pixels."""
        features = self.channels[-1] * prod(self.coarse(_image(data)))
        convolutions = sum(layer.products for half in self.convolutions(_image(data), data.per_value) for layer in half)
        return convolutions + self.head_parameters(features) + self._of_z(data, features)

    def kept(self, data: Shaped) -> int:
        """Numbers that the backward pass keeps of one example: what each convolution reads, and how that came about."""
        encoder, decoder = self.convolutions(_image(data), data.per_value)
        read = sum(layer.inputs * layer.places * (4 if layer.kernel == 4 else 1) for layer in encoder)  # 4×4 halves
        read += sum(layer.inputs * layer.places for layer in decoder) + self.channels[-1] * prod(
            self.coarse(_image(data))
        )
        return read * (1 + (self.norm == "group") + (self.activation == "gelu"))

    def _of_z(self, data: Shaped, features: int) -> int:
        """Weights of the linear maps of z: into the decoder, and past its layers."""
        each = data.per_value.numbers
        fed = sum(self.channels[:-1]) + each * colours(_image(data)) if self.skip == "concat" else 0
        return self.kappa * (features + fed + (each * data.d if self.skip == "affine" else 0))


def groups(channels: int) -> int:
    """Into how many groups a GroupNorm puts so many channels: eight at most, of four or more each.

    A group of one channel would leave the bias before it without a gradient, and Adam would follow its rounding errors.
    """
    return max(1, gcd(32, channels) // 4)


def colours(image: tuple[int, ...]) -> int:
    """Channels of a picture of this shape: (height, width) of grey, (height, width, channels) of colour ones."""
    return image[2] if len(image) == 3 else 1


def _image(data: Shaped) -> tuple[int, ...]:
    if data.image is None:
        raise ValueError("these data are no pictures")
    return data.image


def _halvings(side: int) -> int:
    """How often a side can be halved: the exponent of 2 in it."""
    return (side & -side).bit_length() - 1
