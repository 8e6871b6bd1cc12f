"""Figures that a reader explores: Vega-Lite's JSON, which a page draws and which also becomes SVG and PNG files.

All charts of a report share their data sets, so that each lies in the page once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import vl_convert

Rows = Sequence[Mapping[str, Any]]
"""What JSON can hold: no NaN, no infinity."""

PNG_SCALE = 2.0


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

    def svg(self, chart: Chart) -> bytes:
        """A chart as it first appears."""
        return vl_convert.vegalite_to_svg(self._whole(chart)).encode()

    def png(self, chart: Chart) -> bytes:
        """The same as a bitmap."""
        return vl_convert.svg_to_png(self.svg(chart).decode(), scale=PNG_SCALE)

    def _whole(self, chart: Chart) -> str:
        named = {name: self.datasets[name] for name in sorted(_named(chart.spec))}
        return json.dumps({**chart.spec, "datasets": named}, allow_nan=False)


def _named(part: Any) -> set[str]:
    """The data sets that a specification names."""
    if isinstance(part, Mapping):
        data = part.get("data")
        own = {data["name"]} if isinstance(data, Mapping) and "name" in data else set()
        return own.union(*map(_named, part.values()))
    return set().union(*map(_named, part)) if isinstance(part, list) else set()
