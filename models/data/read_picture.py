"""One picture from its file: decoded whole, cut to a square, shrunk. If it is damaged, a clause says how."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

if TYPE_CHECKING:  # Pillow is imported where a picture is decoded: other data sets do without
    import PIL.Image

_DEEP = ("I;16", "I;16B", "I;16L", "I", "F")
"""Pillow's modes of more than eight bits a channel."""


class PictureError(Exception):
    """A file that is no sound picture; the message goes on from its path: "is cut short"."""


@dataclass(frozen=True)
class Frame:
    """What of a picture is seen: `size` × `size` pixels of its centred square of `crop` pixels, else of the largest.

    Where `whole` = (width, height) is given, pictures of another size are refused.
    """

    size: int
    channels: int
    crop: int | None = None
    whole: tuple[int, int] | None = None

    @property
    def d(self) -> int:
        """Numbers that a picture has."""
        return self.size**2 * self.channels


def read_picture(path: Path, frame: Frame) -> UInt8[np.ndarray, " d"]:
    """The picture as a row of bytes in the order (height, width, channels). Raises: PictureError."""
    from PIL.Image import Resampling

    try:
        content = path.read_bytes()
    except OSError as fault:
        raise PictureError(f"cannot be read ({fault.strerror})") from fault
    picture = _decoded(content)
    if frame.whole and picture.size != frame.whole:
        raise PictureError(f"has {_pixels(picture.size)} pixels, not {_pixels(frame.whole)}")
    side = frame.crop or min(picture.size)
    if side < frame.size:
        raise PictureError(f"has {_pixels(picture.size)} pixels, too few for {_pixels((frame.size, frame.size))}")
    left, top = ((length - side) // 2 for length in picture.size)
    square = _coloured(picture, frame.channels).crop((left, top, left + side, top + side))
    if side != frame.size:
        square = square.resize((frame.size, frame.size), Resampling.BILINEAR)
    return np.asarray(square, np.uint8).reshape(-1)


def _decoded(content: bytes) -> "PIL.Image.Image":
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=["JPEG", "PNG"]) as picture:
            picture.verify()  # the check sums of a PNG, which decoding does not look at
        picture = Image.open(io.BytesIO(content), formats=["JPEG", "PNG"])
        picture.load()
    except UnidentifiedImageError as fault:
        raise PictureError("is no jpg or png picture") from fault
    except Exception as fault:  # whatever the decoder raises, the file is damaged
        raise PictureError(f"is corrupt or cut short ({fault})") from fault
    ImageOps.exif_transpose(picture, in_place=True)
    return picture


def _coloured(picture: "PIL.Image.Image", channels: int) -> "PIL.Image.Image":
    """In colour or in grey, with what is transparent laid on white."""
    from PIL import Image

    if picture.mode in _DEEP:
        raise PictureError("has more than eight bits a channel")
    if picture.has_transparency_data:
        ground = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(ground, picture.convert("RGBA"))
    return picture.convert("L" if channels == 1 else "RGB")


def _pixels(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"
