"""Figures that a reader explores: Vega-Lite's JSON, which a page draws and which also becomes SVG and PNG files.

All charts of a report share their data sets, so that each lies in the page once.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import vl_convert

from analysis.figures.drawing import Drawing
from analysis.figures.looks import GRID, INK, QUIET

Rows = Sequence[Mapping[str, Any]]
"""What JSON can hold: no NaN, no infinity."""

PNG_SCALE = 2.0

SIZE = 12
_WORDS = {
    **{f"{part}FontSize": SIZE for part in ("label", "title")},
    **{f"{part}Color": INK for part in ("label", "title")},
    "titleFontWeight": "normal",
}
ON_PAPER: Mapping[str, Any] = {
    "font": "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif",
    "background": "white",
    "view": {"stroke": None},
    "axis": _WORDS | {"domainColor": QUIET, "tickColor": QUIET, "gridColor": GRID},
    "legend": _WORDS,
    "header": _WORDS,
    "text": {"color": INK, "fontSize": SIZE},
}
"""Letters and colours of charts as files; a page has its own."""


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite `spec` whose data are named, `{"data": {"name": ...}}`. `name` is that of its files."""

    name: str
    caption: str
    spec: Mapping[str, Any]


@dataclass(frozen=True)
class Charts:
    """The charts of a report, and the data sets that their specs name."""

    charts: Sequence[Chart]
    datasets: Mapping[str, Rows]

    def drawing(self, chart: Chart) -> Drawing:
        """A chart as it first appears, as files."""
        svg = _renumbered(vl_convert.vegalite_to_svg(self._whole(chart)))
        return Drawing(chart.name, chart.caption, svg.encode(), vl_convert.svg_to_png(svg, scale=PNG_SCALE))

    def _whole(self, chart: Chart) -> str:
        named = {name: self.datasets[name] for name in sorted(_named(chart.spec))}
        own = chart.spec.get("config", {})
        parts = {name: _beneath(ON_PAPER.get(name), own.get(name)) for name in {**ON_PAPER, **own}}
        return json.dumps({**chart.spec, "config": parts, "datasets": named}, allow_nan=False)


def _beneath(paper: Any, own: Any) -> Any:
    """A part of the configuration in which the chart's own wins."""
    if isinstance(paper, Mapping) and isinstance(own, Mapping):
        return {**paper, **own}
    return paper if own is None else own


def _renumbered(svg: str) -> str:
    """The picture with its own numbers for clips, which Vega counts through all pictures of a process."""
    places = {name: f"clip{i}" for i, name in enumerate(dict.fromkeys(re.findall(r"clip\d+", svg)))}
    return re.sub(r"\bclip\d+\b", lambda found: places[found[0]], svg)


def _named(part: Any) -> set[str]:
    """The data sets that a specification names."""
    if isinstance(part, Mapping):
        data = part.get("data")
        own = {data["name"]} if isinstance(data, Mapping) and "name" in data else set()
        return own.union(*map(_named, part.values()))
    return set().union(*map(_named, part)) if isinstance(part, list) else set()
