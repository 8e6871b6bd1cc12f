"""Loading: a study's plan joined to the records, as pandas frames.

Axis columns hold the labels of the study's table and win over same-named record columns. The axis `gamma` is a mode
("learned", "fixed 1"), so the measured decoder variance is always the column `gamma_value`.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.frames.gamma_rest import gamma_at_rest
from analysis.frames.recorded import FRAME_NAMES, METRIC_NAMES
from analysis.frames.regime import with_regimes
from analysis.frames.types import Frame
from study.record import RESERVED, Home, read
from study.record.study_files import HEADER, PLAN, read_header, read_plan, study_file

Place = str | Path | Home
DEFAULT_HOME = "./runs"


NUMBER = "number"
"""The axis of a search that says in which order it asked for its trials."""


class AnalysisError(Exception):
    """The analysis is impossible; the message names the fault and the remedy."""


@dataclass(frozen=True)
class Header:
    """What the launcher wrote about a study: its name, caption and scale, and its axes' labels in declared order.

    `stages` are the trials that the study's own stand on, and that are no rows of its table. Where it has probes,
    `measures` holds unit and meaning of what they measure, and `trained` says whether trials are trained beside them.
    `metrics` holds the same of what its trials are measured by, in homes that say so, and `own_metrics` names those of them
    that the user's own code measures.
    `refine` is the relative width to which collapses are known, where β were added for it. `declared_in` says where the
    study is declared: by its `package` in the catalog, or by its `file`; homes of earlier versions do not say. `search` says
    what a search may choose, and `minimise`s: columns, each with the value that a diverged trial counts as. The axis `number`
    of a search counts its trials from 1, while plans count them from 0.
    """

    name: str
    caption: str
    scale: str
    axes: dict[str, list[Any]]
    stages: list[str] = field(default_factory=list)
    refine: float | None = None
    measures: dict[str, list[str]] = field(default_factory=dict)
    trained: bool = True
    metrics: dict[str, list[str]] = field(default_factory=dict)
    own_metrics: list[str] = field(default_factory=list)
    declared_in: dict[str, Any] = field(default_factory=dict)
    search: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Header":
        """The header that a `study.json` holds; what later versions add to it is left out."""
        known = {each.name for each in fields(cls)}
        head = cls(**{name: value for name, value in content.items() if name in known})
        return replace(head, axes=_from_one(head.axes)) if head.is_search else head

    @property
    def study(self) -> str:
        """The study's own name: at another scale than the laptop's `name` ends with the scale."""
        return self.name.removesuffix(f"-{self.scale}")

    @property
    def is_search(self) -> bool:
        """Whether a search asked for the trials, each with settings of its own."""
        return bool(self.search) or {"sampler", "repeat", NUMBER} <= set(self.axes)

    @property
    def minimised(self) -> dict[str, float]:
        """The columns that a search minimises, each with the value that a diverged trial counts as; empty for tables."""
        return dict(self.search.get("minimise", {}))

    def varying(self, *without: str) -> list[str]:
        """The axes with more than one label, in declared order, but for those named."""
        return [axis for axis, labels in self.axes.items() if len(labels) > 1 and axis not in without]

    def position(self, axis: str, label: Any) -> int:
        """Where a label stands in its axis. A mixed axis is stored as text, hence the second look."""
        places = self._places.get(axis, {})
        last = len(self.axes.get(axis, []))
        return min(places.get(label, last), places.get(str(label), last))

    @cached_property
    def _places(self) -> dict[str, dict[Any, int]]:
        """For each axis where its labels stand, by themselves and by their text; of equal ones the first."""
        found: dict[str, dict[Any, int]] = {}
        for axis, labels in self.axes.items():
            of_axis = found.setdefault(axis, {})
            for place, label in enumerate(labels):
                of_axis.setdefault(label, place)
                of_axis.setdefault(str(label), place)
        return found

    def ordered(self, axis: str, labels: Iterable[Any]) -> list[Any]:
        """The distinct labels, in declared order."""
        return sorted(dict.fromkeys(labels), key=lambda label: self.position(axis, label))


def results(study: str, home: Place = DEFAULT_HOME) -> Frame:
    """One row a declared trial: axes, measurements, status (`missing` where there is no record), regime, `gamma_at_rest`.

    Labels that are text are pandas categories, in declared order, so that a frame is sorted and grouped as the table is;
    axes of numbers stay numbers. `.astype(str)` makes text of categories, to join it with other text for example.

    Raises: AnalysisError for a home or a study that is not there.
    """
    place, head, plan = _open(study, home)
    frame = _beside(plan, _of(plan, read(place, "trials")), how="left")
    frame = frame.merge(_evaluations(_of(plan, read(place, "evaluations"))), on="trial_id", how="left")
    sizes = read(place, "datasets", ["data_id", "total_variance"]).to_pandas(use_threads=False)
    frame["total_variance"] = frame["data_id"].map(sizes.set_index("data_id")["total_variance"])
    frame["status"] = frame["status"].where(frame["status"].notna(), "missing")
    return with_regimes(_with_categories(frame.assign(gamma_at_rest=gamma_at_rest(frame)), head))


def _with_categories(frame: Frame, head: Header) -> Frame:
    """The frame with each axis of text as a category, in declared order: so it is sorted, grouped and drawn."""
    axes = {axis: labels for axis, labels in head.axes.items() if any(isinstance(label, str) for label in labels)}
    for axis, labels in axes.items():
        known = list(dict.fromkeys([*map(str, labels), *frame[axis].dropna().astype(str)]))
        frame[axis] = pd.Categorical(frame[axis], categories=known)
    return frame


def curves(study: str, home: Place = DEFAULT_HOME) -> Frame:
    """One row a trial, stage and logged step, with the trial's axes. Raises: AnalysisError."""
    place, _, plan = _open(study, home)
    return _beside(plan, _of(plan, read(place, "curves")), how="inner")


