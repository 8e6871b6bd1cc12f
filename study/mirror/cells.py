"""Cells in MLflow: the trials that differ only in their seed, and the means of their final numbers.

A cell's run is the parent of its trials' runs. Its content follows from what the mirror shows of them, so it stays right
when another launch adds seeds, and it is rewritten only if it has changed.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from study.mirror.entry import placed, run_name, text_of
from study.mirror.records import StudyRecords
from study.mirror.views import run_address

NOTE = "mlflow.note.content"
TOLD = (NOTE, "place", "regime")
"""The tags that follow from a cell's trials and from its place in the table."""

Number = tuple[str, float, int, int]
"""Name, value, time in ms, step."""


@dataclass(frozen=True)
class Seed:
    """What a cell shows of one of its trials: its run, its status and its final numbers."""

    run_id: str
    status: str
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Cell:
    """A cell of the plan. Its `key` never changes; name and place follow the axes that vary, and so may change with them."""

    key: str
    name: str
    place: str
    params: Mapping[str, str]
    trials: tuple[str, ...]


def cells(records: StudyRecords) -> dict[str, Cell]:
    """key → cell; none if the seed does not vary."""
    if not records.has_cells:
        return {}
    grouped: dict[str, list[str]] = {}
    for trial, labels in records.labels.items():
        key = ", ".join(f"{axis}={text_of(value)}" for axis, value in labels.items() if axis != "seed")
        grouped.setdefault(key, []).append(trial)
    return {key: _cell(records, key, place, trials) for place, (key, trials) in enumerate(grouped.items())}


def _cell(records: StudyRecords, key: str, place: int, trials: list[str]) -> Cell:
    labels = records.labels[trials[0]]
    params = {axis: text_of(labels[axis]) for axis in records.factors}
    return Cell(key, run_name(labels, records.factors) or records.study, placed(place), params, tuple(trials))


def regime_of(regimes: Iterable[str]) -> str:
    """The regime of a cell's seeds, and where they differ how many have each: "2 balanced, 1 over"."""
    counted = Counter(regimes).most_common()
    return counted[0][0] if len(counted) == 1 else ", ".join(f"{count} {regime}" for regime, count in counted)


def means(seeds: Iterable[Seed]) -> dict[str, float]:
    """The mean of each final number over the seeds that finished, and how many those are."""
    finished = [seed.metrics for seed in seeds if seed.status == "finished"]
    names = dict.fromkeys(name for metrics in finished for name in metrics)
    values = {name: [metrics[name] for metrics in finished if name in metrics] for name in names}
    return {**{name: sum(known) / len(known) for name, known in values.items()}, "seeds": float(len(finished))}


def note(cell: Cell, shown: Mapping[str, Seed], labels: Mapping[str, Mapping[str, Any]], experiment: str) -> str:
    """The cell's seeds, each with a link to its run."""
    links = [
        f"[s{labels[trial]['seed']}]({run_address(experiment, seed.run_id)})"
        + ("" if seed.status == "finished" else f" ({seed.status})")
        for trial in cell.trials
        if (seed := shown.get(trial))
    ]
    finished = sum(seed.status == "finished" for seed in shown.values())
    return f"Means over the {finished} of {len(cell.trials)} seeds that finished: {', '.join(links)}."


class Server(Protocol):
    """An MLflow server: the tracking client, and one way to log in bulk."""

    client: Any

    def log(
        self,
        run_id: str,
        numbers: Sequence[Number] = (),
        params: Mapping[str, str] = ...,
        tags: Mapping[str, str] = ...,
    ) -> None:
        """Log to a run in as few requests as possible."""
        ...


@dataclass(frozen=True)
class _Run:
    """A cell's run, as MLflow knows it."""

    run_id: str
    started: int
    params: frozenset[str] = frozenset()
    shown: tuple[str, Mapping[str, str], Mapping[str, float]] | None = None
    written: int | None = None


