"""Committing a pack's results, and compaction.

The trials part is written last and *is* the commit: whatever a killed attempt left in other tables carries a commit_id
that no trials part names, so no reader sees it.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

import pyarrow as pa

from study.record.home import Home
from study.record.parts import MANIFEST, MERGED, manifest, part_names, read_part, write_part
from study.record.read import read, stored_ids
from study.record.schema import RESULTS

Rows = Iterable[Mapping[str, Any]]

COMPACTED = ("trials", "curves", "latents", "evaluations")


def new_commit_id(pack_id: str = "") -> str:
    """A new commit's name, which begins with its pack's."""
    return pack_id + uuid.uuid4().hex[:16]


def commit(
    home: Home, commit_id: str, tables: Mapping[str, Rows], known: Callable[[str], bool] = lambda _: False
) -> list[str]:
    """Commit the rows of a pack under `commit_id`, and return the trial_ids that were new.

    Trials parts `known`, by their names, to hold no result of these trials are not opened.
    On a local disk the check against earlier commits and the write happen under one lock, so no trial is committed twice;
    on an object store a second commit may be written, and readers keep the first in stored order. A commit that failed may
    be tried again under its own id, even if it went through after all and only the answer was lost.
    """
    for table, rows in tables.items():
        if table != "trials":
            write_part(home, table, f"{commit_id}.parquet", rows)
    with home.lock("records/.lock"):
        stored = stored_ids(home, known=known)
        settled = {row.trial_id for row in stored if row.status in RESULTS and row.commit_id != commit_id}
        rows = [row for row in tables["trials"] if row["trial_id"] not in settled]
        if rows and all(row.commit_id != commit_id for row in stored):
            write_part(home, "trials", f"{_next_sequence(home):010d}-{commit_id}.parquet", rows)
    return [row["trial_id"] for row in rows]


def compact(home: Home, at_least: int = 32, alone: bool = False) -> bool:
    """Merge the parts of each table into one when there are `at_least` trials parts. Returns whether it did.

    Commits wait meanwhile, where the home has a lock. The new manifest is published before anything is deleted, so a
    reader sees either the old parts or the new one, whenever it reads and whatever is killed. Parts of commits that are
    still being written stay as they are. Where the home has no lock, two compactions could lose a commit between them:
    there only a caller that knows it is `alone` compacts.
    """
    if not (home.local or alone):
        return False
    with home.lock("records/.lock"):
        names = part_names(home, "trials")
        if len(names) < at_least:
            return False
        return merge(home, names)


def merge(home: Home, names: list[str], kept: Set[str] | None = None) -> bool:
    """Merge the trials parts `names`, and the parts of other tables that hold their commits, into one part a table.

    If `kept` is given, only the rows of those trials stay. The caller holds the home's lock.
    Returns False, and changes nothing, if another merge has published meanwhile: its parts are not among `names`.
    """
    known = manifest(home)
    commits = {row.commit_id for row in stored_ids(home, names)}
    parts, replaced = {}, {}
    for table in COMPACTED:
        old = names if table == "trials" else _settled_parts(home, table, commits, known)
        merged = f"{MERGED}{uuid.uuid4().hex[:16]}.parquet"
        content = read(home, table, parts=old, trial_parts=names)
        if kept is not None:
            content = content.filter(pa.array([trial in kept for trial in content["trial_id"].to_pylist()], pa.bool_()))
        write_part(home, table, merged, content)
        parts[table], replaced[table] = [merged], old + _undeleted(home, table, known)
    if manifest(home) != known:
        for table, (merged,) in parts.items():
            home.delete(f"records/{table}/{merged}")
        return False
    home.write(MANIFEST, json.dumps({"parts": parts, "replaced": replaced}).encode())
    for table, old in replaced.items():
        for name in old:
            home.delete(f"records/{table}/{name}")
    return True


def _next_sequence(home: Home) -> int:
    numbers = [int(found[1]) for name in home.names("records/trials") if (found := re.match(r"(\d{10})-", name))]
    return max(numbers, default=0) + 1


def _settled_parts(home: Home, table: str, commits: set[str], known: dict[str, dict[str, list[str]]]) -> list[str]:
    published = known["parts"].get(table, [])
    return [
        name
        for name in part_names(home, table)
        if name in published or commits.issuperset(read_part(home, table, name, ["commit_id"])[0].to_pylist())
    ]


def _undeleted(home: Home, table: str, known: dict[str, dict[str, list[str]]]) -> list[str]:
    """Parts that an earlier compaction replaced and, killed, did not delete: readers must go on ignoring them."""
    present = set(home.names(f"records/{table}"))
    return [name for name in known["replaced"].get(table, []) if name in present]
