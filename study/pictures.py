"""Pictures of one trial, as PNG bytes: its reconstructions, and the rate of each latent dimension.

Drawn from plain arrays, without pyplot: figures are objects here, so a thread can draw while another program plots.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

ROWS = {"original": "original", "reconstruction": "reconstruction", "sample": "prior sample"}
"""The arrays of a trial's pictures (images × height × width), in the order they are shown, and what they are called."""

ACTIVE, INACTIVE, INK = "#2f6db3", "#c5ccd6", "#2b2f36"
CELL, GAP, MARGIN, COLUMNS = 56, 4, 112, 10


def reconstructions(pictures: Mapping[str, np.ndarray]) -> bytes:
    """A grid of grey images: the originals, their reconstructions, and samples of the prior below them.

    All rows share one grey scale, the originals', so that a blurred or faded reconstruction looks so.
    """
    from PIL import Image, ImageDraw, ImageFont

    named = {text: pictures[name] for name, text in ROWS.items() if name in pictures}
    rows = [(text, np.asarray(images, np.float32)[:COLUMNS]) for text, images in named.items()]
    low, high = _grey_scale(rows[0][1])
    columns = max(len(images) for _, images in rows)
    size = (MARGIN + columns * (CELL + GAP) + GAP, len(rows) * (CELL + GAP) + GAP)
    canvas = Image.new("L", size, 255)
    pen = ImageDraw.Draw(canvas)
    for i, (name, images) in enumerate(rows):
        top = GAP + i * (CELL + GAP)
        pen.text((GAP + 4, top + CELL // 2), name, fill=43, font=ImageFont.load_default(13), anchor="lm")
        for j, image in enumerate(images):
            grey = np.clip((np.nan_to_num(image) - low) / (high - low), 0, 1)
            cell = Image.fromarray((255 * grey).astype(np.uint8))
            canvas.paste(cell.resize((CELL, CELL), Image.Resampling.NEAREST), (MARGIN + j * (CELL + GAP), top))
    return _png(canvas.save)


def latent_rates(rates: Sequence[float | None], variances: Sequence[float | None], threshold: float = 0.5) -> bytes:
    """Bars of the rate (nats) of each latent dimension, largest first; active ones (posterior variance < 0.5) coloured."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    heights = np.nan_to_num(np.array(rates, float))
    active = np.array(variances, float) < threshold
    order = np.argsort(-heights, kind="stable")
    figure = Figure(figsize=(5.6, 2.9), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    places = np.arange(len(order))
    for which, colour, name in ((active[order], ACTIVE, "active"), (~active[order], INACTIVE, "inactive")):
        if which.any():
            axes.bar(places[which], heights[order][which], color=colour, width=0.8, label=name)
    if len(order) <= 40:
        axes.set_xticks(places, [str(index) for index in order], fontsize=8)
    axes.set_xlabel("latent dimension, by rate", color=INK)
    axes.set_ylabel("rate (nats)", color=INK)
    axes.set_title(f"{active.sum()} of {len(order)} latents active", loc="left", fontsize=11, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return _png(figure.savefig)


def _grey_scale(originals: np.ndarray) -> tuple[float, float]:
    low, high = float(np.nanmin(originals)), float(np.nanmax(originals))
    return (low, high) if high > low else (low, low + 1)


def _png(save: Callable[..., Any]) -> bytes:
    buffer = io.BytesIO()
    save(buffer, format="png")
    return buffer.getvalue()
