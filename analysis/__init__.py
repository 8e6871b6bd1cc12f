"""The analysis: a study's records → tables, figures, verdicts and a report.

    from analysis import curves, results

    frame = results("grid_gamma")     # one row a declared trial: axes, measurements, regime

It reads Parquet through `study.record` and needs neither torch, Ray nor MLflow. Names are looked up on first
use: a study's file may import what its claims need, and planning does not import pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import collapsar  # noqa: F401 (it claims the names of the platform's packages)

if TYPE_CHECKING:
    from analysis.claims.claim import Claim
    from analysis.claims.comparison import (
        Comparison,
        above,
        at_least,
        at_most,
        below,
        between,
        most,
        near,
        within,
    )
    from analysis.claims.estimate import computed, fitted, mean_count_of, mean_of, share_of, worst_of
    from analysis.figures.drawing import Drawing
    from analysis.frames.load import AnalysisError, Header, curves, header, latents, results
    from analysis.frames.view import View
    from analysis.report.report import Report, write_report
    from analysis.tables.cells import Glance, glance, table
    from analysis.tables.sheet import Sheet

_HOMES = {
    "AnalysisError": "analysis.frames.load",
    "Claim": "analysis.claims.claim",
    "Comparison": "analysis.claims.comparison",
    "Drawing": "analysis.figures.drawing",
    "Glance": "analysis.tables.cells",
    "Header": "analysis.frames.load",
    "Report": "analysis.report.report",
    "Sheet": "analysis.tables.sheet",
    "View": "analysis.frames.view",
    "above": "analysis.claims.comparison",
    "at_least": "analysis.claims.comparison",
    "at_most": "analysis.claims.comparison",
    "below": "analysis.claims.comparison",
    "between": "analysis.claims.comparison",
    "computed": "analysis.claims.estimate",
    "curves": "analysis.frames.load",
    "fitted": "analysis.claims.estimate",
    "glance": "analysis.tables.cells",
    "header": "analysis.frames.load",
    "latents": "analysis.frames.load",
    "mean_count_of": "analysis.claims.estimate",
    "mean_of": "analysis.claims.estimate",
    "most": "analysis.claims.comparison",
    "near": "analysis.claims.comparison",
    "results": "analysis.frames.load",
    "share_of": "analysis.claims.estimate",
    "table": "analysis.tables.cells",
    "within": "analysis.claims.comparison",
    "worst_of": "analysis.claims.estimate",
    "write_report": "analysis.report.report",
}

__all__ = [
    "AnalysisError",
    "Claim",
    "Comparison",
    "Drawing",
    "Glance",
    "Header",
    "Report",
    "Sheet",
    "View",
    "above",
    "at_least",
    "at_most",
    "below",
    "between",
    "computed",
    "curves",
    "fitted",
    "glance",
    "header",
    "latents",
    "mean_count_of",
    "mean_of",
    "most",
    "near",
    "results",
    "share_of",
    "table",
    "within",
    "worst_of",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
