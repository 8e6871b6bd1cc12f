"""A measure against an axis: means over seeds with their intervals among the single trials, coloured and in panels."""

from collections.abc import Mapping
from typing import Any

import altair as alt

from analysis.explore.axes import Axis
from analysis.explore.explored import Explored
from analysis.explore.measures import Measure
from analysis.explore.panels import (
    Panels,
    beside,
    colour_of,
    label_texts,
    label_tooltips,
    legend_toggle,
    shown_if,
    zoom,
)
from analysis.explore.vega import QUIET, about, across, axis_text, choice, constant, finish, live, position
from analysis.figures.chart import Chart
from analysis.tables.interval import t_quantile

MOST_SEEDS = 200
"""Student's t of more seeds is that of so many: it differs by less than 1 %."""

LEAST_SHARE = 0.2
"""Share of the mean at which the lower end of an interval stays on a logarithmic axis; of what is not negative it stays at
zero on others. A t-interval knows no such bounds."""

CROSS = 150
"""Area of the cross of a diverged trial in square pixels: it stands out among points."""


def explorer(explored: Explored) -> Chart | None:
    """Any measure against any axis that decides trials."""
    across_axis = explored.horizontal("data")
    if not explored.measures or not across_axis:
        return None
    chart = _sweep(explored, across_axis, explored.main[0], explored.settings, explored.measures)
    return Chart("explorer", f"A measure against an axis, both of your choice. {_reading(explored)}", chart)


def active_dimensions(explored: Explored) -> Chart | None:
    """Active latents against κ, with min(κ, r) where the planted dimension r is known."""
    kappa = next((axis for axis in explored.settings if axis.name == "kappa" and axis.is_numeric), None)
    active = explored.measure("n_active")
    if not kappa or not active:
        return None
    chart = _sweep(explored, kappa, active, [kappa], [active])
    caption = "Active latents (v < 0.5) against κ. Dashed: min(κ, r), where the planted dimension r is known. "
    return Chart("active_dimensions", caption + _reading(explored), chart)


def _reading(explored: Explored) -> str:
    diverged = " Crosses at the top: trials that diverged." if explored.frame["status"].eq("diverged").any() else ""
    if explored.is_search:
        return f"Each point is a finished trial.{diverged}"
    lines = "Lines of one colour in one panel differ in the other axes: the pointer names them."
    return f"Faint: single trials; joined: means over seeds with 95 % t-intervals. {lines}{diverged}"


def _sweep(explored: Explored, x: Axis, y: Measure, x_options: list[Axis], y_options: Any) -> Mapping[str, Any]:
    offered = [axis for axis in explored.choices if len(x_options) > 1 or axis is not x]
    panels = Panels.of(explored, offered, x.name)
    toggle = legend_toggle()
    layers = [_points(explored, toggle)]
    if explored.frame["status"].eq("diverged").any():
        layers.append(_diverged(explored))
    if not explored.is_search:
        layers += [_intervals(explored, toggle), _means(explored, toggle)]
    is_counted = x_options == [x] and x.name == "kappa" and all(each.column == "n_active" for each in y_options)
    if is_counted and explored.frame["intrinsic_dim"].notna().any():
        layers.insert(0, _least_needed(x))  # Vega-Lite loses the data of the first layer where this one comes later
    others = [axis.key for axis in explored.choices]
    rest = " + '|' + ".join([f"(x_axis == '{key}' ? '' : datum.{key})" for key in others] or ["''"])
    columns = label_texts(explored.axes) | {
        "x": f"{across('x_axis')} + {beside()}",
        "value": "datum[y_axis]",
        "rest": f"'' + {rest}",
    }
    axes = choice("x_axis", "against", {axis.key: axis.title for axis in x_options}, x.key)
    measures = choice("y_axis", "show", {each.key: each.title for each in y_options}, y.key)
    student = [0.0, *(round(float(t_quantile(n)), 4) for n in range(1, MOST_SEEDS))]
    return finish(
        panels.faceted(alt.layer(*layers), "trials"),
        *(constant("about", about(explored)), constant("student", student), measures, axes),
        *panels.params,
        columns=columns | panels.columns,
    )


def _x() -> alt.X:
    ticks = "about[x_axis].positions && length(about[x_axis].positions) < 10 ? about[x_axis].positions : null"
    slanted = "about[x_axis].positions && length(join(about[x_axis].labels)) > 40"
    axis = alt.Axis(
        title=live("about[x_axis].title"),
        labelExpr=axis_text("x_axis"),
        values=alt.ExprRef(ticks),
        labelAngle=alt.ExprRef(f"{slanted} ? -30 : 0"),
        labelAlign=alt.ExprRef(f"{slanted} ? 'right' : 'center'"),
        tickCount=6,
    )
    return alt.X("x:Q", axis=axis, scale=alt.Scale(zero=False, padding=14, nice=False))