class Cells:
    """The runs of a study's cells; none if its seed does not vary."""

    def __init__(
        self, records: StudyRecords, server: Server, experiment: str, create: Callable[[Mapping[str, str], str], Any]
    ) -> None:
        self.records, self.server, self.experiment, self._create = records, server, experiment, create
        self._cells = cells(records)
        self._of = {trial: key for key, cell in self._cells.items() for trial in cell.trials}
        self._runs: dict[str, _Run] = {}
        self._seeds: dict[str, Seed] = {}
        self._changed: set[str] = set()

    def add(self, run: Any) -> None:
        """Take in a cell's run that MLflow has. Deletes it if the plan has no such cell, or the cell has a run already."""
        key, tags = run.data.tags.get("cell_id"), run.data.tags
        if key not in self._cells or key in self._runs:
            self.server.client.delete_run(run.info.run_id)
            return
        told = {name: tags[name] for name in TOLD if name in tags}
        shown = (run.info.run_name, told, dict(run.data.metrics))
        self._runs[key] = _Run(run.info.run_id, run.info.start_time, frozenset(run.data.params), shown)
        self._changed.add(key)

    def learn(self, trial: str, seed: Seed) -> None:
        """Take in what a trial's run shows."""
        self._seeds[trial] = seed
        if key := self._of.get(trial):
            self._changed.add(key)

    def parent(self, trial: str) -> str | None:
        """The run of the trial's cell, if there is one."""
        run = self._runs.get(self._of.get(trial, ""))
        return run.run_id if run else None

    def name(self, trial: str) -> str:
        """The name of the trial's cell."""
        return self._cells[self._of[trial]].name

    def begin(self, trial: str) -> str | None:
        """The run of the trial's cell, which is created if need be; None for a study without cells."""
        if trial in self._of and not self.parent(trial):
            cell = self._cells[self._of[trial]]
            tags = {"kind": "cell", "cell_id": cell.key}
            run = self._create(tags, cell.name)
            self._runs[cell.key] = _Run(run.info.run_id, run.info.start_time)
        return self.parent(trial)

    def judge(self) -> None:
        """The records' regimes may have changed, of any trial."""
        self._changed |= self._cells.keys()

    def settle(self) -> None:
        """Write the cells whose trials have changed."""
        for key in sorted(self._changed & self._runs.keys()):
            self._write(self._cells[key], self._runs[key])
            self._changed.discard(key)

    def _write(self, cell: Cell, run: _Run) -> None:
        seeds = {trial: self._seeds[trial] for trial in cell.trials if trial in self._seeds}
        numbers, text = means(seeds.values()), note(cell, seeds, self.records.labels, self.experiment)
        known = [self.records.regimes[trial] for trial in cell.trials if trial in self.records.regimes]
        tags = {NOTE: text, "place": cell.place} | ({"regime": regime_of(known)} if known else {})
        wanted = (cell.name, tags, numbers)
        if run.shown == wanted:
            return
        now = self._moment(run)
        params = {name: value for name, value in cell.params.items() if name not in run.params}
        if run.shown and run.shown[0] != cell.name:
            self.server.client.update_run(run.run_id, name=cell.name)
        metrics = [(name, value, now, 0) for name, value in numbers.items()]
        self.server.log(run.run_id, metrics, params, tags)
        has_result = any(seed.status != "failed" for seed in seeds.values())
        # A mean takes no time: what lies between the first seed and the last says nothing.
        self.server.client.set_terminated(run.run_id, "FINISHED" if has_result else "FAILED", run.started)
        self._runs[cell.key] = _Run(run.run_id, run.started, run.params | params.keys(), wanted, now)

    def _moment(self, run: _Run) -> int:
        """Now, in ms, but later than what the run shows: MLflow shows the latest value, and some clock may be ahead."""
        written = run.written
        if run.shown and written is None:
            points = self.server.client.get_metric_history(run.run_id, "seeds")
            written = max((point.timestamp for point in points), default=None)
        return max(int(1000 * time.time()), (written or 0) + 1)
