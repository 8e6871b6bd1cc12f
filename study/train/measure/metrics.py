"""Every metric that is computed after training, of the trials that it is for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from models.metrics.auroc import VERSION as AUROC_VERSION
from models.metrics.iwae import VERSION as IWAE_VERSION
from models.metrics.mmd import VERSION as MMD_VERSION
from study.declare.trial import Trial
from study.train.measure.at_betas import VERSION as BETAS_VERSION
from study.train.measure.at_betas import at_every_beta, codes_apart
from study.train.measure.codes import VERSION as CODES_VERSION
from study.train.measure.codes import code_rows
from study.train.measure.levels import VERSION as LEVELS_VERSION
from study.train.measure.levels import level_rows
from study.train.measure.measure import SAMPLE_VARIANCE_VERSION, Measure
from study.train.measure.outliers import outlier_rows
from study.train.measure.samples import sample_rows

Row = dict[str, float | int | str]
Placed = Iterator[tuple[int, Row]]


@dataclass(frozen=True)
class Metric:
    """The version of a metric's definition, its rows with their trials' places in a pack, and the trials it is for.

    The trials of a pack have the same metrics: what decides it is part of their pack's key.
    """

    version: int
    rows: Callable[[Measure], Placed]
    is_for: Callable[[Trial], bool]


def _one_each(rows: Callable[[Measure], Iterator[Row]]) -> Callable[[Measure], Placed]:
    return lambda measure: enumerate(rows(measure))


METRICS = {
    "mmd_imq": Metric(MMD_VERSION, _one_each(Measure.mmd), lambda trial: True),
    "iwae_nll": Metric(IWAE_VERSION, _one_each(Measure.iwae), lambda trial: not trial.model.is_deterministic),
    "sample_variance": Metric(SAMPLE_VARIANCE_VERSION, _one_each(Measure.sample_variance), lambda trial: True),
    "mmd_x": Metric(MMD_VERSION, sample_rows, lambda trial: trial.samples > 0),
    "nll_levels": Metric(LEVELS_VERSION, level_rows, lambda trial: trial.bits),
    "mmd_codes": Metric(MMD_VERSION, _one_each(codes_apart), lambda trial: trial.stage == "second vae"),
    "betas": Metric(BETAS_VERSION, at_every_beta, lambda trial: trial.spread is not None),
    "codes_used": Metric(CODES_VERSION, code_rows, lambda trial: trial.objective.is_sparse),
    "auroc": Metric(AUROC_VERSION, outlier_rows, lambda trial: trial.outliers is not None),
}
"""By the name in the evaluations table; of metrics that are measured together, by one that is always among them."""
