"""Charts without their files: to draw them takes seconds of every report."""

from analysis.figures.chart import Chart, Charts
from analysis.figures.drawing import Drawing


def undrawn(charts: Charts, chart: Chart) -> Drawing:
    """In place of `Charts.drawing`."""
    del charts
    return Drawing(chart.name, chart.caption, b"<svg/>", b"")
