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
    from analysis.claims.claim import Claim, judge
    from analysis.claims.topics import Topic
    from analysis.figures.drawing import Drawing
    from analysis.frames.load import AnalysisError, Header, curves, header, latents, results
    from analysis.frames.view import View
    from analysis.report.report import Report, write_report
    from analysis.tables.cells import Glance, glance, table
    from analysis.tables.sheet import Sheet

_HOMES = {
    "AnalysisError": "analysis.frames.load",
    "Claim": "analysis.claims.claim",
    "Drawing": "analysis.figures.drawing",
    "Glance": "analysis.tables.cells",
    "Header": "analysis.frames.load",
    "Report": "analysis.report.report",
    "Sheet": "analysis.tables.sheet",
    "Topic": "analysis.claims.topics",
    "View": "analysis.frames.view",
    "curves": "analysis.frames.load",
    "glance": "analysis.tables.cells",
    "header": "analysis.frames.load",
    "judge": "analysis.claims.claim",
    "latents": "analysis.frames.load",
    "results": "analysis.frames.load",
    "table": "analysis.tables.cells",
    "write_report": "analysis.report.report",
}

__all__ = [
    "AnalysisError",
    "Claim",
    "Drawing",
    "Glance",
    "Header",
    "Report",
    "Sheet",
    "Topic",
    "View",
    "curves",
    "glance",
    "header",
    "judge",
    "latents",
    "results",
    "table",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
