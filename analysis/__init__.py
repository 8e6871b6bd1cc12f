"""The analysis: a study's records → tables, figures, verdicts and a report.

    from analysis import curves, results

    frame = results("grid_gamma")     # one row a declared trial: axes, measurements, regime

It reads Parquet through `study.record` and needs neither torch, Ray nor MLflow.
"""

from analysis.claim import Claim
from analysis.load import AnalysisError, Header, curves, header, latents, results
from analysis.report import Report, write_report
from analysis.table import Glance, glance, table
from analysis.view import View

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
