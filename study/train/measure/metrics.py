"""What measures each suite of metrics that `models.specs.metrics` declares, of a trained stack."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from models.specs.metrics import SUITES, Trained
from models.specs.vocabulary import check_complete
from study.train.measure.at_betas import beta_rows, code_distances
from study.train.measure.clean_signal import clean_rows
from study.train.measure.codes import code_rows
from study.train.measure.levels import level_rows
from study.train.measure.measure import Measure, Row
from study.train.measure.outliers import outlier_rows
from study.train.measure.samples import downsampled_rows, sample_rows

Placed = Iterable[tuple[int, Row]]


@dataclass(frozen=True)
class Pass:
    """The version of a suite's first metric, the suite's rows with their trials' places in a pack, and whom it is for."""

    version: int
    rows: Callable[[Measure], Placed]
    is_for: Callable[[Trained], bool]


def _one_each(rows: Callable[[Measure], Iterable[Row]]) -> Callable[[Measure], Placed]:
    return lambda measure: enumerate(rows(measure))


MEASURED_BY: dict[str, Callable[[Measure], Placed]] = {
    "mmd_imq": _one_each(Measure.mmd),
    "iwae_nll": _one_each(Measure.iwae),
    "sample_variance": _one_each(Measure.sample_variance),
    "mmd_x": sample_rows,
    "mmd_x_downsampled": downsampled_rows,
    "nll_levels": level_rows,
    "mmd_codes": _one_each(code_distances),
    "betas": beta_rows,
    "codes_used": code_rows,
    "clean_error": _one_each(clean_rows),
    "auroc": outlier_rows,
}

check_complete(
    SUITES,
    MEASURED_BY,
    "SUITES, in models/specs",
    "add it to MEASURED_BY, in study/train/measure/metrics.py",
)

METRICS = {name: Pass(suite.metrics[name].version, MEASURED_BY[name], suite.is_for) for name, suite in SUITES.items()}
"""By the name of each suite, which is that of a metric that is always among its rows."""
