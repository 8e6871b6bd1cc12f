"""What the declarations of all data sets share: examples of `d` dimensions, from a network of `d_in` inputs."""

from math import prod
from typing import Annotated, ClassVar, Protocol

from pydantic import AfterValidator

from models.specs.likelihood import MEANS, PerValue
from models.specs.spec import Count, Spec


def _is_shape(image: tuple[int, ...]) -> tuple[int, ...]:
    if len(image) == 2 or image[2:] == (3,):
        return image
    raise ValueError("should be (height, width), or (height, width, 3) for pictures in colour")


Image = Annotated[tuple[Count, ...], AfterValidator(_is_shape)]
"""(height, width) of grey pictures, (height, width, 3) of pictures in colour: a row of data in this order."""


class _Sized(Protocol):
    @property
    def d(self) -> int: ...


class Examples(Spec):
    """Examples that a network encodes, and decodes to again: whoever decodes to something else says so in `d_in`."""

    version: ClassVar[int | None] = 1

    has_targets: ClassVar[bool] = False
    """Whether a network decodes to something else than what it encodes."""

    is_decoded: ClassVar[bool] = False
    """Whether pictures are decoded from files, by a library whose last digits may differ between machines."""

    is_own: ClassVar[bool] = False
    """Whether a function of the user's makes the data."""

    @property
    def d_in(self: _Sized) -> int:
        """Dimensions of what is encoded."""
        return self.d

    @property
    def levels(self) -> int | None:
        """How many values a number of an example can take, from black to white; None where it can take any."""
        return None

    @property
    def per_value(self) -> PerValue:
        """What a decoder gives for each value, but for a likelihood that needs more: its mean."""
        return MEANS


class _Pictured(Protocol):
    @property
    def image(self) -> tuple[int, ...]: ...


class Pictures(Examples):
    """Pictures whose size follows from their declaration, and of no known dimension."""

    @property
    def d(self: _Pictured) -> int:
        """Numbers of a picture."""
        return prod(self.image)

    @property
    def levels(self) -> int:
        """Those of bytes."""
        return 256
