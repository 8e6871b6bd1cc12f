"""The analysis: a study's records → tables, figures, verdicts and a report.

    from analysis import curves, results

    frame = results("grid_gamma")     # one row a declared trial: axes, measurements, regime

It reads Parquet through `study.record` and needs neither torch, Ray nor MLflow.
"""

from analysis.claims.claim import Claim
from analysis.frames.load import AnalysisError, Header, curves, header, latents, results
from analysis.frames.view import View
from analysis.report.report import Report, write_report
from analysis.tables.cells import Glance, glance, table

__all__ = [
    "AnalysisError",
    "Claim",
    "Glance",
    "Header",
    "Report",
    "View",
    "curves",
    "glance",
    "header",
    "latents",
    "results",
    "table",
    "write_report",
]
