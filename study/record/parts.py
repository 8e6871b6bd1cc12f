"""Parts: the Parquet files that make up a table, and their order.

`records/manifest.json` lists the parts that compaction published and the ones they replaced; every other file in a
table's folder is a part that came later, ordered by name. Trials parts are named `<sequence>-<commit_id>.parquet`, the
sequence taken under the home's lock; other parts are named by their commit alone.
"""

import io
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from study.record.home import Home, HomeError
from study.record.schema import TABLES

MANIFEST = "records/manifest.json"
MERGED = "merged-"


def manifest(home: Home) -> dict[str, dict[str, list[str]]]:
    """The published manifest: `{"parts": {table: names}, "replaced": {table: names}}`; empty before any compaction."""
    try:
        return json.loads(home.read(MANIFEST))
    except FileNotFoundError:
        return {"parts": {}, "replaced": {}}
    except ValueError as fault:
        raise HomeError(
            f"{home}/{MANIFEST} is damaged ({fault}): restore it, or move it out of the home; "
            "what it lists is then trained again"
        ) from fault


def part_names(home: Home, table: str) -> list[str]:
    """Names of the table's parts in stored order: published ones first, then later ones by name."""
    # List before reading the manifest: a compaction in between is then seen whole, and one that comes later deletes a
    # file that is still to be read, which the reader notices and tries again.
    found = [name for name in home.names(f"records/{table}") if name.endswith(".parquet")]
    known = manifest(home)
    published = known["parts"].get(table, [])
    settled = {*published, *known["replaced"].get(table, [])}
    # A merged part that no manifest names belongs to a compaction that was killed: its rows are still in the old parts.
    return published + [name for name in found if name not in settled and not name.startswith(MERGED)]


def parts_of(home: Home, table: str, commits: set[str]) -> list[str] | None:
    """The parts that hold just these commits, or None (meaning all parts) where compaction has merged some of them."""
    own = {name.removesuffix(".parquet").split("-")[-1]: name for name in part_names(home, table)}
    # An evaluation may have come later, in a part of another name.
    return [own[commit] for commit in commits] if commits <= own.keys() and table != "evaluations" else None


def write_part(home: Home, table: str, name: str, rows: Iterable[Mapping[str, Any]] | pa.Table) -> None:
    """Write one part. Missing columns and numbers that are not finite become null."""
    content = rows if isinstance(rows, pa.Table) else to_table(table, rows)
    buffer = io.BytesIO()
    pq.write_table(content, buffer, compression="zstd", write_page_checksum=True)
    home.write(f"records/{table}/{name}", buffer.getvalue())


def read_part(home: Home, table: str, name: str, columns: list[str] | None = None) -> pa.Table:
    """Read one part; a column that an older engine did not write is null.

    Raises: HomeError where the file is not a part of this table; FileNotFoundError where compaction has just deleted it.
    """
    schema = TABLES[table]
    wanted = [field for field in schema if columns is None or field.name in columns]
    path = f"records/{table}/{name}"
    stored = home.read(path)
    try:
        file = pq.ParquetFile(io.BytesIO(stored), page_checksum_verification=True)
        known = set(file.schema_arrow.names)
        names = [field.name for field in wanted if field.name in known]
        content = file.read(names, use_threads=False)  # parts are small, and a pool of threads can abort the exit
        for field in wanted:
            if field.name not in known:
                content = content.append_column(field, pa.nulls(len(content), field.type))
        return content.select([field.name for field in wanted]).cast(pa.schema(wanted))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as fault:
        raise HomeError(f"{home}/{path} is not a readable part ({fault}): move it out of the home") from fault


def foreign_columns(home: Home, table: str, name: str) -> list[str]:
    """The columns of a part that the table has not: a later version wrote them, or a name is damaged."""
    stored = pq.read_schema(io.BytesIO(home.read(f"records/{table}/{name}"))).names
    return sorted(set(stored).difference(TABLES[table].names))


def to_table(table: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as an Arrow table of the table's schema. Raises: KeyError for a column the schema does not know."""
    schema = TABLES[table]
    clean = []
    for row in rows:
        if unknown := set(row) - set(schema.names):
            raise KeyError(f"{table} has no column {', '.join(sorted(unknown))}")
        clean.append({name: _finite(row.get(name)) for name in schema.names})
    return pa.Table.from_pylist(clean, schema=schema)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
