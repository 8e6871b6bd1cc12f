"""The kernel distance of two samples' features: the unbiased MMD² of the kernel (aᵀb/d + 1)³.

On the features of the standard Inception network it is the KID, and on nothing else. Unlike the Fréchet distance it is
unbiased at every sample size, may be negative, and sees skewness too.

Source: Bińkowski, Sutherland, Arbel & Gretton (2018), section 4.
"""

import math

from jaxtyping import Float
from torch import Tensor

from models.metrics.mmd import mmd

SUBSET = 1000
"""Rows of each sample that are compared with each other, so that the cost grows with the sample and not its square."""


def cubic(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """The polynomial kernel of degree 3."""
    return (a @ b.T / a.shape[1]).add_(1).pow_(3)


def kernel_distance(a: Float[Tensor, "n d"], b: Float[Tensor, "n d"]) -> tuple[float, float]:
    """The mean of the estimates over disjoint subsets of about `SUBSET` rows, and its standard error.

    Disjoint, so that the estimates are independent and their errors add; the usual random subsets overlap, and what is
    printed beside them is the spread of single subsets.
    Raises: ValueError for fewer than two rows.
    """
    subsets = max(1, len(a) // SUBSET)
    parts = zip(a.double().tensor_split(subsets), b.double().tensor_split(subsets), strict=True)
    estimates = [mmd(*part, cubic) for part in parts]
    value = sum(value for value, _ in estimates) / subsets
    return value, math.sqrt(sum(error**2 for _, error in estimates)) / subsets
