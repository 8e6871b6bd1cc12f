"""What networks of pictures make, cell by cell: reconstructions and samples of the first seed, in rows of small pictures."""

import base64
from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np

from analysis.explore.axes import in_words
from analysis.explore.explored import Explored
from analysis.explore.vega import finish
from analysis.figures.chart import Chart, Rows
from analysis.figures.trial_pictures import SIDE, SPACE, TILES, strip, value_scale
from analysis.frames.types import Frame
from study.record import Home, read_artifacts

MOST_CELLS = 40

KINDS = {"reconstruction": "reconstructions", "sample": "samples"}


def strips(explored: Explored, home: Home) -> tuple[Chart, Rows] | None:
    """The chart and its pictures; None for data that are no pictures, or where none were kept."""
    cells = explored.finished.assign(cell=explored.cells[explored.finished.index])
    kept = cells[cells["artifacts"].notna()] if "artifacts" in cells else cells.iloc[:0]
    first = kept.drop_duplicates("cell")
    shown = [data for _, data in first.groupby("data", sort=False, observed=True) if _pictures(data.iloc[0], home)]
    rows = [row for data in shown for row in _rows(explored, _best(explored, data), home)]
    if not rows:
        return None
    width, height = TILES * (SIDE + SPACE), SIDE
    names = list(dict.fromkeys(row["cell"] for row in rows))
    y = alt.Y("cell:N", sort=names, title=None, axis=alt.Axis(labelLimit=560, domain=False, ticks=False))
    x = alt.X(
        "kind:N",
        sort=[*KINDS.values()],
        title=None,
        axis=alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False),
    )
    image = alt.Chart(alt.NamedData("strips")).mark_image(width=width, height=height, aspect=True)
    chart = image.encode(x, y, alt.Url("url:N")).properties(width=alt.Step(width + 14), height=alt.Step(height + 6))
    most = max(map(len, shown))
    cut = (
        f" The {MOST_CELLS} cells with the lowest {explored.main[0].name}, of up to {most}."
        if most > MOST_CELLS
        else ""
    )
    caption = (
        "Test images, their reconstructions at E[z|x], and decoded draws of the prior, for the first seed of each cell. Grey "
        f"levels and colours are those of the images.{cut}"
    )
    return Chart("strips", caption, finish(chart)), rows


def _best(explored: Explored, data: Frame) -> Frame:
    """Not more cells of a data set than a page has room for, in declared order."""
    return data.sort_values(explored.main[0].column, kind="stable").head(MOST_CELLS).sort_index()


def _pictures(row: Mapping[str, Any], home: Home) -> Mapping[str, np.ndarray]:
    """The pictures of a trial; none where it has weights alone, or the home no longer holds them."""
    try:
        found = read_artifacts(home, str(row["artifacts"]), str(row["trial_id"]), "pictures")
    except FileNotFoundError:
        return {}
    return found if "original" in found else {}


def _rows(explored: Explored, data: Frame, home: Home) -> list[dict[str, Any]]:
    """A row of test images, and for each trial on these data one of each kind."""
    trials = [(row, found) for row in data.to_dict("records") if (found := _pictures(row, home))]
    if not trials:
        return []
    first, pictures = trials[0]
    scale = value_scale(np.asarray(pictures["original"], np.float32))
    several = any(axis.name == "data" for axis in explored.settings)
    of_data = f"{first['data']}: test images" if several else "test images"
    rows = [{"cell": of_data, "kind": KINDS["reconstruction"], "url": _url(pictures["original"], scale)}]
    for row, found in trials:
        cell = in_words({axis.name: row[axis.name] for axis in _named(explored)})
        rows += [
            {"cell": cell or "all", "kind": name, "url": _url(found[kind], scale)}
            for kind, name in KINDS.items()
            if kind in found
        ]
    return rows


def _named(explored: Explored) -> list[Any]:
    """The axes whose labels tell cells apart."""
    return [axis for axis in explored.axes if axis.role != "seed"] if explored.is_search else explored.settings


def _url(images: np.ndarray, scale: tuple[float, float]) -> str:
    """A row of pictures as a PNG within the page."""
    return f"data:image/png;base64,{base64.b64encode(strip(images, scale)).decode()}"
