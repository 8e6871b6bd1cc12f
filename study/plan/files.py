"""Writing the files of a study beside its records, and reading what an earlier launch wrote, if there was one."""

import io
import json
import shlex
from collections.abc import Mapping, Sequence, Set
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from study.declare.axes import Label
from study.declare.table import Row
from study.record import Home, stored_ids, study_files
from study.record.garbage import dropped_ids
from study.record.study_files import DROPPED, HEADER, PLAN, read_plan, study_file


def cleaning(home: Home) -> str:
    """The command that cleans this home, as sentences name it."""
    return f"collapsar clean --home {shlex.quote(str(home))}"


def write_table(home: Home, name: str, rows: Sequence[Row], header: Mapping[str, Any]) -> None:
    """Write the trial_id of each row with its labels on the header's axes, and then the header."""
    columns: dict[str, Sequence[Label]] = {"trial_id": [row.trial.trial_id for row in rows]}
    for axis in header["axes"]:
        columns[axis] = _column([row.axes[axis] for row in rows])
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    home.write(study_file(name, PLAN), buffer.getvalue())
    home.write(study_file(name, HEADER), json.dumps(header, ensure_ascii=False, indent=1).encode())


def write_dropped(home: Home, name: str, kept: Set[str]) -> None:
    """Note the trials of earlier tables that are not among those `kept`, and have a row of records in the home.

    To whoever cleans the home they are results that a table dropped: `study.record.garbage.dropped_ids` reads them.
    """
    try:
        plan = read_plan(home, name, ["trial_id"])
    except FileNotFoundError:
        return
    before = dropped_ids(home).get(name, frozenset())
    dropped = before.union(plan["trial_id"].to_pylist()) - kept
    if dropped != before:
        stored = dropped.intersection(row.trial_id for row in stored_ids(home))
        home.write(study_file(name, DROPPED), json.dumps(sorted(stored)).encode())


def read_header(home: Home, name: str) -> Mapping[str, Any]:
    """The header that an earlier launch wrote; empty where there was none."""
    try:
        return study_files.read_header(home, name)
    except FileNotFoundError:
        return {}


def read_rows(home: Home, name: str) -> dict[str, dict[str, Label]]:
    """trial_id → axis → label, for each row that an earlier launch wrote."""
    try:
        rows = read_plan(home, name).to_pylist()
    except FileNotFoundError:
        return {}
    return {row.pop("trial_id"): row for row in rows}


def _column(labels: list[Label]) -> list[Label]:
    """Labels of one type: numbers stay numbers where a column can hold all of them, anything else becomes text."""
    if all(isinstance(item, bool) for item in labels) or all(_is_storable(item) for item in labels):
        return labels
    return [str(item) for item in labels]


def _is_storable(item: Label) -> bool:
    """Whether a column of integers or floats holds the number without losing a digit."""
    return isinstance(item, float) or (isinstance(item, int) and not isinstance(item, bool) and abs(item) < 2**53)
