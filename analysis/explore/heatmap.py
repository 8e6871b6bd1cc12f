"""How much each axis decides each measure, as a table of shares."""

import altair as alt
import numpy as np

from analysis.explore.explored import Explored
from analysis.explore.importance import SEEDS, TOGETHER
from analysis.explore.vega import finish
from analysis.figures.chart import Chart, Rows
from analysis.figures.looks import INK

CELL = {"width": alt.Step(88), "height": alt.Step(24)}
LEFT_OUT = ("objective_train", "distortion_train", "rate_train", "nre_mean_train", "stopped_at", "parameters", "wall_s")
"""What repeats other rows, or says nothing of results."""

CAPTION = (
    "What decides what: the share of a measure's variance that lies between the labels of an axis, corrected for their "
    "number, so that an axis that does nothing has 0 on average and one that decides alone has 1. Shares are estimates: "
    "with few seeds a row may add up to somewhat more than 100 %. "
)
ALONE = "Axes with many values count by six classes of them. "
WHOLE = "Between cells, but of no axis alone: “axes together”. Within cells: “seeds”."


def heatmap(explored: Explored) -> tuple[Chart, Rows] | None:
    """The chart and its data, of the axes that vary; None where there are no two to compare, or too few trials."""
    shares = {
        (measure.title, axis): share
        for measure in explored.measures
        if measure.column not in LEFT_OUT
        for axis, share in explored.importance[measure.column].items()
        if not np.isnan(share)
    }
    if len({axis for _, axis in shares} - {TOGETHER, SEEDS}) < 2:
        return None
    titles = {axis.name: axis.title for axis in explored.ranked} | {TOGETHER: TOGETHER, SEEDS: SEEDS}
    columns = [title for axis, title in titles.items() if any(axis == shown for _, shown in shares)]
    rows = [
        {"measure": measure, "axis": titles[axis], "share": round(share, 3)}
        for (measure, axis), share in shares.items()
    ]
    measures = list(dict.fromkeys(measure for measure, _ in shares))
    x = alt.X(
        "axis:N", sort=columns, title=None, axis=alt.Axis(orient="top", labelAngle=-25, domain=False, ticks=False)
    )
    y = alt.Y(
        "measure:N",
        sort=measures,
        title=None,
        axis=alt.Axis(labelLimit=320, domain=False, ticks=False),
        scale=alt.Scale(paddingInner=0.08),
    )
    shade = alt.Scale(domain=[0, 1], range=["#f3f5f8", "#0072B2"])
    base = alt.Chart(alt.NamedData("importance")).encode(x, y)
    tips = [
        alt.Tooltip("measure:N"),
        alt.Tooltip("axis:N"),
        alt.Tooltip("share:Q", title="share of variance", format=".1%"),
    ]
    tiles = base.mark_rect().encode(alt.Color("share:Q", scale=shade, legend=None), tooltip=tips)
    ink = alt.when("datum.share > 0.55").then(alt.value("white")).otherwise(alt.value(INK))
    texts = base.mark_text().encode(alt.Text("share:Q", format=".0%"), alt.ColorValue(**ink))
    further = ALONE if any(axis.is_continuous for axis in explored.settings) else ""
    caption = CAPTION + further + (WHOLE if TOGETHER in columns else "")
    return Chart("importance", caption.strip(), finish(alt.layer(tiles, texts).properties(**CELL))), rows
