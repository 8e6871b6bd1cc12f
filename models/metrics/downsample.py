"""Pictures shrunk to half their size and enlarged again: what they lose is fine detail, which few people would miss.

A distance that finds them far from the originals punishes what nobody sees. Source: "On the regularization balance in
autoencoder-based generative models", tables 3 and 4, row Downsample (128 → 64 → 128 pixels).
"""

import numpy as np
import torch
from jaxtyping import Float
from torch.nn.functional import interpolate

from models.metrics.features import as_pictures

Rows = Float[np.ndarray, "n d"]


def downsampled(rows: Rows, image: tuple[int, ...]) -> Rows:
    """Pictures of shape (height, width) or (height, width, channels), as rows, resized by cubic interpolation both ways.

    None becomes darker than the darkest of all pixels given, or lighter than the lightest.
    """
    pictures = as_pictures(torch.from_numpy(rows), image)
    small = interpolate(pictures, [-(-side // 2) for side in image[:2]], mode="bicubic", antialias=True)
    large = interpolate(small, list(image[:2]), mode="bicubic").clamp(pictures.min(), pictures.max())
    return large.movedim(1, -1).reshape(rows.shape).numpy()
