"""The figures of a report: charts that the page draws from their data, and drawings that it holds."""

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from analysis.figures.chart import Chart, Charts
from analysis.figures.drawing import Drawing
from analysis.report.page.document import Section
from analysis.report.page.libraries import VEGA

CHARTS = "charts"
"""Under this name the page holds the specs of all charts and their data sets."""

OF_SEARCH = ("history", "front")
"""The charts that say what a search found: they stand before the study's own drawings."""

HEIGHT = 320
"""Pixels that are kept free for a chart whose spec does not say its height."""


def figures(charts: Charts, drawings: Sequence[Drawing]) -> list[Section]:
    """A section with every figure; none where there are none."""
    if not charts.charts and not drawings:
        return []
    first = [chart for chart in charts.charts if chart.name in OF_SEARCH]
    others = [chart for chart in charts.charts if chart.name not in OF_SEARCH]
    content = "".join([*map(_chart, first), *map(_drawing, drawings), *map(_chart, others)])
    if not charts.charts:
        return [Section("figures", "Figures", content)]
    specs = {chart.name: chart.spec for chart in charts.charts}
    data = json.dumps(
        {"specs": specs, "datasets": dict(charts.datasets)}, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return [Section("figures", "Figures", content, data={CHARTS: data}, libraries=(VEGA,))]


def _chart(chart: Chart) -> str:
    place = f"<div class='chart' data-chart='{escape(chart.name)}' style='min-height:{_height(chart.spec)}px'></div>"
    return f"<figure id='figure-{escape(chart.name)}'>{place}{_caption(chart.name, chart.caption)}</figure>"


def _height(spec: Mapping[str, Any]) -> int:
    height = spec.get("height")
    return int(height) if isinstance(height, int | float) else HEIGHT


def _drawing(drawing: Drawing) -> str:
    """A drawing at its own size, so that its letters keep theirs."""
    svg = drawing.svg.decode()
    svg = re.sub(
        r'(width|height)="([\d.]+)pt"',
        lambda m: f'{m[1]}="{float(m[2]) * 4 / 3:.0f}"',
        svg[svg.index("<svg") :],
        count=2,
    )
    return (
        f"<figure id='figure-{escape(drawing.name)}'><div class='drawing' tabindex='0'>{svg}</div>"
        f"{_caption(drawing.name, drawing.caption)}</figure>"
    )


def _caption(name: str, caption: str) -> str:
    links = " ".join(f"<a href='{escape(name)}.{kind}'>{kind.upper()}</a>" for kind in ("svg", "png"))
    return f"<figcaption>{escape(caption)} <span class='files'>{links}</span></figcaption>"
