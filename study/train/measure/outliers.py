"""How well each trial's reconstruction errors separate outliers from the data, for the trials that declare `outliers`.

The inliers are the test set; the metrics are those of the suite `auroc` in `models.specs.metrics`. Both sets are centred by
the mean of the training set. Principal components need the data in memory.

Source: Dai, Wenliang & Wipf (2021), section 1 and supplement.
"""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from models.data.dataset import DataSet
from models.data.load import load
from models.loss.objective import squared_error
from models.metrics.auroc import auroc
from models.metrics.measurement import Measurement
from models.metrics.outliers import principal_reconstructions, reconstruction_errors
from models.specs import Data
from models.streams import BLOCK
from study.train.measure.measure import Measure, Row

Rows = Float[np.ndarray, "n d"]
Errors = Float[np.ndarray, " n"]


def outlier_rows(measure: Measure) -> Iterator[tuple[int, Row]]:
    """(place in the pack, evaluation row) of every metric above. All trials of a pack declare the same outliers."""
    outliers = next(trial.outliers for trial in measure.trials if trial.outliers)
    sets = np.asarray(measure.data.test), outliers_of(measure.data, outliers)
    inside, outside = (errors(measure, rows).cpu().numpy() for rows in sets)
    linear = _principal(measure.data, *sets, measure.stack.kappa) if measure.data.has_spectrum else []
    for place, trial in enumerate(measure.trials):
        yield place, _area("auroc", inside[place], outside[place], trial.seed).row
        yield from ((place, each.row | {"seed": trial.seed}) for each in linear)


@torch.no_grad()
def errors(measure: Measure, rows: Rows) -> Float64[Tensor, "pack n"]:
    """‖x − m(E[z|x])‖² of any rows of data space, in data²."""
    parts, stack = [], measure.stack
    for x in torch.from_numpy(rows).to(stack.device, stack.dtype).split(BLOCK):
        mu, _ = stack.encode(x)
        parts.append(squared_error(x.double(), stack.decode(mu).double()))
    return torch.cat(parts, dim=1)


def outliers_of(data: DataSet, outliers: Data) -> Rows:
    """The test examples of another data set, about the training mean of this one."""
    other = load(outliers)
    return (np.asarray(other.test) + (other.mean - data.mean)).astype(np.float32)


def _principal(data: DataSet, inliers: Rows, outliers: Rows, kappa: int) -> list[Measurement]:
    train, k = np.asarray(data.train), min(kappa, data.d)
    inside, outside = (
        reconstruction_errors(rows, principal_reconstructions(train, rows, k)) for rows in (inliers, outliers)
    )
    n = len(inside)
    error = Measurement("error_pca", float(inside.mean()), float(inside.std() / n**0.5), n, 0)
    return [_area("auroc_pca", inside, outside, 0), error]


def _area(name: str, inliers: Errors, outliers: Errors, seed: int) -> Measurement:
    """The area under the ROC curve; NaN where a diverged trial has errors that are not finite."""
    n = len(inliers) + len(outliers)
    if not (np.isfinite(inliers).all() and np.isfinite(outliers).all()):
        return Measurement(name, np.nan, np.nan, n, seed)
    found = auroc(inliers, outliers)
    return Measurement(name, found.value, found.standard_error, n, seed)
