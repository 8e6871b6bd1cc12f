"""Panels and colours that readers choose, and the labels that they see under the pointer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from analysis.explore.axes import Axis
from analysis.explore.explored import Explored
from analysis.explore.vega import CHOSEN, NONE, choice, code, constant, live, text, written

COLUMNS = 3
WIDTH, HEIGHT = 280, 210
"""Of one panel among several, in pixels."""

ALONE = (520, 320)
"""Of a panel without company."""

SHOWN, HIDDEN = 1.0, 0.07


@dataclass(frozen=True)
class Panels:
    """What colour and panels a chart has before its reader chooses, and what there is to choose."""

    colours: Mapping[str, str]
    panels: Mapping[str, str]
    first: tuple[str, str, str]
    alone: bool

    @classmethod
    def of(
        cls, explored: Explored, axes: Sequence[Axis], *shown: str, further: Mapping[str, str] | None = None
    ) -> "Panels":
        """Of the axes that can be told apart, without those that are `shown` otherwise; `further` colours by key."""
        options = {axis.key: axis.title for axis in axes}
        colour, *panels = explored.colour_and_panels(*shown)
        listed = {axis.key for axis in axes}
        first = [axis.key if axis and axis.key in listed else NONE for axis in (colour, *panels)]
        if first[0] == NONE and further:
            first[0] = next(iter(further))
        return cls(
            {NONE: "nothing"} | options | dict(further or {}),
            {NONE: "nothing"} | options,
            (first[0], first[1], first[2]),
            first[1:] == [NONE, NONE],
        )

    @property
    def params(self) -> list[dict[str, Any]]:
        """The reader's choices."""
        chosen = [choice("colour", "colour by", self.colours, self.first[0])]
        if len(self.panels) > 1:
            chosen.append(choice("panel", "panels by", self.panels, self.first[1]))
            chosen.append(choice("panel2", "panels also by", self.panels, self.first[2]))
            return chosen
        return [*chosen, constant("panel", NONE), constant("panel2", NONE)]

    @property
    def size(self) -> dict[str, int]:
        """Width and height of a panel."""
        return dict(zip(("width", "height"), ALONE if self.alone else (WIDTH, HEIGHT), strict=True))

    @property
    def columns(self) -> dict[str, str]:
        """The calculated columns of a row: its `colour`, its `panel`, and the panel's `place` among the others."""
        both = f"{_named('panel')} + (panel != '{NONE}' && panel2 != '{NONE}' ? ', ' : '') + {_named('panel2')}"
        place = f"{code('panel')} * 1000 + {code('panel2')}"
        return {"colour": text("colour"), "panel": both, "place": place}

    def faceted(self, layers: Any, data: str) -> Any:
        """The layers once a panel; `columns` must be calculated."""
        facet = alt.Facet("panel:N", title=None, sort=alt.EncodingSortField("place", op="min"))
        chart = layers.properties(data=alt.NamedData(data), **self.size).facet(
            facet, columns=2 if self.alone else COLUMNS
        )
        return chart.resolve_axis(x="independent")  # one that panels share would also stand where the last row has none


def _named(key: str) -> str:
    """The label of a panel after the symbol of its axis."""
    return f"((about[{key}].symbol ? about[{key}].symbol + ' = ' : '') + {text(key)})"


def colour_of() -> alt.Color:
    """Colours by what the reader chose."""
    scale = alt.Scale(domain=alt.ExprRef("about[colour].labels"), range=[CHOSEN])
    listed = alt.ExprRef(f"colour == '{NONE}' ? [] : about[colour].labels")
    return alt.Color("colour:N", scale=scale, legend=alt.Legend(title=live("about[colour].title"), values=listed))


def legend_toggle() -> alt.Parameter:
    """A click on the legend shows the trials of these labels alone; with shift, of further ones too."""
    return alt.selection_point(name="shown", fields=["colour"], bind="legend")


def shown_if(channel: Any, toggle: alt.Parameter, opacity: float = SHOWN) -> Any:
    """Full opacity where the legend shows it. `channel` is a class of Altair's, which needs 10 ms to find one by its name."""
    return channel(**alt.when(toggle).then(alt.value(opacity)).otherwise(alt.value(HIDDEN * opacity)))


def beside() -> str:
    """A small shift by colour along the horizontal axis: lines that agree stay visible, within an eighth of a step."""
    n = "length(about[colour].labels)"
    return f"(about[x_axis].gap || 0) * 0.12 * (({code('colour')} + 0.5) / {n} - 0.5)"


def label_texts(axes: Sequence[Axis]) -> dict[str, str]:
    """Columns `ta0`, `ta1`, …: the labels of a row as they are read."""
    return {
        f"t{axis.key}": written(f"datum.{axis.key}", "5")
        if axis.is_continuous
        else f"about.{axis.key}.labels[datum.{axis.key}]"
        for axis in axes
    }


def label_tooltips(axes: Sequence[Axis]) -> list[alt.Tooltip]:
    """All labels of what is under the pointer."""
    return [alt.Tooltip(f"t{axis.key}:N", title=axis.title) for axis in axes]


def zoom() -> alt.Parameter:
    """The wheel zooms while shift is held, so that a page scrolls over its charts; a mouse drags, a double click resets."""
    drag = "[mousedown[event.button === 0], window:mouseup] > window:mousemove!"
    return alt.selection_interval(name="zoom", bind="scales", zoom="wheel![event.shiftKey]", translate=drag)
