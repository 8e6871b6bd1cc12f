"""Features of images without a trained network: moduli of random convolutions, averaged over the image at every scale.

Each scale is a 3×3 convolution with seeded random filters (orthonormal where there are few enough), the modulus and a 2×2
average; an image's features are the mean moduli of all scales, three for 28×28 and one more for each doubling. The modulus
makes them see what covariances of pixels cannot: on Fashion-MNIST Gaussian noise of the data's own mean and covariance lies
as near to the data as real images do in pixels or principal components, and two orders of magnitude further off in these.

They are no Inception features: a Fréchet distance in them is called fd_conv, a kernel distance kd_conv.

Source: derived here, after the scattering transform of Bruna & Mallat (2013), with random filters for wavelets.
"""

import math
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as nnf
from jaxtyping import Float, Num
from torch import Tensor

from models.streams import stream

_CHANNELS = (8, 24, 32, 32, 32, 32)
_ROWS = 256

Rows = Float[np.ndarray, "n d"]


class ConvFeatures:
    """Random features of image rows, in the order height, width and, for colour, channels; in the units of the rows."""

    def __init__(self, image: tuple[int, ...]) -> None:
        """For images of the shape (height, width) or (height, width, channels)."""
        self.image = image
        scales = round(math.log2(min(image[:2]) / 28)) + 3
        self.channels = _CHANNELS[: min(max(scales, 2), len(_CHANNELS))]

    @cached_property
    def _filters(self) -> list[Float[Tensor, "out in 3 3"]]:
        generator = stream(0, "features")  # one network for all data sets, trials and seeds
        inputs = (self.image[2] if len(self.image) > 2 else 1, *self.channels)
        filters = []
        for n_in, n_out in zip(inputs, self.channels, strict=False):
            weights = torch.randn(n_out, 9 * n_in, generator=generator)
            if n_out <= 9 * n_in:
                weights = torch.linalg.qr(weights.T)[0].T
            filters.append(nnf.normalize(weights).reshape(n_out, n_in, 3, 3))
        return filters

    @torch.no_grad()
    def __call__(self, rows: Rows) -> Float[Tensor, "n features"]:
        return torch.cat([self._of(part) for part in torch.from_numpy(rows).float().split(_ROWS)]).double()

    def _of(self, rows: Float[Tensor, "n d"]) -> Float[Tensor, "n features"]:
        maps, means = as_pictures(rows, self.image), []
        for weights in self._filters:
            maps = nnf.conv2d(maps, weights, padding=1).abs()
            means.append(maps.mean((2, 3)))
            maps = nnf.avg_pool2d(maps, 2, ceil_mode=True)
        return torch.cat(means, dim=1)


def as_pictures(rows: Num[Tensor, "n d"], image: tuple[int, ...]) -> Num[Tensor, "n channels height width"]:
    """Rows in the order that convolutions take."""
    height, width, channels = (*image, 1)[:3]
    return rows.reshape(-1, height, width, channels).permute(0, 3, 1, 2)


def standardised(features: Float[Tensor, "n d"], like: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """Features less the mean of others, in units of their standard deviation; those that don't vary become zero."""
    std, mean = torch.std_mean(like, dim=0)
    return torch.where(std > 1e-6 * std.max(), (features - mean) / std, 0)
