"""Pictures of one trial, as PNG bytes: its images for MLflow and for the report, and the rate of each latent dimension.

Drawn from plain arrays with Pillow: a plotting library takes some eighty milliseconds a picture, beside the training.
"""

import io
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float

Images = Float[np.ndarray, "images height width *colour"]

ROWS = {
    "original": "original",
    "reconstruction": "reconstruction",
    "sample": "prior sample",
    "interpolation": "interpolation",
}
"""The arrays of a trial's pictures (images × height × width, in colour × 3), in the order shown, and what they are called."""

ACTIVE, INACTIVE, INK, GRID = "#2f6db3", "#c5ccd6", "#2b2f36", "#eceff3"
WIDTH, HEIGHT = 560, 290
FRAME = (64, 62, WIDTH - 16, HEIGHT - 46)
"""Left, top, right and bottom of the bars, in pixels."""

MOST_NUMBERED = 24
"""Latents up to which each bar has its number below it."""

CELL, GAP, MARGIN, COLUMNS = 56, 4, 112, 10
"""In pixels, but for the columns; a picture that is larger than a cell is shown at its own size."""

TILES, SIDE, SPACE = 6, 40, 2
"""Of a strip: its pictures, the largest side of one in pixels, and the pixels between them."""


def value_scale(originals: Images) -> tuple[float, float]:
    """The values that are black and white in all pictures beside these: a blurred or faded reconstruction looks so."""
    low, high = float(np.nanmin(originals)), float(np.nanmax(originals))
    return (low, high) if high > low else (low, low + 1)


def reconstructions(pictures: Mapping[str, Images]) -> bytes:
    """A grid of images in grey or in colour: originals, their reconstructions, samples, and the way from one to another.

    All rows share the scale of the originals.
    """
    from PIL import Image, ImageDraw

    named = {text: pictures[name] for name, text in ROWS.items() if name in pictures}
    rows = [(text, np.asarray(images, np.float32)[:COLUMNS]) for text, images in named.items()]
    scale = value_scale(rows[0][1])
    columns, shape = max(len(images) for _, images in rows), rows[0][1].shape
    height, width = (max(CELL, pixels) for pixels in shape[1:3])
    size = (MARGIN + columns * (width + GAP) + GAP, len(rows) * (height + GAP) + GAP)
    canvas = Image.new("RGB" if len(shape) == 4 else "L", size, "white")
    pen = ImageDraw.Draw(canvas)
    for i, (name, images) in enumerate(rows):
        top = GAP + i * (height + GAP)
        pen.text((GAP + 4, top + height // 2), name, fill=INK if len(shape) == 4 else 43, font=_font(13), anchor="lm")
        for j, levels in enumerate(_levels(images, scale)):
            cell = Image.fromarray(levels).resize((width, height), Image.Resampling.NEAREST)
            canvas.paste(cell, (MARGIN + j * (width + GAP), top))
    return _png(canvas)


def strip(images: Images, scale: tuple[float, float]) -> bytes:
    """The first images in a row of small pictures, with nothing between them; `scale` is that of `value_scale`."""
    from PIL import Image

    shown = np.asarray(images, np.float32)[:TILES]
    height, width = shown.shape[1:3]
    factor = SIDE / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    filtered = Image.Resampling.NEAREST if factor > 1 else Image.Resampling.LANCZOS
    mode = "RGBA" if shown.ndim == 4 else "LA"
    canvas = Image.new(mode, (TILES * (SIDE + SPACE), SIDE), (0,) * len(mode))
    for i, levels in enumerate(_levels(shown, scale)):
        canvas.paste(Image.fromarray(levels).convert(mode).resize(size, filtered), (i * (SIDE + SPACE), 0))
    return _png(canvas, optimize=True)


def latent_rates(rates: Sequence[float | None], variances: Sequence[float | None], threshold: float = 0.5) -> bytes:
    """Bars of the rate (nats) of each latent dimension, largest first; active ones (posterior variance < 0.5) coloured."""
    from PIL import Image, ImageDraw

    heights = np.nan_to_num(np.array(rates, float))
    active = np.array(variances, float) < threshold
    order = np.argsort(-heights, kind="stable")
    canvas = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(canvas)
    left, top, right, bottom = FRAME
    pen.text((left, 22), f"{active.sum()} of {len(order)} latents active", fill=INK, font=_font(15), anchor="lm")
    pen.text(((left + right) // 2, HEIGHT - 12), "latent dimension, by rate", fill=INK, font=_font(12), anchor="mm")
    pen.text((left, top - 16), "rate (nats)", fill=INK, font=_font(12), anchor="rm")
    highest, step = _scale(float(heights.max(initial=0.0)))
    for tick in np.arange(0.0, highest + step / 2, step):
        height = round(bottom - (bottom - top) * tick / highest)
        pen.line((left, height, right, height), fill=GRID)
        pen.text((left - 8, height), f"{tick:g}", fill=INK, font=_font(11), anchor="rm")
    width = (right - left) / max(1, len(order))
    for place, index in enumerate(order):
        start, level = left + place * width, round(bottom - (bottom - top) * max(0.0, float(heights[index])) / highest)
        pen.rectangle(
            (start + width / 8, level, start + 7 * width / 8, bottom), fill=ACTIVE if active[index] else INACTIVE
        )
        if len(order) <= MOST_NUMBERED:
            pen.text((start + width / 2, bottom + 12), str(index), fill=INK, font=_font(11), anchor="mm")
    for name, colour, start in (("active", ACTIVE, right - 150), ("inactive", INACTIVE, right - 76)):
        pen.rectangle((start, 17, start + 10, 27), fill=colour)
        pen.text((start + 16, 22), name, fill=INK, font=_font(12), anchor="lm")
    return _png(canvas)


def _scale(highest: float) -> tuple[float, float]:
    """A round number at or above the highest value, and a round step that divides it into three to six parts."""
    if highest <= 0:
        return 1.0, 0.25
    power = 10.0 ** np.floor(np.log10(highest))
    step = next(size for size in (0.2 * power, 0.5 * power, power, 2 * power) if highest <= 6 * size)
    return float(step * np.ceil(highest / step)), float(step)


@cache
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _levels(images: Images, scale: tuple[float, float]) -> np.ndarray:
    """Images in 256 levels; NaN is shown as zero."""
    low, high = scale
    return (255 * np.clip((np.nan_to_num(images) - low) / (high - low), 0, 1)).astype(np.uint8)


def _png(canvas: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    canvas.save(buffer, format="png", **options)
    return buffer.getvalue()
