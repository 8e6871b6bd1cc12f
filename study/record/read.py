"""Reading the records, and which rows count.

Of several commits of one trial the first in stored order that holds a result decides; a trial that has only failed is
represented by its last failure. A row of another table counts if its (trial_id, commit_id) is the deciding one.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from study.record.home import Home
from study.record.parts import part_names, parts_of, read_part
from study.record.schema import RESULTS, TABLES

T = TypeVar("T")


class StoredId(NamedTuple):
    """What identifies a stored trials row, its status, and the engine version that wrote it."""

    trial_id: str
    commit_id: str
    status: str
    attempt: int
    engine: int


def stored_ids(
    home: Home, parts: list[str] | None = None, known: Callable[[str], bool] = lambda _: False
) -> list[StoredId]:
    """The identity of every stored trials row, in stored order; parts that are `known`, by their names, are not opened."""

    def attempt() -> list[StoredId]:
        names = part_names(home, "trials") if parts is None else parts
        return [row for name in names if not known(name) for row in _ids_of_part(home, name)]

    return patiently(attempt)


def ids_with_results(home: Home, known: Callable[[str], bool]) -> set[str]:
    """The trials that have a result in a trials part that is not `known`."""
    return {row.trial_id for row in stored_ids(home, known=known) if row.status in RESULTS}


@cache
def _ids_of_part(home: Home, name: str) -> list[StoredId]:
    """The identities in one trials part. Parts never change and every commit asks, so a process reads each of them once."""
    content = read_part(home, "trials", name, list(StoredId._fields))
    return [StoredId(*row) for row in zip(*(content[field].to_pylist() for field in StoredId._fields), strict=True)]


def deciding_rows(ids: list[StoredId]) -> dict[str, int]:
    """trial_id → index of the row that decides it among `stored_ids`."""
    rows: dict[str, int] = {}
    for index, row in enumerate(ids):
        if row.trial_id not in rows or ids[rows[row.trial_id]].status not in RESULTS:
            rows[row.trial_id] = index
    return rows


def read(
    home: Home,
    table: str,
    columns: list[str] | None = None,
    parts: list[str] | None = None,
    trial_parts: list[str] | None = None,
) -> pa.Table:
    """The rows of a table that count. `parts` and `trial_parts` restrict what is read (compaction does)."""
    if table == "datasets":
        return _first_per_dataset(patiently(lambda: _read_parts(home, table, parts, columns)))

    def attempt() -> pa.Table:
        names = part_names(home, "trials") if trial_parts is None else trial_parts
        ids = stored_ids(home, names)
        rows = deciding_rows(ids)
        if table == "trials":
            return _read_parts(home, table, names, columns).take(pa.array(sorted(rows.values()), pa.int64()))
        counting = {(trial_id, ids[index].commit_id) for trial_id, index in rows.items()}
        keys = None if columns is None else [*dict.fromkeys(["trial_id", "commit_id", *columns])]
        content = _read_parts(home, table, parts, keys)
        pairs = zip(content["trial_id"].to_pylist(), content["commit_id"].to_pylist(), strict=True)
        kept = content.filter(pa.array([pair in counting for pair in pairs], pa.bool_()))
        return kept if columns is None else kept.select(columns)

    return patiently(attempt)


def read_commits(home: Home, table: str, wanted: Mapping[str, str], columns: list[str] | None = None) -> pa.Table:
    """The rows of some trials (trial_id → the commit that decides it), with their ids, in stored order.

    For callers that know which rows count: reads only the parts that may hold them.
    """
    keys = None if columns is None else ["trial_id", "commit_id", *columns]

    def attempt() -> pa.Table:
        own = parts_of(home, table, set(wanted.values()))
        content = _read_parts(home, table, sorted(own) if own else None, keys)
        content = content.filter(pc.field("trial_id").isin(list(wanted)))
        pairs = zip(content["trial_id"].to_pylist(), content["commit_id"].to_pylist(), strict=True)
        return content.filter(pa.array([wanted[trial] == commit for trial, commit in pairs], pa.bool_()))

    return patiently(attempt)


def _read_parts(home: Home, table: str, parts: list[str] | None, columns: list[str] | None) -> pa.Table:
    names = part_names(home, table) if parts is None else parts
    schema = TABLES[table]
    if columns is not None:
        schema = pa.schema([field for field in schema if field.name in columns])
    return pa.concat_tables([schema.empty_table(), *(read_part(home, table, name, columns) for name in names)])


def patiently(attempt: Callable[[], T]) -> T:
    """Try again if a compaction deleted a part between listing and reading."""
    for _ in range(5):
        try:
            return attempt()
        except FileNotFoundError:
            continue
    return attempt()


def _first_per_dataset(content: pa.Table) -> pa.Table:
    if "data_id" not in content.column_names:
        return content
    first = {data_id: index for index, data_id in reversed(list(enumerate(content["data_id"].to_pylist())))}
    return content.take(pa.array(sorted(first.values()), pa.int64()))
