"""Maximum mean discrepancy between the aggregate posterior q(z) and the prior N(0, I).

Kernel: k(a, b) = Σ_s C_s/(C_s + ‖a−b‖²), C_s = 2κs, s ∈ {.1, .2, .5, 1, 2, 5, 10}: a sum of inverse multiquadrics.
The estimate is unbiased (it may be negative) and comparable between models of one κ; one z ~ q(z|x) per x, never means.

Source: Tolstikhin, Bousquet, Gelly & Schölkopf (2018), section 4.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

VERSION = 1
SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def mmd_imq(z: Float[Tensor, "n kappa"], prior: Float[Tensor, "n kappa"]) -> tuple[float, float]:
    """The unbiased MMD² of two samples of equal size, and its standard error (first-order, from the row means).

    Raises: ValueError for fewer than two points.
    """
    n = len(z)
    if n < 2:
        raise ValueError("an unbiased MMD needs at least two points of each sample")
    own, other = _means_to_the_others(z), _means_to_the_others(prior)
    between = _kernel(z, prior)
    value = own.mean() + other.mean() - 2 * between.mean()
    variance = 4 * ((own - between.mean(1)).var() + (other - between.mean(0)).var()) / n
    return float(value), math.sqrt(float(variance))


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    squares = (a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T).clamp_(min=0)
    total = torch.zeros_like(squares)
    for scale in SCALES:
        constant = 2 * a.shape[1] * scale
        total += constant / (squares + constant)
    return total


def _means_to_the_others(a: Tensor) -> Tensor:
    """Mean kernel of each point to every point but itself."""
    kernel = _kernel(a, a)
    return (kernel.sum(1) - kernel.diagonal()) / (len(a) - 1)
