"""What varies in a study: its axes with more than one label, and what each is to a chart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis.explore.scales import Scale, scale_of_axis
from analysis.figures.looks import looks
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.tables.cells import label_text
from analysis.tables.interval import number

Role = Literal["setting", "sampler", "seed", "order"]
"""Settings decide a trial; a sampler asked for it; seeds repeat it; an order says when a search asked for it."""

ROLES: dict[str, Role] = {"seed": "seed", "repeat": "seed", "number": "order", "sampler": "sampler"}

TITLES = {
    "beta": "weight of the rate β",
    "kappa": "latent dimensions κ",
    "gamma": "decoder variance γ",
    "lr": "learning rate",
    "d": "dimensions d",
    "r": "planted dimension r",
    "steps": "training steps",
    "batch": "examples in a minibatch",
    "n_train": "training examples",
    "data": "data set",
    "number": "trial of its search",
    "repeat": "seed of the search",
    "weight_decay": "weight decay",
    "clip": "gradients clipped at",
}
"""What readers call axes of these names; others keep their own."""

SYMBOLS = {"beta": "β", "kappa": "κ", "gamma": "γ", "lr": "lr", "steps": "steps", "batch": "batch", "data": ""}
"""What stands before a label in short, as in "κ = 4"; of a data set nothing does."""

MOST_LABELS = 12
"""Numeric axes with more labels have classes of them as colours and panels."""

CLASSES = 6

RECORDED = ("data", "skip", "kappa", "beta", "seed")
"""Axes that do not say how γ is set, even if its first value follows from them."""


@dataclass(frozen=True)
class Axis:
    """An axis that varies. Data sets of charts hold it under its `key`: the number of a label, or with `classes` a number.

    `labels` are those that occur, in declared order; `colours` one for each, or for each class.
    """

    name: str
    key: str
    role: Role
    labels: Sequence[Any]
    is_numeric: bool
    colours: Sequence[str] = ()

    @property
    def title(self) -> str:
        """What readers call it."""
        return TITLES.get(self.name, self.name.replace("_", " "))

    @property
    def symbol(self) -> str:
        """The same in short; empty where labels speak for themselves."""
        return SYMBOLS.get(self.name, self.title)

    @property
    def is_continuous(self) -> bool:
        """Whether it has so many numbers that colours and panels are of classes."""
        return self.is_numeric and len(self.labels) > MOST_LABELS

    @cached_property
    def scale(self) -> Scale:
        """How its numbers lie along an axis."""
        return scale_of_axis(self.labels) if self.is_numeric else Scale()

    @cached_property
    def positions(self) -> list[float]:
        """Where its labels lie along an axis: text in equal steps."""
        return (
            self.scale.position(self.labels).tolist()
            if self.is_numeric
            else [float(i) for i in range(len(self.labels))]
        )

    @cached_property
    def thresholds(self) -> list[float]:
        """The upper bounds of all classes but the last, each of which holds as many labels; none without classes."""
        return thresholds(self.labels) if self.is_continuous else []

    @property
    def texts(self) -> list[str]:
        """Its labels, or its classes, as they are read."""
        return class_texts(self.labels, self.thresholds) if self.is_continuous else [*map(label_text, self.labels)]

    def codes(self, column: Any) -> np.ndarray:
        """The number of each trial's label, or of its class."""
        if self.is_continuous:
            return np.searchsorted(self.thresholds, np.asarray(column, float), side="left")
        return self.codes_of_labels(column)

    def codes_of_labels(self, column: Any) -> np.ndarray:
        """The number of each trial's label."""
        place = {_key(label): i for i, label in enumerate(self.labels)}
        return np.array([place[_key(label)] for label in column], int)

    def values(self, column: Any) -> list[Any]:
        """What data sets of charts hold: numbers where it is continuous, numbers of labels otherwise."""
        return [short(label) for label in column] if self.is_continuous else self.codes(column).tolist()


def short(value: Any) -> float | int | None:
    """A number in five significant digits, for a data set; None for what JSON has no number for."""
    number = float(value)
    if not np.isfinite(number):
        return None
    return int(number) if number == int(number) and abs(number) < 1e15 else float(f"{number:.5g}")


def thresholds(values: Any) -> list[float]:
    """Bounds that divide numbers into classes of equal size, in four digits; fewer where numbers repeat."""
    known = np.asarray(values, float)
    shares = np.arange(1, CLASSES) / CLASSES
    found = [float(f"{bound:.4g}") for bound in np.quantile(known[np.isfinite(known)], shares)]
    return sorted(set(found))


def class_texts(values: Any, bounds: Sequence[float]) -> list[str]:
    """The classes as ranges: "0.1 to 3"."""
    ends = [float(np.nanmin(np.asarray(values, float))), *bounds, float(np.nanmax(np.asarray(values, float)))]
    return [f"{number(low)} to {number(high)}" for low, high in pairwise(ends)]


def axes_of(frame: Frame, header: Header) -> list[Axis]:
    """The axes with more than one label among the study's trials, in declared order."""
    found = []
    coloured = gamma_axis(frame, header)
    for name in header.varying():
        labels = header.ordered(name, frame[name].dropna())
        is_numeric = pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name])
        colours = _mode_colours(frame, labels, name) if name == coloured else ()
        if len(labels) > 1:
            ordered = sorted(labels) if is_numeric else labels
            found.append(Axis(name, f"a{len(found)}", ROLES.get(name, "setting"), ordered, is_numeric, colours))
    return found


def gamma_axis(frame: Frame, header: Header) -> str | None:
    """The axis that says how γ is set, whatever its name; None where none does.

    According to the records each of its labels has one mode, and no two labels have the same mode and first values.
    """
    if "gamma_mode" not in frame:
        return None
    known = frame[frame["gamma_mode"].notna()]
    for axis in header.varying(*RECORDED):
        by_label = known.groupby(axis, observed=True)
        starts = by_label["gamma_init"].agg(lambda values: tuple(sorted(values.dropna().unique())))
        ways = set(zip(by_label["gamma_mode"].first(), starts, strict=True))
        if by_label["gamma_mode"].nunique().eq(1).all() and 1 < len(ways) == by_label.ngroups:
            return axis
    return None


def _mode_colours(frame: Frame, labels: Sequence[Any], axis: str) -> list[str]:
    """The colours of γ modes, the same in every figure."""
    known = frame.dropna(subset=["gamma_mode"]).drop_duplicates(axis).set_index(axis)["gamma_mode"]
    modes = {label: str(known.get(label, "other")) for label in labels}
    return [look.colour for look in looks(modes).values()]


def in_words(labels: Mapping[str, Any]) -> str:
    """A trial or a cell by its labels: "κ 4, β 0.5"; of a search "trial 6 of the search by tpe with seed 0, κ 4, β 0.5"."""
    texts = {axis: label_text(label) for axis, label in labels.items()}
    of_search = {
        axis: texts.pop(axis) for axis in ("number", "sampler", "repeat") if "number" in labels and axis in texts
    }
    said = [
        f"{SYMBOLS.get(axis, TITLES.get(axis, axis.replace('_', ' ')))} {text}".strip() for axis, text in texts.items()
    ]
    return ", ".join([*([_of_search(**of_search)] if of_search else []), *said])


def _of_search(number: str, sampler: str = "", repeat: str = "") -> str:
    by, seed = f" by {sampler}" if sampler else "", f" with seed {repeat}" if repeat else ""
    return f"trial {number}" + (f" of the search{by}{seed}" if by or seed else "")


def _key(label: Any) -> Any:
    return float(label) if isinstance(label, int | float | np.number) and not isinstance(label, bool) else str(label)
