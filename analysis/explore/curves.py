"""Logged quantities along training, by groups of trials: the median, the least and the greatest at each step."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.explore.axes import Axis, short
from analysis.explore.datasets import code_of
from analysis.explore.explored import Explored
from analysis.explore.measures import FACTORS
from analysis.explore.scales import SPREAD, SPREAD_OF_FACTORS, Scale, scale_of_measure
from analysis.figures.chart import Rows
from analysis.frames.recorded import recorded
from analysis.frames.types import Frame

QUANTITIES = {
    "objective": "objective J",
    "distortion": "distortion",
    "rate": "rate",
    "gamma_value": "decoder variance γ",
    "grad_z": "‖∂J/∂z‖, gradient with respect to z",
    "grad_norm": "norm of the gradient",
    "n_active": "active latents",
}
"""Columns of the curves, and what readers call them."""

MOST_GROUPS = 120
MOST_ROWS = 6000
MOST_STEPS = 200


@dataclass(frozen=True)
class Quantity:
    """A logged quantity: its column, its `key` in the data set (`q0`, with `q0l` and `q0h` where trials differ), title."""

    column: str
    key: str
    title: str
    scale: Scale


@dataclass(frozen=True)
class Curves:
    """The data set, its quantities, the axes that tell its groups apart, and those over whose labels the medians are."""

    rows: Rows
    quantities: list[Quantity]
    axes: list[Axis]
    pooled: list[Axis]


def curves_of(explored: Explored, logged: Frame) -> Curves | None:
    """The curves of finished trials; None where nothing was logged.

    Axes that decide most come first, as long as there are no more than `MOST_GROUPS` groups.
    """
    finished = explored.finished
    logged = logged[logged["trial_id"].isin(finished["trial_id"])]
    named = {column: title for column, title in QUANTITIES.items() if column in logged and logged[column].notna().any()}
    if logged.empty or not named:
        return None
    axes: list[Axis] = []
    codes = np.zeros((len(finished), 0), int)
    for axis in explored.ranked:
        further = np.column_stack([codes, axis.codes(finished[axis.name])])
        if len(np.unique(further, axis=0)) <= MOST_GROUPS:
            axes, codes = [*axes, axis], further
    groups = np.unique(codes, axis=0, return_inverse=True)[1].reshape(-1) if axes else np.zeros(len(finished), int)
    rows = logged.assign(group=logged["trial_id"].map(dict(zip(finished["trial_id"], groups, strict=True))))
    points = int(np.clip(MOST_ROWS // (groups.max() + 1), 12, MOST_STEPS))
    rows = rows[rows["step"].isin(_thinned(rows, points))]
    labels = {axis.key: dict(zip(groups, code_of(axis, finished[axis.name]), strict=True)) for axis in axes}
    quantities = [
        Quantity(column, f"q{i}", _with_unit(column, title), _scale(rows[column], column))
        for i, (column, title) in enumerate(named.items())
    ]
    told: dict[str, dict[Any, Any]] = labels | {"td": _variances(finished, groups)}
    return Curves(_rows(rows, quantities, told), quantities, axes, [a for a in explored.ranked if a not in axes])


def _thinned(rows: Frame, points: int) -> np.ndarray:
    """At most so many of the steps of each number of training steps, evenly, with the first and the last."""
    kept: set[int] = set()
    logged = rows[["trial_id", "step"]].drop_duplicates().sort_values(["trial_id", "step"])
    ends = np.cumsum(logged.groupby("trial_id").size())[:-1]
    for steps in {tuple(each.tolist()) for each in np.split(logged["step"].to_numpy(), ends)}:
        kept.update(steps[i] for i in np.unique(np.linspace(0, len(steps) - 1, points).round().astype(int)))
    return np.array(sorted(kept))


def _variances(finished: Frame, groups: np.ndarray) -> dict[int, Any]:
    """T/d, the variance per dimension of a group's data, where its trials have one data set."""
    ratio = (finished["total_variance"] / finished["d"]).astype(float).groupby(groups)
    return {int(str(group)): short(each.iloc[0]) for group, each in ratio if each.nunique() == 1}


def _rows(rows: Frame, quantities: list[Quantity], told: dict[str, dict[Any, Any]]) -> Rows:
    by_step = rows.groupby(["group", "step"])
    found = by_step[[each.column for each in quantities]].agg(["median", "min", "max"])
    made = []
    for (group, step), numbers in zip(found.index, found.to_dict("records"), strict=True):
        row: dict[str, Any] = {"g": int(group), "step": int(step)}
        row |= {key: value for key, labels in told.items() if (value := labels.get(int(group))) is not None}
        for each in quantities:
            middle, low, high = (short(numbers[each.column, part]) for part in ("median", "min", "max"))
            row |= {each.key: middle} if middle is not None else {}
            row |= {f"{each.key}l": low, f"{each.key}h": high} if middle is not None and low != high else {}
        made.append(row)
    return made


def _scale(values: Any, column: str) -> Scale:
    return scale_of_measure(values, SPREAD_OF_FACTORS if column in FACTORS else SPREAD)


def _with_unit(column: str, title: str) -> str:
    unit = recorded(column, "curves").unit
    return title if unit == "-" else f"{title} ({unit})"
