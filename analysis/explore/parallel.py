"""Parallel coordinates: each cell of a study as a line through its settings and its main measures."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from analysis.explore.axes import Axis
from analysis.explore.explored import Explored
from analysis.explore.measures import Measure
from analysis.explore.panels import colour_of, label_texts, label_tooltips, legend_toggle
from analysis.explore.vega import QUIET, about, across, choice, constant, finish, in_lines, text, written
from analysis.figures.chart import Chart, Rows

MOST_AXES, MOST_MEASURES = 8, 5
MOST_LINES = 1500
MOST_TICKS = 8
STEP, HEIGHT = 110, 300
"""Pixels from one axis to the next, and their height."""

HEADING = "about[datum.label].heading"
SHORT = 15


def parallel(explored: Explored) -> tuple[Chart, Rows] | None:
    """The chart, and the ticks of its axes; None for a study that varies nothing."""
    axes, measures = explored.ranked[:MOST_AXES], explored.main[:MOST_MEASURES]
    if not axes or not measures:
        return None
    columns = [*axes, *measures]
    ends = {each.key: _ends(each) for each in columns}
    ticks = [
        {"column": each.key, "at": (place - ends[each.key][0]) / _span(ends[each.key]), "text": label}
        for each in columns
        for place, label in _ticks(each)
    ]
    lowest = measures[0]
    several = int(np.unique(explored.cells[explored.finished.index]).size)
    cut = f" The {MOST_LINES} cells with the lowest {lowest.name}, of {several}." if several > MOST_LINES else ""
    left_out = (
        f" Without {', '.join(axis.title for axis in explored.ranked[MOST_AXES:])}."
        if explored.ranked[MOST_AXES:]
        else ""
    )
    what = "trial" if explored.is_search or not explored.is_repeated else "cell, measures as means over seeds"
    caption = (
        f"Settings and results together: each line is a {what}. The pointer names a line; a click on the legend keeps its "
        f"colour alone, with shift also further ones.{cut}{left_out}"
    )
    facts = about(explored)
    facts |= {each.key: facts[each.key] | {"heading": in_two_lines(each.title)} for each in columns}
    options = {"regime": "regime"} if explored.header.trained else {}
    options |= {each.key: each.title for each in [*measures, *explored.choices]}
    chart = _chart(explored, axes, measures, ends, lowest)
    return Chart(
        "parallel",
        caption,
        finish(chart, constant("about", facts), choice("colour", "colour by", options, next(iter(options)))),
    ), ticks


def _chart(
    explored: Explored,
    axes: Sequence[Axis],
    measures: Sequence[Measure],
    ends: dict[str, tuple[float, float]],
    lowest: Measure,
) -> Any:
    columns = [*axes, *measures]
    toggle = legend_toggle()
    over = alt.selection_point(
        name="over", fields=["cell"], on="mouseover", nearest=False, clear="mouseout", empty=False
    )
    opacity = alt.when(over).then(alt.value(1)).when(toggle).then(alt.value(0.55)).otherwise(alt.value(0.04))
    lines = (
        alt.Chart(alt.NamedData("cells"))
        .transform_window(rank="row_number()", sort=[alt.SortField(lowest.key)])
        .transform_filter(f"datum.rank <= {MOST_LINES}")
        .transform_calculate(colour=text("colour"), **label_texts(explored.axes), **_measure_texts(measures))
        .transform_calculate(**{f"p{each.key}": _share(each.key, ends[each.key]) for each in columns})
        .transform_fold([f"p{each.key}" for each in columns], as_=["place", "at"])
        .transform_calculate(column="substring(datum.place, 1)")
        .transform_filter("isValid(datum.at)")
        .mark_line(strokeWidth=1.4, interpolate="monotone")
        .encode(
            _x(columns),
            alt.Y("at:Q", axis=None, scale=alt.Scale(domain=[0, 1])),
            colour_of(),
            alt.Detail("cell:N"),
            alt.StrokeOpacityValue(**opacity),
            alt.SizeValue(**alt.when(over).then(alt.value(4)).otherwise(alt.value(1.4))),
            tooltip=[*label_tooltips([axis for axis in explored.axes if axis.role != "seed"]), *_tooltips(measures)],
        )
        .add_params(toggle, over)
    )
    marks = alt.Chart(alt.NamedData("ticks"))
    rules = marks.transform_aggregate(groupby=["column"]).mark_rule(color=QUIET, strokeWidth=1).encode(_x(columns))
    place = alt.Y("at:Q", axis=None)
    texts = marks.mark_text(align="left", dx=5).encode(_x(columns), place, alt.Text("text:N"))
    return alt.layer(lines, rules, texts).properties(width=alt.Step(STEP), height=HEIGHT)


def _x(columns: Sequence[Axis | Measure]) -> alt.X:
    axis = alt.Axis(
        orient="top", labelAngle=0, domain=False, ticks=False, labelPadding=26, labelExpr=HEADING, labelLimit=STEP + 10
    )
    return alt.X("column:N", sort=[each.key for each in columns], title=None, axis=axis)


def in_two_lines(title: str) -> list[str]:
    """A title on two lines, for there is no room for it on one; a short one on the lower line."""
    lines = in_lines(title, SHORT)
    return lines if len(lines) == 2 else ["", *lines]


def _ends(each: Axis | Measure) -> tuple[float, float]:
    places = np.asarray(each.positions if isinstance(each, Axis) else each.scale.position(each.values), float)
    return float(np.nanmin(places)), float(np.nanmax(places))


def _span(ends: tuple[float, float]) -> float:
    return ends[1] - ends[0] or 1.0


def _share(key: str, ends: tuple[float, float]) -> str:
    place = across(f"'{key}'")
    return f"isValid({place}) ? ({place} - {ends[0]!r}) / {_span(ends)!r} : null"


def _ticks(each: Axis | Measure) -> list[tuple[float, str]]:
    """Where an axis has its labels, or the ends and the middle of its numbers."""
    if isinstance(each, Axis) and not each.is_continuous:
        every = -(-len(each.labels) // MOST_TICKS)
        return list(zip(each.positions, each.texts, strict=True))[::every]
    values = np.asarray(each.labels if isinstance(each, Axis) else each.values, float)
    known_values = np.sort(values[np.isfinite(values)])
    places = each.scale.position(known_values)
    middle = int(np.abs(places - (places[0] + places[-1]) / 2).argmin())
    return [(float(places[i]), _tick(known_values[i])) for i in sorted({0, middle, len(places) - 1})]


def _tick(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _measure_texts(measures: Sequence[Measure]) -> dict[str, str]:
    return {f"t{each.key}": f"isValid(datum.{each.key}) ? {written(f'datum.{each.key}')} : '—'" for each in measures}


def _tooltips(measures: Sequence[Measure]) -> list[alt.Tooltip]:
    return [*(alt.Tooltip(f"t{each.key}:N", title=each.title) for each in measures), alt.Tooltip("n:Q", title="trials")]
