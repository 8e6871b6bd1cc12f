"""An audit of a mirror: what MLflow's own tables hold of a study, against what the records say."""

import contextlib
import io
import json
import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from study.record import Home, read

FINAL = ("distortion_test", "rate_test", "gamma", "n_active")
CURVES = ("distortion", "rate", "gamma", "grad_z", "n_active")
MOST_POINTS = 30

Row = dict[str, Any]


def query_rows(home: Home, query: str, *values: Any) -> list[Any]:
    """Rows of the home's MLflow database; none before there is one."""
    file = Path(f"{home}/mlflow.db")
    if not file.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as base:
        return base.execute(query, values).fetchall()


def runs_of(home: Home, study: str) -> list[Row]:
    """Every run of the study's experiment that was not deleted, with every point of its metrics."""
    of_study = "run_uuid IN (SELECT run_uuid FROM runs JOIN experiments USING (experiment_id)"
    of_study += " WHERE experiments.name = ? AND runs.lifecycle_stage = 'active')"
    found: dict[str, Row] = {}
    for run, name, status in query_rows(home, f"SELECT run_uuid, name, status FROM runs WHERE {of_study}", study):
        found[run] = {"id": run, "name": name, "status": status, "tags": {}, "params": {}, "points": [], "latest": {}}
    for table in ("tags", "params"):
        for run, key, text in query_rows(home, f"SELECT run_uuid, key, value FROM {table} WHERE {of_study}", study):
            found[run][table][key] = text
    for run, *point in query_rows(home, f"SELECT run_uuid, key, step, value FROM metrics WHERE {of_study}", study):
        found[run]["points"].append(tuple(point))
    for run, key, value in query_rows(home, f"SELECT run_uuid, key, value FROM latest_metrics WHERE {of_study}", study):
        found[run]["latest"][key] = value
    return list(found.values())


def of_kind(runs: list[Row], kind: str) -> list[Row]:
    """The runs of trials, cells, packs or launches."""
    return [run for run in runs if run["tags"]["kind"] == kind]


def assert_shows_the_records(home: Home, study: str, rows: int) -> None:
    """`rows` trials are mirrored by one ended run each, which shows all of the records' numbers and no other."""
    runs = runs_of(home, study)
    assert {run["status"] for run in runs} <= {"FINISHED", "FAILED", "KILLED"}, "a run was left open"
    trials = {row["trial_id"]: row for row in read(home, "trials").to_pylist()}
    shown = of_kind(runs, "trial")
    assert Counter(run["tags"]["trial_id"] for run in shown) == Counter(dict.fromkeys(trials, 1))
    assert len(trials) == rows
    plan = {row.pop("trial_id"): row for row in _plan(home, study)}
    curves, evaluations = _by_trial(home, "curves"), _by_trial(home, "evaluations")
    for run in shown:
        row = trials[run["tags"]["trial_id"]]
        key = row["trial_id"]
        _assert_trial(run, row, plan[key], curves[key], evaluations[key])
    _assert_cells(of_kind(runs, "cell"), shown)


def _assert_trial(run: Row, row: Row, axes: Row, curve: list[Row], evaluations: list[Row]) -> None:
    assert (run["status"], run["tags"]["mirrored"]) == ("FINISHED", row["commit_id"])
    points = {(name, step): value for name, step, value in run["points"]}
    assert len(points) == len(run["points"]), "a point is there twice"
    final = {name: row[name] for name in FINAL} | {found["metric"]: found["value"] for found in evaluations}
    for name, value in final.items():
        assert (points[name, 0], run["latest"][name]) == (value, value)
    for name in CURVES:
        steps = {point["step"]: point[name] for point in curve if point[name] is not None}
        there = {step: value for (key, step), value in points.items() if key == f"curve/{name}"}
        assert there.items() <= steps.items()
        assert len(there) == min(MOST_POINTS, len(steps))
        assert not steps or {min(steps), max(steps)} <= there.keys()
    _assert_declared(run["params"], row, axes)


def _assert_declared(params: Mapping[str, str], row: Row, axes: Row) -> None:
    """The plain params are the trial's place in the table, the dotted ones what was declared with it, and nothing lacks."""
    for axis, value in axes.items():
        assert axis not in params or _is_said(params[axis], value)
    leaves = dict(_leaves(json.loads(row["declaration"])))
    for name in params.keys() - axes.keys():
        value = leaves.get(name.removeprefix("trial."), row.get(name.rpartition(".")[2]))
        assert _is_said(params[name], value), f"{name} is {params[name]}, and was declared {value}"
    unsaid = [path for path in leaves if not {path, f"trial.{path}"} & params.keys()]
    assert all(path.rpartition(".")[2] in ("kind", *axes) for path in unsaid), unsaid


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, f"{path}.{name}" if path else str(name))
    elif value is not None:
        yield path, value


def _is_said(text: str, value: Any) -> bool:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return math.isclose(float(text), value, rel_tol=1e-11)  # params are texts of twelve digits
    return text == (", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _assert_cells(cells: list[Row], trials: list[Row]) -> None:
    """One run a cell, which shows the means of its seeds."""
    below: Mapping[str, list[Row]] = defaultdict(list)
    for run in trials:
        below[run["tags"].get("mlflow.parentRunId", "")].append(run)
    assert {run["id"] for run in cells} == below.keys() - {""}
    for cell in cells:
        seeds = below[cell["id"]]
        assert cell["latest"]["seeds"] == len(seeds)
        values = [run["latest"]["distortion_test"] for run in seeds]
        assert abs(cell["latest"]["distortion_test"] - sum(values) / len(values)) <= 1e-12 * max(values)


def _by_trial(home: Home, table: str) -> Mapping[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in read(home, table).to_pylist():
        grouped[row["trial_id"]].append(row)
    return grouped


def _plan(home: Home, study: str) -> list[Row]:
    return pq.read_table(io.BytesIO(home.read(f"studies/{study}/plan.parquet"))).to_pylist()
