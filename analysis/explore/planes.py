"""Two measures against each other: rate and distortion, and the front of a search that minimises several."""

from typing import Any

import altair as alt

from analysis.explore.explored import Explored
from analysis.explore.measures import Measure
from analysis.explore.panels import Panels, colour_of, label_texts, label_tooltips, legend_toggle, shown_if, zoom
from analysis.explore.vega import NONE, QUIET, about, axis_text, constant, finish, in_lines, position
from analysis.figures.chart import Chart


def rate_distortion(explored: Explored) -> Chart | None:
    """Every finished trial by its rate and distortion, with the front of each data set."""
    rate, distortion = explored.measure("rate_test"), explored.measure("distortion_test")
    if not rate or not distortion:
        return None
    caption = (
        "Rate and distortion on the test set, a point a trial. Grey: the front of each data set, where no trial has less of "
        "both."
    )
    panels = Panels.of(explored, explored.choices, further=_regimes(explored))
    by_data = next((axis.key for axis in explored.choices if axis.name == "data"), None)
    first = (panels.first[0], by_data or NONE, NONE)
    return Chart("plane", caption, _plane(explored, rate, distortion, "rd", by_data, panels, first))


def front(explored: Explored) -> Chart | None:
    """What a search found that minimises several measures, with the front of each sampler."""
    aims = [measure for column in explored.header.minimised if (measure := explored.measure(column))]
    if len(aims) < 2:
        return None
    sampler = next((axis.key for axis in explored.axes if axis.role == "sampler"), None)
    panels = Panels.of(explored, explored.choices, further=_regimes(explored))
    first = (sampler or panels.first[0], NONE, NONE)
    named = " and ".join(aim.name for aim in aims)
    caption = (
        f"What the search minimises together: {named}. A point is a trial; joined: the front of each sampler, where "
        "none of its trials has less of both."
        if len(aims) == 2
        else f"The first two of what the search minimises: {named}. Joined: what no trial of the same sampler betters in all."
    )
    return Chart("front", caption, _plane(explored, aims[0], aims[1], "front", sampler, panels, first))


def _regimes(explored: Explored) -> dict[str, str]:
    measures = {each.key: each.title for each in explored.main}
    return ({"regime": "regime"} if explored.header.trained else {}) | measures


def _plane(
    explored: Explored, x: Measure, y: Measure, mark: str, each: str | None, panels: Panels, first: tuple[str, str, str]
) -> Any:
    panels = Panels(panels.colours, panels.panels, first, first[1:] == (NONE, NONE))
    toggle = legend_toggle()
    base = alt.Chart().transform_calculate(
        x=position(f"datum.{x.key}", f"about.{x.key}"), y=position(f"datum.{y.key}", f"about.{y.key}")
    )
    last = " && isValid(datum.order)" if mark == "front" else ""  # not the rungs before it
    base = base.transform_filter(f"isValid(datum.x) && isValid(datum.y){last}").encode(_axis(alt.X, x), _axis(alt.Y, y))
    measured = [alt.Tooltip(f"{one.key}:Q", title=one.title, format=".4g") for one in explored.main]
    tips = [*label_tooltips(explored.axes), *measured, alt.Tooltip("id:N")]
    points = base.mark_point(size=28, filled=True).encode(
        colour_of(), shown_if(alt.FillOpacityValue, toggle, 0.6), tooltip=tips
    )
    line = base.transform_filter(f"datum.{mark} == 1").mark_line(
        strokeWidth=1.5, strokeOpacity=0.8, interpolate="step-after"
    )
    same = each is not None and mark == "front"
    detail = [alt.Detail(f"{each}:N")] if each else []
    joined = (
        line.encode(colour_of(), *detail, alt.Order("x:Q"))
        if same
        else line.encode(*detail, alt.Order("x:Q"), alt.ColorValue(QUIET))
    )
    chart = panels.faceted(alt.layer(joined, points.add_params(toggle, zoom())), "trials")
    columns = label_texts(explored.axes) | panels.columns
    return finish(chart, constant("about", about(explored)), *panels.params, columns=columns)


def _axis(channel: Any, measure: Measure) -> Any:
    title = in_lines(measure.title) if channel is alt.Y else measure.title
    axis = alt.Axis(title=title, labelExpr=axis_text(f"'{measure.key}'"), tickCount=6)
    return channel(f"{'x' if channel is alt.X else 'y'}:Q", axis=axis, scale=alt.Scale(zero=False, padding=10))