def latents(study: str, home: Place = DEFAULT_HOME) -> Frame:
    """One row a trial, stage and latent dimension, with the trial's axes. Raises: AnalysisError."""
    place, _, plan = _open(study, home)
    return _beside(plan, _of(plan, read(place, "latents")), how="inner")


def datasets(home: Place = DEFAULT_HOME) -> dict[str, dict[str, Any]]:
    """What the home knows of each data set, by data_id: the columns of the `datasets` table."""
    place = home if isinstance(home, Home) else Home(home)
    return {row["data_id"]: row for row in read(place, "datasets").to_pylist()}


def header(study: str, home: Place = DEFAULT_HOME) -> Header:
    """The study's name, caption, scale and axes. Raises: AnalysisError."""
    return _open(study, home)[1]


def _open(study: str, home: Place) -> tuple[Home, Header, Frame]:
    place = home if isinstance(home, Home) else Home(home)
    if not study or not (place.exists(study_file(study, PLAN)) and place.exists(study_file(study, HEADER))):
        raise AnalysisError(_absent(study, place))
    head = Header.of(read_header(place, study))
    if hidden := sorted(RESERVED.intersection(head.axes)):
        raise AnalysisError(f"the axis {hidden[0]} of study {study} hides the measurement {hidden[0]}: rename the axis")
    plan = read_plan(place, study).to_pandas(use_threads=False)
    if head.is_search and NUMBER in plan:
        plan[NUMBER] += 1
    return place, head, plan


def _from_one(axes: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """The axes of a search, its trials counted from 1."""
    return {axis: [label + 1 for label in labels] if axis == NUMBER else labels for axis, labels in axes.items()}


def studies_of(home: Home) -> list[str]:
    """The names of a home's studies, sorted. Raises: AnalysisError where there are none; HomeError."""
    if names := home.folders("studies"):
        return names
    raise AnalysisError(f"the home {home} holds no studies: launch one with `collapsar launch`, or give another --home")


def _absent(study: str, place: Home) -> str:
    names = studies_of(place)
    near = difflib.get_close_matches(study, names, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]}?" if near else f"it holds {', '.join(names)}."
    return f"there is no study {study} in the home {place}: {advice}"


def _of(plan: Frame, content: pa.Table) -> Frame:
    """The record rows of the plan's trials, their columns by the names that frames have."""
    ids = pa.array(plan["trial_id"].tolist(), pa.string())
    rows = content.filter(pc.is_in(content["trial_id"], value_set=ids))  # pyright: ignore[reportAttributeAccessIssue]
    return rows.to_pandas(use_threads=False).rename(columns=FRAME_NAMES)


def _beside(plan: Frame, records: Frame, how: Any) -> Frame:
    displaced = [name for name in records if name in plan and name != "trial_id"]
    return plan.merge(records.drop(columns=displaced), on="trial_id", how=how)


def _evaluations(rows: Frame) -> Frame:
    """One row a trial: a column for each metric's value and, ending in `_se`, for its standard error."""
    latest = rows.sort_values("version", kind="stable").drop_duplicates(["trial_id", "metric"], keep="last")
    wide = latest.pivot(index="trial_id", columns="metric", values=["value", "standard_error"])
    columns = {}
    for metric in sorted(latest["metric"].unique()):  # networks that see β have a hundred: no column by column
        name = METRIC_NAMES.get(str(metric), str(metric))
        columns |= {name: wide["value", metric], f"{name}_se": wide["standard_error", metric]}
    frame = pd.DataFrame(columns, index=wide.index).reset_index()
    for name in ("mmd", "mmd_se", "iwae_nll", "iwae_nll_se", "sample_variance", "sample_variance_se"):
        if name not in frame:
            frame[name] = float("nan")
    return frame
