"""The files of a study beside its records: `plan.parquet`, a row for each trial, and `study.json`, its header."""

import io
import json
from collections.abc import Mapping, Sequence, Set
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from study.declare.axes import Label
from study.declare.table import Row
from study.record import Home, stored_ids
from study.record.garbage import DROPPED, dropped_ids


def write_table(home: Home, name: str, rows: Sequence[Row], header: Mapping[str, Any]) -> None:
    """Write the trial_id of each row with its labels on the header's axes, and then the header."""
    columns: dict[str, Sequence[Label]] = {"trial_id": [row.trial.trial_id for row in rows]}
    for axis in header["axes"]:
        columns[axis] = _column([row.axes[axis] for row in rows])
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    home.write(f"studies/{name}/plan.parquet", buffer.getvalue())
    home.write(f"studies/{name}/study.json", json.dumps(header, ensure_ascii=False, indent=1).encode())


def write_dropped(home: Home, name: str, kept: Set[str]) -> None:
    """Note the trials of earlier tables that are not among those `kept`, and have a row of records in the home.

    To whoever cleans the home they are results that a table dropped: `study.record.garbage.dropped_ids` reads them.
    """
    try:
        plan = pq.read_table(
            io.BytesIO(home.read(f"studies/{name}/plan.parquet")), columns=["trial_id"], use_threads=False
        )
    except FileNotFoundError:
        return
    before = dropped_ids(home).get(name, frozenset())
    dropped = before.union(plan["trial_id"].to_pylist()) - kept
    if dropped != before:
        stored = dropped.intersection(row.trial_id for row in stored_ids(home))
        home.write(f"studies/{name}/{DROPPED}", json.dumps(sorted(stored)).encode())


def read_header(home: Home, name: str) -> Mapping[str, Any]:
    """The header that an earlier launch wrote; empty where there was none."""
    try:
        return json.loads(home.read(f"studies/{name}/study.json"))
    except FileNotFoundError:
        return {}


def read_rows(home: Home, name: str) -> dict[str, dict[str, Label]]:
    """trial_id → axis → label, for each row that an earlier launch wrote."""
    try:
        content = pq.read_table(io.BytesIO(home.read(f"studies/{name}/plan.parquet")), use_threads=False)
    except FileNotFoundError:
        return {}
    return {row.pop("trial_id"): row for row in content.to_pylist()}


def _column(labels: list[Label]) -> list[Label]:
    """Labels of one type: numbers stay numbers where a column can hold all of them, anything else becomes text."""
    if all(isinstance(item, bool) for item in labels) or all(_is_storable(item) for item in labels):
        return labels
    return [str(item) for item in labels]


def _is_storable(item: Label) -> bool:
    """Whether a column of integers or floats holds the number without losing a digit."""
    return isinstance(item, float) or (isinstance(item, int) and not isinstance(item, bool) and abs(item) < 2**53)
