"""Rows of pictures with a name beside each, as one image."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

GAP = 1
"""White pixels around a picture."""


Pictures = Float[np.ndarray, "images height width *colour"]


def show_rows(ax: Axes, rows: Sequence[tuple[str, Pictures]]) -> None:
    """Draw names, each with its pictures, grey or in colour and of one size; values outside [0, 1] are clipped."""
    tiles = [np.hstack([_framed(picture) for picture in row]) for _, row in rows]
    ax.imshow(np.vstack(tiles), cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="equal")
    height = tiles[0].shape[0]
    ax.set_yticks([height * (i + 0.5) for i in range(len(rows))], [name for name, _ in rows])
    ax.set_xticks([])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)


def _framed(picture: np.ndarray) -> np.ndarray:
    """A white frame around a picture, not around its colours."""
    around = ((GAP, GAP), (GAP, GAP), (0, 0))[: picture.ndim]
    return np.pad(np.clip(picture, 0, 1), around, constant_values=1)
