"""What the charts have in common: their look, the choices of their readers, and Vega's expressions for both.

A choice is a parameter whose value is the key of an axis or a measure. The parameter `about` says of each key its `title`,
the same in short `lines`, its `labels` and their `colours`, and either the `positions` of its labels along an axis and the
least `gap` between them, or the scale of its numbers (`kind`, `unit`) and the `bounds` of their classes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis.explore.axes import CLASSES, Axis, short
from analysis.explore.explored import Explored
from analysis.explore.scales import Scale
from analysis.figures.looks import QUIET

NOMINAL = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#6A3D9A", "#8C6D31", "#1B9E77"]
"""Okabe and Ito's (2008) colours, and a few more."""

SEQUENTIAL = ["#5f50b8", "#4378b8", "#2595a5", "#27ad81", "#5cc863", "#a0d03a", "#d8c414"]
"""Viridis without its darkest and its lightest, so that it is seen on white and on black."""

REGIMES = {
    "balanced": "#009E73",
    "under": "#E69F00",
    "over": "#0072B2",
    "unfit": "#8a8f98",
    "memorising": "#CC79A7",
    "mixed": "#56B4E9",
    "diverged": "#D55E00",
}

LAYOUT: dict[str, Any] = {
    "axis": {"titlePadding": 8},
    "axisX": {"grid": False},
    "legend": {"orient": "top", "columns": 6, "symbolOpacity": 1, "labelLimit": 220, "titleLimit": 300},
    "header": {"labelAnchor": "start", "title": None},
}
"""What all charts have in common, but for colours and letters: those are the page's, or those of files."""

NONE = "none"

CHOSEN = "chosen"
"""A range of colours that follows the choices, until `finish` spells it out."""

MOST_LETTERS = 26
"""Of a title that fits the height of a panel on one line."""

MOST_COLOURS = 24
"""Labels of an axis with colours of their own; further ones begin anew."""


def about(explored: Explored) -> dict[str, Any]:
    """What charts know of axes, measures and regimes, by their keys."""
    found: dict[str, Any] = {NONE: {"title": "", "symbol": "", "labels": [""], "colours": [NOMINAL[0]]}}
    for axis in explored.axes:
        said = titles(axis.title) | {"symbol": axis.symbol, "labels": axis.texts, "colours": colours(axis)}
        gap = float(np.diff(sorted(axis.positions)).min())
        said |= (
            _numbers(axis.scale, axis.thresholds) if axis.is_continuous else {"positions": axis.positions, "gap": gap}
        )
        if axis.is_numeric and not axis.is_continuous:
            said["numbers"] = [short(label) for label in axis.labels]
        found[axis.key] = said
    for measure in explored.measures:
        texts = [*measure.texts, "not measured"]
        said = titles(measure.title) | {"labels": texts, "colours": [*shades(len(measure.texts)), QUIET]}
        said |= {"is_signed": measure.is_signed, "least_step": _least_step(measure.values)}
        found[measure.key] = said | _numbers(measure.scale, measure.thresholds)
    shown = [REGIMES.get(regime, QUIET) for regime in explored.regimes]
    return found | {"regime": {"title": "regime", "labels": explored.regimes, "colours": shown}}


def _least_step(values: np.ndarray) -> int:
    """The least distance between the ticks of an axis: counts have none between them."""
    known = values[np.isfinite(values)]
    return int(np.all(known == np.round(known)))


def titles(title: str) -> dict[str, Any]:
    """What a chart knows of a title."""
    return {"title": title, "lines": in_lines(title)}


def in_lines(title: str, most: int = MOST_LETTERS) -> list[str]:
    """A title on one line, or on two of similar length where it is longer than that."""
    if len(title) <= most or " " not in title:
        return [title]
    place = min((i for i, letter in enumerate(title) if letter == " "), key=lambda i: abs(i - len(title) / 2))
    return [title[:place], title[place + 1 :]]


def _numbers(scale: Scale, bounds: Sequence[float]) -> dict[str, Any]:
    padded = [*bounds, *[1e308] * (CLASSES - 1 - len(bounds))]
    return {"kind": scale.kind, "unit": scale.unit, "bounds": padded, "classes": len(bounds) + 1}


def colours(axis: Axis) -> list[str]:
    """One for each label, or class, of an axis: in order for numbers, and easy to tell apart for names."""
    if axis.colours:
        return [*axis.colours]
    return shades(len(axis.texts)) if axis.is_numeric else [NOMINAL[i % len(NOMINAL)] for i in range(len(axis.texts))]


