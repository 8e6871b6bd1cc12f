"""Which trials of a study failed or diverged, at which step, and why: a sheet of every report that has any."""

from analysis.frames.view import View
from analysis.tables.cells import label_text
from analysis.tables.sheet import Sheet

FAILURES = "failures"
"""The sheet's file name."""


def failures(view: View) -> list[Sheet]:
    """One sheet with a row for each trial that failed or diverged, by the labels of its axes; none where there is none."""
    frame = view.trials
    lost = frame[frame["status"].isin(["failed", "diverged"])]
    if lost.empty:
        return []
    axes = [axis for axis in view.header.axes if axis in lost]
    shown = lost[axes].map(label_text)
    shown["became"] = lost["status"]
    shown["step"] = [f"{step:.0f}" if step >= 0 else "" for step in lost["diverged_at"].astype(float)]
    shown["error"] = lost["error"].fillna("").astype(str)
    return [Sheet(FAILURES, "Trials that failed or diverged", shown)]
