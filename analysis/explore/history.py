"""The history of a search: every trial in the order in which it was asked for, and the best so far."""

import altair as alt

from analysis.explore.explored import Explored
from analysis.explore.panels import colour_of, label_texts, label_tooltips, legend_toggle, shown_if, zoom
from analysis.explore.vega import NONE, about, axis_text, choice, constant, finish, live, position
from analysis.figures.chart import Chart

SIZE = {"width": 560, "height": 320}


def history(explored: Explored) -> Chart | None:
    """Trials by their order in their search, and the least value until then; None for a study that is no search."""
    aims = [(i, measure) for i, column in enumerate(explored.header.minimised) if (measure := explored.measure(column))]
    sampler = next((axis.key for axis in explored.axes if axis.role == "sampler"), NONE)
    if not aims:
        return None
    toggle = legend_toggle()
    number = {measure.key: i for i, measure in aims}
    value = " : ".join(f"y_axis == '{key}' ? datum.h{i}" for key, i in number.items()) + " : null"
    best = " : ".join(f"y_axis == '{key}' ? datum.b{i}" for key, i in number.items()) + " : null"
    base = (
        alt.Chart(alt.NamedData("trials"))
        .transform_filter("isValid(datum.order)")
        .transform_calculate(value=value, best=best, colour=f"about['{sampler}'].labels[{_code(sampler)}]")
        .transform_calculate(y=position("datum.value", "about[y_axis]"), y_best=position("datum.best", "about[y_axis]"))
        .transform_calculate(**label_texts(explored.axes))
    )
    tips = [
        *label_tooltips(explored.axes),
        alt.Tooltip("value:Q", format=".5g"),
        alt.Tooltip("best:Q", title="best so far", format=".5g"),
    ]
    tips += [alt.Tooltip("id:N"), alt.Tooltip("status:N")]
    points = base.transform_filter("isValid(datum.y)").mark_point(size=40, filled=True)
    faint = shown_if(alt.FillOpacityValue, toggle, 0.4)
    points = points.encode(_x(), _y("y"), colour_of(), faint, tooltip=tips).add_params(toggle, zoom())
    seeds = [alt.Detail(f"{axis.key}:N") for axis in explored.axes if axis.role == "seed"]
    lines = base.transform_filter("isValid(datum.y_best)").mark_line(interpolate="step-after", strokeWidth=1.8)
    clear = shown_if(alt.StrokeOpacityValue, toggle, 0.9)
    lines = lines.encode(_x(), _y("y_best"), colour_of(), *seeds, clear, tooltip=tips)
    measures = choice("y_axis", "show", {measure.key: measure.title for _, measure in aims}, aims[0][1].key)
    chart = alt.layer(lines, points).properties(**SIZE)  # the pointer meets points first
    each = "each search of each sampler" if seeds else "each sampler"
    caption = (
        f"History of the search: each trial in the order in which it was asked for, and the least value so far of {each}. "
        "A diverged trial stands where the search declares, or at the worst finished one where that is worse, and is never "
        "the best. Of trials that trained again with more steps the last rung counts."
    )
    return Chart(
        "history", caption, finish(chart, constant("about", about(explored)), constant("colour", sampler), measures)
    )


def _code(sampler: str) -> str:
    return f"datum['{sampler}']" if sampler != NONE else "0"


def _x() -> alt.X:
    axis, scale = alt.Axis(tickMinStep=1), alt.Scale(zero=False, nice=False, padding=10)
    return alt.X("order:Q", title="trial of its search", axis=axis, scale=scale)


def _y(field: str) -> alt.Y:
    axis = alt.Axis(title=live("about[y_axis].title"), labelExpr=axis_text("y_axis"), tickCount=6)
    return alt.Y(f"{field}:Q", axis=axis, scale=alt.Scale(zero=False, padding=8))