def _y(field: str = "y") -> alt.Y:
    axis = alt.Axis(
        title=live("about[y_axis].lines"),
        labelExpr=axis_text("y_axis"),
        tickCount=6,
        tickMinStep=alt.ExprRef("about[y_axis].least_step"),
    )
    return alt.Y(f"{field}:Q", axis=axis, scale=alt.Scale(zero=False, padding=8))


def _placed(value: str) -> str:
    return position(f"datum.{value}", "about[y_axis]")


def _points(explored: Explored, toggle: alt.Parameter) -> Any:
    faint = 0.75 if explored.is_search else 0.25
    tips = [
        *label_tooltips(explored.axes),
        alt.Tooltip("value:Q", format=".5g"),
        alt.Tooltip("id:N"),
        alt.Tooltip("status:N"),
    ]
    return (
        alt.Chart()
        .transform_filter("isValid(datum.value)")
        .transform_calculate(y=_placed("value"))
        .mark_point(size=22, filled=True)
        .encode(_x(), _y(), colour_of(), shown_if(alt.FillOpacityValue, toggle, faint), tooltip=tips)
        .add_params(toggle, zoom())
    )


def _diverged(explored: Explored) -> Any:
    tips = [*label_tooltips(explored.axes), alt.Tooltip("id:N"), alt.Tooltip("status:N")]
    return (
        alt.Chart()
        .transform_filter("datum.status == 'diverged'")
        .mark_point(shape="cross", size=CROSS, angle=45, filled=True, fillOpacity=0.9)
        .encode(_x(), alt.YValue(8), colour_of(), tooltip=tips)
    )


def _averaged(explored: Explored) -> Any:
    """One row a cell: the mean over its seeds, and the ends of its 95 % t-interval."""
    labels = [f"t{axis.key}" for axis in explored.axes if axis.role != "seed"]
    least = f"about[y_axis].kind == 'log' ? {LEAST_SHARE} * datum.mean : about[y_axis].is_signed ? -1e308 : 0"
    return (
        alt.Chart()
        .transform_filter("isValid(datum.value)")
        .transform_aggregate(
            mean="mean(value)",
            deviation="stdev(value)",
            n="count()",
            groupby=["cell", "x", "colour", "rest", *labels],
        )
        .transform_calculate(
            half=f"datum.n > 1 ? student[min(datum.n, {MOST_SEEDS}) - 1] * datum.deviation / sqrt(datum.n) : 0"
        )
        .transform_calculate(low=f"max(datum.mean - datum.half, {least})", high="datum.mean + datum.half")
        .transform_calculate(y=_placed("mean"), y_low=_placed("low"), y_high=_placed("high"))
    )


def _intervals(explored: Explored, toggle: alt.Parameter) -> Any:
    chart = _averaged(explored).transform_filter("datum.half > 0").mark_rule(strokeWidth=1.5)
    return chart.encode(
        _x(), _y("y_low"), colour_of(), alt.Y2("y_high:Q"), shown_if(alt.StrokeOpacityValue, toggle, 0.8)
    )


def _means(explored: Explored, toggle: alt.Parameter) -> Any:
    tips = [*label_tooltips([axis for axis in explored.axes if axis.role != "seed"])]
    tips += [
        alt.Tooltip("mean:Q", format=".5g"),
        alt.Tooltip("half:Q", title="± (95 %)", format=".2g"),
        alt.Tooltip("n:Q"),
    ]
    line = _averaged(explored).mark_line(strokeWidth=1.5, point=alt.OverlayMarkDef(size=45, filled=True))
    return line.encode(
        _x(),
        _y(),
        colour_of(),
        alt.Detail("rest:N"),
        alt.Order("x:Q"),
        shown_if(alt.OpacityValue, toggle),
        tooltip=tips,
    )


def _least_needed(kappa: Axis) -> Any:
    """min(κ, r) in each panel: at every whole κ up to r, from where on it is level, and at the largest."""
    number = f"datum.{kappa.key}" if kappa.is_continuous else f"about.{kappa.key}.numbers[datum.{kappa.key}]"
    at = "log(datum.kappa) / LN10" if kappa.scale.kind == "log" else "datum.kappa"
    return (
        alt.Chart()
        .transform_filter("isValid(datum.r)")
        .transform_calculate(kappa=number)
        .transform_aggregate(low="min(kappa)", high="max(kappa)", groupby=["r"])
        .transform_calculate(rising="max(0, floor(min(datum.r, datum.high) - datum.low))")
        .transform_calculate(step="sequence(datum.rising + 2)")
        .transform_flatten(["step"])
        .transform_calculate(kappa="datum.step > datum.rising ? datum.high : datum.low + datum.step")
        .transform_calculate(needed="min(datum.kappa, datum.r)", x=at)
        .transform_calculate(y=_placed("needed"))
        .mark_line(color=QUIET, strokeDash=[5, 4], strokeWidth=1.5)
        .encode(_x(), _y(), alt.Detail("r:N"), alt.Order("x:Q"), tooltip=[alt.Tooltip("needed:Q", title="min(κ, r)")])
    )
