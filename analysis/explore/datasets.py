"""The data sets that all charts of a study share, each once in its page: trials, cells, and curves.

Their columns have short names, for there may be ten thousand rows: `a0`, `a1`, … are axes (the number of a label, or the
number itself of a continuous axis), `m0`, `m1`, … measures, `q0`, `q1`, … logged quantities.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Int

from analysis.explore.axes import Axis, short
from analysis.explore.explored import Explored
from analysis.explore.fronts import best_so_far, on_front
from analysis.figures.chart import Rows
from analysis.frames.types import Frame

PLANE = ("rate_test", "distortion_test")


def trial_rows(explored: Explored) -> Rows:
    """One row a trial with a result: `id`, `status`, `regime`, `cell`, axes, measures, `r` where it is known.

    In the front of rate and distortion of its data set a trial has `rd`. Those of a search have what `_of_search` adds.
    """
    frame = explored.frame
    columns: dict[str, list[Any]] = {
        "id": [str(trial) for trial in frame["trial_id"]],
        "status": [str(status) for status in frame["status"]],
        "regime": [explored.regimes.index(str(regime)) for regime in frame["regime"]],
        "cell": explored.cells.tolist(),
        **_labels(explored, frame),
        **_numbers(explored, frame),
    }
    if "intrinsic_dim" in frame and "kappa" in explored.header.axes:
        columns["r"] = [short(r) for r in frame["intrinsic_dim"].astype(float)]
    if set(PLANE) <= set(frame):
        columns["rd"] = _fronts(frame, frame["data_id"].astype(str), list(PLANE))
    if explored.is_search:
        columns |= _of_search(explored)
    return _rows(columns)


def cell_rows(explored: Explored) -> Rows:
    """One row a cell with a finished trial: its `regime`, its labels, the means of the main measures, and `n` trials."""
    finished = explored.finished.assign(cell=explored.cells[explored.finished.index])
    first = finished.drop_duplicates("cell").sort_values("cell")
    finished = finished.groupby("cell")
    columns: dict[str, list[Any]] = {
        "cell": first["cell"].tolist(),
        "n": finished.size().tolist(),
        "regime": [explored.regimes.index(explored.regime_of_cell[cell]) for cell in first["cell"]],
        **_labels(explored, first),
    }
    for measure in explored.main:
        columns[measure.key] = [short(mean) for mean in finished[measure.column].mean()]
    return _rows(columns)


def _rows(columns: Mapping[str, list[Any]]) -> Rows:
    """Rows without what is None: a trial that did not finish has no measures."""
    names = [*columns]
    return [
        {name: value for name, value in zip(names, values, strict=True) if value is not None}
        for values in zip(*columns.values(), strict=True)
    ]


def _labels(explored: Explored, frame: Frame) -> dict[str, list[Any]]:
    return {axis.key: axis.values(frame[axis.name]) for axis in explored.axes}


def _numbers(explored: Explored, frame: Frame) -> dict[str, list[Any]]:
    finished = frame["status"].eq("finished")
    return {
        each.key: [short(value) for value in frame[each.column].where(finished).astype(float)]
        for each in explored.measures
    }


def _fronts(frame: Frame, groups: Any, columns: list[str]) -> list[int | None]:
    """1 for the trials on the front of their group, None for others."""
    marks = np.zeros(len(frame), bool)
    values = frame[columns].where(frame["status"].eq("finished")).to_numpy(float)
    for rows in frame.groupby(groups).indices.values():
        marks[rows] = on_front(values[rows])
    return [1 if mark else None for mark in marks]


def _of_search(explored: Explored) -> dict[str, list[Any]]:
    """What the trials of a search have beside: `h0`, `h1`, … as it counts what it minimises, `b0`, … the best so far.

    `order` is the place of a trial in its search, from 1. Where it was trained again with more steps its last rung counts,
    so that earlier ones have none of these. `front` marks what no trial of the same sampler betters in all that is minimised.
    """
    frame = explored.frame
    last = _last_rungs(frame)
    columns: dict[str, list[Any]] = {"order": [None] * len(frame)}
    counted = frame[[*explored.header.minimised]].astype(float)
    for column, worst in explored.header.minimised.items():
        most = counted[column].where(frame["status"].eq("finished")).max()
        counted[column] = counted[column].mask(
            frame["status"].eq("diverged"), max(worst, most) if most == most else worst
        )
    for i, column in enumerate(counted):
        columns |= {f"h{i}": [None] * len(frame), f"b{i}": [None] * len(frame)}
        for _, rows in frame.iloc[last].groupby(["sampler", "repeat"], observed=True):
            of_search = rows.sort_values("number").index
            best = best_so_far(frame.loc[of_search, column].to_numpy(float))
            for index, value, least in zip(of_search, counted.loc[of_search, column], best, strict=True):
                columns["order"][index] = int(frame.at[index, "number"])
                columns[f"h{i}"][index], columns[f"b{i}"][index] = short(value), short(least)
    if counted.shape[1] > 1:
        front = np.zeros(len(frame), bool)
        for _, rows in frame.iloc[last].groupby("sampler", observed=True):
            front[rows.index] = on_front(counted.loc[rows.index].to_numpy())
        columns["front"] = [1 if mark else None for mark in front]
    return columns


def _last_rungs(frame: Frame) -> Int[np.ndarray, " last"]:
    """Where the last rung of each trial of a search stands in the frame."""
    ordered = frame.sort_values("steps", kind="stable") if "steps" in frame else frame
    return np.sort(ordered.drop_duplicates(["sampler", "repeat", "number"], keep="last").index.to_numpy())


def code_of(axis: Axis, column: Any) -> list[Any]:
    """What a group of trials has in place of an axis's label: of a class the middle one of its numbers."""
    codes = axis.codes(column)
    if not axis.is_continuous:
        return codes.tolist()
    numbers = np.asarray(column, float)
    middle = {code: short(np.median(numbers[codes == code])) for code in np.unique(codes)}
    return [middle[code] for code in codes]
