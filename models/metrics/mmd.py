"""Maximum mean discrepancy: between the aggregate posterior q(z) and the prior N(0, I), or generated rows and data.

Kernel in code space: k(a, b) = Σ_s C_s/(C_s + ‖a−b‖²), C_s = 2κs, s ∈ {.1, .2, .5, 1, 2, 5, 10}: a sum of inverse
multiquadrics. The estimate is unbiased (it may be negative) and comparable between models of one κ; one z ~ q(z|x) per
x, never means. In data space: k(a, b) = exp(−‖a−b‖²/2σ²), where σ² comes from the training set alone, so that the
estimate is comparable between models of one data set.

Source: Tolstikhin, Bousquet, Gelly & Schölkopf (2018), section 4; Gretton et al. (2012), lemma 6.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

_ROWS = 64
"""Rows of a kernel matrix that a CPU core computes at a time, so that they stay in its cache."""


Kernel = Callable[[Float[Tensor, "n d"], Float[Tensor, "m d"]], Float[Tensor, "n m"]]
"""Rows (n, d) and (m, d) to their kernel matrix (n, m), in memory of its own."""


def constants_of(kappa: int) -> list[float]:
    """The C_s of codes of κ numbers."""
    return [2 * kappa * scale for scale in SCALES]


def imq(a: Float[Tensor, "n kappa"], b: Float[Tensor, "m kappa"]) -> Float[Tensor, "n m"]:
    """The sum of inverse multiquadrics."""
    squares = _squared_distances(a, b)
    total = torch.zeros_like(squares)
    for constant in constants_of(a.shape[1]):
        total.add_((squares + constant).reciprocal_(), alpha=constant)
    return total


def rbf(variance: float) -> Kernel:
    """The Gaussian kernel exp(−‖a−b‖²/2σ²) of variance σ², in data²."""

    def kernel(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
        return _squared_distances(a, b).mul_(-0.5 / variance).exp_()

    return kernel


def data_variance(rows: Float[Tensor, "n d"]) -> float:
    """σ² = 0.1 × the squared median of the pairwise distances, in data²; of training rows, a thousand or two."""
    return 0.1 * float(torch.pdist(rows).median()) ** 2


def mmd_imq(
    z: Float[Tensor, "n kappa"], prior: Float[Tensor, "n kappa"], within_prior: Float[Tensor, " n"] | None = None
) -> tuple[float, float]:
    """The unbiased MMD² of two samples in code space, and its standard error; see `mmd`."""
    return mmd(z, prior, imq, within_prior)


def mmd(
    a: Float[Tensor, "n d"], b: Float[Tensor, "n d"], kernel: Kernel, within_b: Float[Tensor, " n"] | None = None
) -> tuple[float, float]:
    """The unbiased MMD² of two samples of equal size, and its standard error (first-order, from the row means).

    The standard error errs upwards where both samples are of one distribution, by √2. `within_b` is
    `means_to_the_others(b, kernel)`, where it is known already.
    Raises: ValueError for fewer than two points.
    """
    n = len(a)
    if n < 2:
        raise ValueError("an unbiased MMD needs at least two points of each sample")
    own = means_to_the_others(a, kernel)
    other = means_to_the_others(b, kernel) if within_b is None else within_b
    of_a, of_b = torch.empty_like(own), torch.zeros_like(own)
    for rows in _blocks(a):
        cross = kernel(a[rows], b)
        of_a[rows] = cross.mean(1)
        of_b += cross.sum(0) / n
    value = own.mean() + other.mean() - 2 * of_a.mean()
    variance = 4 * ((own - of_a).var() + (other - of_b).var()) / n
    return float(value), math.sqrt(float(variance))


def means_to_the_others(a: Float[Tensor, "n d"], kernel: Kernel = imq) -> Float[Tensor, " n"]:
    """Mean kernel of each point to every point but itself; each pair is computed once."""
    sums = torch.zeros_like(a[:, 0])
    for rows in _blocks(a):
        within = kernel(a[rows], a[rows.start :])
        within.diagonal().zero_()
        sums[rows] += within.sum(1)
        sums[rows.stop :] += within[:, len(within) :].sum(0)
    return sums / (len(a) - 1)


def _blocks(a: Float[Tensor, "n d"]) -> list[slice]:
    size = _ROWS if a.device.type == "cpu" else len(a)
    return [slice(start, min(start + size, len(a))) for start in range(0, len(a), size)]


def _squared_distances(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    return torch.addmm(b.square().sum(1), a, b.T, alpha=-2).add_(a.square().sum(1)[:, None]).clamp_(min=0)
