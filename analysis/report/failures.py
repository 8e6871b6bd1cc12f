"""Which trials of a study failed, diverged or lack a metric of the user's, and why: a sheet of every report with any."""

from analysis.frames.view import View
from analysis.tables.cells import label_text
from analysis.tables.sheet import Sheet

FAILURES = "failures"
"""The sheet's file name."""


def failures(view: View) -> list[Sheet]:
    """One sheet with a row for each such trial, by the labels of its axes; none where there is none."""
    frame = view.trials
    lost = frame[frame["status"].isin(["failed", "diverged"]) | frame["error"].fillna("").astype(bool)]
    if lost.empty:
        return []
    axes = [axis for axis in view.header.axes if axis in lost]
    shown = lost[axes].map(label_text)
    shown["became"] = lost["status"]
    shown["step"] = [f"{step:.0f}" if step >= 0 else "" for step in lost["diverged_at"].astype(float)]
    shown["error"] = lost["error"].fillna("").astype(str)
    return [Sheet(FAILURES, "Trials that failed, diverged, or lack a number", shown)]