def shades(n: int) -> list[str]:
    """So many colours, from dark to light."""
    anchors = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in SEQUENTIAL], float)
    at = np.linspace(0, len(anchors) - 1, n) if n > 1 else np.array([2.0])
    mixed = np.stack([np.interp(at, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)], 1)
    return ["#" + "".join(f"{round(part):02x}" for part in row) for row in mixed]


def choice(name: str, label: str, options: Mapping[str, str], value: str) -> dict[str, Any]:
    """A parameter that a reader chooses from a list, `options` maps keys to titles; without a list if there is one alone."""
    if len(options) < 2:
        return constant(name, value)
    bound = {"input": "select", "options": [*options], "labels": [*options.values()], "name": f"{label} "}
    return constant(name, value) | {"bind": bound}


def constant(name: str, value: Any) -> dict[str, Any]:
    """A parameter that nobody changes."""
    return {"name": name, "value": value}


def code(key: str) -> str:
    """The number of a row's label, or class, where `key` is a choice."""
    value, said = f"datum[{key}]", f"about[{key}]"
    above = " + ".join(f"({value} > {said}.bounds[{i}])" for i in range(CLASSES - 1))
    return f"({key} == '{NONE}' ? 0 : {said}.bounds ? (isValid({value}) ? {above} : {said}.classes) : {value})"


def text(key: str) -> str:
    """The row's label, or class, as it is read."""
    return f"about[{key}].labels[{code(key)}]"


def position(value: str, scale: str) -> str:
    """Where a number lies along an axis; both are expressions."""
    size = f"(abs({value}) <= {scale}.unit ? abs({value}) / {scale}.unit : 1 + log(abs({value}) / {scale}.unit) / LN10)"
    return (
        f"(!isValid({value}) ? null : {scale}.kind == 'log' ? ({value} > 0 ? log({value}) / LN10 : null) : "
        f"{scale}.kind == 'symlog' ? ({value} < 0 ? -1 : 1) * {size} : {value})"
    )


def number_at(place: str, scale: str) -> str:
    """The number at a position, as an axis writes it."""
    size = f"(abs({place}) <= 1 ? abs({place}) : pow(10, abs({place}) - 1)) * {scale}.unit"
    number = (
        f"({scale}.kind == 'log' ? pow(10, {place}) : {scale}.kind == 'symlog' ? ({place} < 0 ? -1 : 1) * {size} : "
    )
    return written(f"{number}{place})", f"({scale}.kind == 'linear' ? 4 : 2)")


def written(number: str, digits: str = "3") -> str:
    """A number as it is read: plainly unless it is very small or very large."""
    plain = f"abs({number}) >= 0.001 && abs({number}) < 100000 || {number} == 0"
    return f"({plain} ? replace(format({number}, '.' + {digits} + '~r'), '-', '−') : format({number}, '.' + {digits} + '~e'))"


def across(key: str) -> str:
    """Where a row lies along the horizontal axis that is chosen: an axis or a measure."""
    said = f"about[{key}]"
    return f"({said}.positions ? {said}.positions[datum[{key}]] : {position(f'datum[{key}]', said)})"


def axis_text(key: str) -> str:
    """What the axis of a chosen key writes at a tick."""
    said = f"about[{key}]"
    label = f"{said}.labels[indexof({said}.positions, datum.value)]"
    return f"{said}.positions ? {label} : {number_at('datum.value', said)}"


def live(expression: str) -> str:
    """A title that follows the choices: `finish` makes a signal of it."""
    return f"={expression}"


def finish(chart: Any, *params: Mapping[str, Any], columns: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The chart's specification in the common layout, with parameters and calculated columns for all its panels and layers.

    Altair would copy and compare all layers for each of these.

    Tests validate it, Altair does not: that takes longer than everything else. Vega-Lite hands titles on to Vega, which takes
    a signal there, though neither Vega-Lite's schema nor Altair says so.
    """
    spec = _with_signals(chart.to_dict(validate=False))
    calculated = [{"calculate": expression, "as": name} for name, expression in (columns or {}).items()]
    return spec | {
        "config": LAYOUT,
        "autosize": {"type": "pad", "resize": True},  # other panels or a longer title need another size
        "params": [*params, *spec.get("params", [])],
        "transform": [*calculated, *spec.get("transform", [])],
    }


def _with_signals(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _signal(name, value) for name, value in part.items()}
    return [_with_signals(each) for each in part] if isinstance(part, list) else part


def _signal(name: str, value: Any) -> Any:
    if name == "title" and isinstance(value, str) and value.startswith("="):
        return {"signal": value[1:]}
    if name == "range" and value == [CHOSEN]:  # one by one: of a whole list Vega would mix its own
        colours = "about[colour].colours"
        return [{"expr": f"{colours}[{i} % length({colours})]"} for i in range(MOST_COLOURS)]
    return _with_signals(value)
