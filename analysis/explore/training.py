"""Logged quantities along training, by cell: the median over seeds, and a band from the least to the greatest."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from analysis.explore.curves import Curves, Quantity
from analysis.explore.explored import Explored
from analysis.explore.panels import Panels, colour_of, label_texts, label_tooltips, legend_toggle, shown_if, zoom
from analysis.explore.vega import QUIET, about, axis_text, choice, constant, finish, live, position, titles
from analysis.figures.chart import Chart

OWN = {
    "gamma_value": (
        "gamma_trajectory",
        "Decoder variance γ along training. Dotted: T/d, the variance per dimension of the data, where γ ends when nothing "
        "is encoded. ",
    ),
    "grad_z": (
        "gradient_z",
        "Norm of the gradient of J with respect to z along training. A learned γ lets it grow as the decoder sharpens; a "
        "small fixed γ starts with it. ",
    ),
}
"""The quantities that have charts of their own, with their names and what there is to see."""


def training(explored: Explored, curves: Curves) -> list[Chart]:
    """γ and the gradient with respect to z along training, and a chart in which the reader chooses the quantity."""
    charts = [
        Chart(name, caption + _reading(curves), _chart(explored, curves, [quantity]))
        for column, (name, caption) in OWN.items()
        for quantity in curves.quantities
        if quantity.column == column
    ]
    chart = _chart(explored, curves, curves.quantities)
    return [*charts, Chart("training", f"A quantity of your choice along training. {_reading(curves)}", chart)]


def _reading(curves: Curves) -> str:
    over = " and ".join(["seeds", *(axis.title for axis in curves.pooled)])
    return f"Lines: medians over {over}; bands: from the least to the greatest; finished trials alone."


def _chart(explored: Explored, curves: Curves, quantities: Sequence[Quantity]) -> Any:
    panels = Panels.of(explored, curves.axes)
    toggle = legend_toggle()
    facts = about(explored) | {
        each.key: titles(each.title) | {"kind": each.scale.kind, "unit": each.scale.unit} for each in quantities
    }
    layers = [_bands(toggle), _medians(curves, toggle)]
    if any(each.column == "gamma_value" for each in quantities) and any("td" in row for row in curves.rows):
        layers.insert(0, _variances(next(each.key for each in quantities if each.column == "gamma_value")))
    columns = label_texts(curves.axes) | {"middle": _placed(""), "low": _placed("l"), "high": _placed("h")}
    first = max(quantities, key=lambda each: each.column == "objective")
    chosen = choice("y_axis", "show", {each.key: each.title for each in quantities}, first.key)
    chart = panels.faceted(alt.layer(*layers), "curves")
    return finish(chart, constant("about", facts), chosen, *panels.params, columns=columns | panels.columns)


def _placed(end: str) -> str:
    return position(f"datum[y_axis + '{end}']", "about[y_axis]")


def _x() -> alt.X:
    return alt.X("step:Q", title="training step", axis=alt.Axis(tickCount=5), scale=alt.Scale(nice=False))


def _y(field: str) -> alt.Y:
    axis = alt.Axis(title=live("about[y_axis].lines"), labelExpr=axis_text("y_axis"), tickCount=6)
    return alt.Y(f"{field}:Q", axis=axis, scale=alt.Scale(zero=False))


def _bands(toggle: alt.Parameter) -> Any:
    band = alt.Chart().transform_filter("isValid(datum.low) && isValid(datum.high)").mark_area()
    return band.encode(
        _x(), _y("low"), colour_of(), alt.Y2("high:Q"), alt.Detail("g:N"), shown_if(alt.FillOpacityValue, toggle, 0.15)
    )


def _medians(curves: Curves, toggle: alt.Parameter) -> Any:
    value = alt.Tooltip("value:Q", title="median", format=".4g")
    line = (
        alt.Chart()
        .transform_filter("isValid(datum.middle)")
        .transform_calculate(value="datum[y_axis]")
        .mark_line(strokeWidth=1.6)
    )
    line = line.encode(_x(), _y("middle"), colour_of(), alt.Detail("g:N"), shown_if(alt.StrokeOpacityValue, toggle))
    return line.encode(tooltip=[*label_tooltips(curves.axes), alt.Tooltip("step:Q"), value]).add_params(toggle, zoom())


def _variances(key: str) -> Any:
    """T/d of the data, seen while γ is shown: an empty layer would leave its axis without an extent."""
    rule = (
        alt.Chart()
        .transform_filter("isValid(datum.td)")
        .transform_aggregate(middle="mean(middle)", groupby=["td"])
        .transform_calculate(level=f"y_axis == '{key}' ? {position('datum.td', 'about[y_axis]')} : datum.middle")
        .mark_rule(color=QUIET, strokeDash=[2, 3], strokeWidth=1.5)
    )
    seen = alt.when(f"y_axis == '{key}'").then(alt.value(1)).otherwise(alt.value(0))
    return rule.encode(
        _y("level"), alt.StrokeOpacityValue(**seen), tooltip=[alt.Tooltip("td:Q", title="T/d", format=".4g")]
    )
