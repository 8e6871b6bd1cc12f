"""Metrics of samples where both are of one distribution, and where one has collapsed."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from models.metrics.mmd import mmd_imq
from models.metrics.ndb import different_bins, fit_bins
from models.probes.finding import Finding, computes
from models.specs.groundwork import NullBins, NullMMD

DIMENSIONS = 10
"""Of the rows that are binned."""


@computes(NullBins)
def bins(what: NullBins, seed: int) -> Finding:
    """NDB/K of repeated samples: bins are fitted to rows of their own, as they are to a training set."""
    rng = np.random.default_rng([36, seed])

    def rows() -> Float[np.ndarray, "n d"]:
        return rng.standard_normal((what.n, DIMENSIONS))

    cells = fit_bins(rows(), what.bins, seed)
    return Finding(_told([different_bins(cells.counts(rows()), cells.counts(rows())) for _ in range(what.repeats)]))


@computes(NullMMD)
def mmd_squared(what: NullMMD, seed: int) -> Finding:
    """MMD² of repeated samples of the prior, and of zeros."""
    generator = torch.Generator().manual_seed(seed)

    def rows() -> Float[torch.Tensor, "n kappa"]:
        return torch.randn(what.n, what.kappa, generator=generator)

    zeros, _ = mmd_imq(torch.zeros(what.n, what.kappa), rows())
    return Finding(_told([mmd_imq(rows(), rows()) for _ in range(what.repeats)]) | {"of_zeros": zeros})


def _told(found: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Mean and spread of values over repeats, and the mean of the standard errors given with them."""
    values, errors = np.array(found).T
    return {"mean": float(values.mean()), "deviation": float(values.std(ddof=1)), "told_error": float(errors.mean())}
