"""Garbage: what nothing in a home refers to, found and removed.

A study refers to the trials of its plan. Garbage are the rows of other trials and of attempts that do not count, and all
files left over: parts of commits that never happened and of compactions that were killed, weights and pictures of such
trials, packs, checkpoints that no training will resume, temporary files, data sets that no trial uses.

Rows are removed as compaction removes them: the new manifest is published before anything is deleted. Everything else is
either invisible to readers already, or replaced by one atomic write. So a kill at any moment leaves all that is referred
to, and the next removal finds the rest.
"""

import io
import json
import re
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

from study.record.artifacts import sizes_by_trial, write_kept
from study.record.checkpoints import FOLDER as CHECKPOINTS
from study.record.checkpoints import checkpoint_at
from study.record.commit import COMPACTED, merge
from study.record.home import Home, HomeError, Stored
from study.record.parts import MERGED, manifest, part_names, read_part
from study.record.read import deciding_rows, read, stored_ids
from study.record.schema import RESULTS

DROPPED = "dropped.json"
"""The file beside a study's plan that lists the trials which its table has dropped."""

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}")
"""The name of a file while it is being written."""


@dataclass
class Garbage:
    """What can be removed, and how much stays.

    `parts` are the trials parts that were looked at, `kept` the trials that stay, `going` those that go. `rows`
    counts rows by table, `files` lists whole files by their kind, and `shared` maps an artifacts file that other trials
    use to those trials. `young` counts files that a launch may still be writing.
    """

    parts: list[str] = field(default_factory=list)
    going: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    rows: Counter[str] = field(default_factory=Counter)
    row_bytes: float = 0.0
    files: dict[str, list[Stored]] = field(default_factory=dict)
    shared: dict[str, Set[str]] = field(default_factory=dict)
    shared_bytes: int = 0
    young: int = 0
    staying_bytes: int = 0

    @property
    def trials(self) -> int:
        """How many trials go."""
        return len(self.going)

    def __bool__(self) -> bool:
        return bool(self.rows or self.shared or any(self.files.values()))

    @property
    def size(self) -> float:
        """Bytes that removing it frees, those of rows estimated."""
        whole = sum(file.size for files in self.files.values() for file in files)
        return self.row_bytes + self.shared_bytes + whole


def declared_ids(home: Home, forgotten: Set[str] = frozenset()) -> dict[str, frozenset[str]]:
    """Study → the trials of its plan and their stages, without the studies `forgotten`. Raises: HomeError."""
    plans = {}
    for study in home.folders("studies"):
        path = f"studies/{study}/plan.parquet"
        if study not in forgotten and home.exists(path):
            try:
                plan = pq.read_table(io.BytesIO(home.read(path)), columns=["trial_id"], use_threads=False)
            except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowKeyError) as fault:
                raise HomeError(
                    f"{home}/{path} is not a readable plan: launch the study again, or forget it"
                ) from fault
            plans[study] = frozenset(plan["trial_id"].to_pylist()).union(_stages(home, study))
    return plans


def dropped_ids(home: Home) -> dict[str, frozenset[str]]:
    """Study → the trials that its earlier tables declared and its table does not. Raises: HomeError."""
    found = {}
    for study in home.folders("studies"):
        try:
            found[study] = frozenset(json.loads(home.read(f"studies/{study}/{DROPPED}")))
        except FileNotFoundError:
            continue
        except ValueError as fault:
            raise HomeError(f"{home}/studies/{study}/{DROPPED} is not readable: remove it") from fault
    return found


def _stages(home: Home, study: str) -> list[str]:
    """The earlier stages of a study's trials."""
    try:
        return json.loads(home.read(f"studies/{study}/study.json")).get("stages", [])
    except (FileNotFoundError, ValueError) as fault:
        raise HomeError(
            f"{home} has no readable studies/{study}/study.json: launch the study again, or forget it"
        ) from fault


def find_garbage(home: Home, declared: Set[str], young_s: float) -> Garbage:
    """What goes when only the trials `declared` stay.

    Files younger than `young_s`, or of unknown age, stay: they may still be being written.
    """
    names = part_names(home, "trials")
    ids = stored_ids(home, names)
    rows = {trial: ids[index].commit_id for trial, index in deciding_rows(ids).items()}
    kept = {trial: commit for trial, commit in rows.items() if trial in declared}
    found = Garbage(names, frozenset(rows.keys() - kept.keys()), frozenset(kept))
    files = _Sorter(home, young_s, found)
    committed = {row.commit_id for row in ids}
    for table in COMPACTED:
        _find_in_table(home, table, committed, kept.items(), files)
    content = read(home, "trials", ["trial_id", "data_id", "artifacts"], trial_parts=names).to_pylist()
    staying = [row for row in content if row["trial_id"] in kept]
    _find_artifacts(home, staying, committed, files)
    used = {f"{row['data_id']}.parquet" for row in staying}
    for file in home.stored("records/datasets"):
        files.put("data sets that no trial uses", file, goes=_name(file) not in used)
    for file in home.stored("packs"):
        files.put("packs that nothing trains", file)
    settled = {row.trial_id for row in ids if row.status in RESULTS}
    for file in home.stored(CHECKPOINTS):
        head = checkpoint_at(home, file.path)
        needed = head is not None and declared >= set(head.trials) and settled.isdisjoint(head.trials)
        files.put("checkpoints that no training will resume", file, goes=not needed)
    for folder in ("records", "studies"):
        for file in home.stored(folder, deep=folder == "studies"):
            files.put("temporary files", file, goes=False)
    return found


def remove(home: Home, found: Garbage) -> None:
    """Remove what was found. The caller has held the home's lock since before the search."""
    # Only the parts that were looked at: where there is no lock, others may have come since.
    if found.rows and not merge(home, found.parts, found.kept):
        raise HomeError(f"something else is at work in {home}: clean it when that is done")
    for path, trials in found.shared.items():
        write_kept(home, path, trials)
    for files in found.files.values():
        for file in files:
            home.delete(file.path)


@dataclass
class _Sorter:
    """Sorts files into those that go, by kind, and those that stay."""

    home: Home
    young_s: float
    found: Garbage

    def put(self, kind: str, file: Stored, goes: bool = True, at_once: bool = False) -> None:
        if _TEMPORARY.fullmatch(_name(file)):
            kind, goes = "temporary files", True
            at_once = False
        is_young = self.young_s > 0 and (file.age_s is None or file.age_s < self.young_s)
        if goes and is_young and not at_once:
            self.found.young += 1
            goes = False
        if goes:
            self.found.files.setdefault(kind, []).append(file)
        else:
            self.found.staying_bytes += file.size


def _find_in_table(home: Home, table: str, committed: Set[str], kept: Set[tuple[str, str]], files: _Sorter) -> None:
    visible, published = set(part_names(home, table)), manifest(home)["parts"].get(table, [])
    for file in home.stored(f"records/{table}"):
        name = _name(file)
        if name not in visible:
            locked = bool(home.local) or not name.startswith(
                MERGED
            )  # without a lock, a compaction may just be writing it
            files.put("parts that a compaction replaced or left", file, name.endswith(".parquet"), at_once=locked)
            continue
        pairs = _pairs(home, table, name)
        if name not in published and committed.isdisjoint({commit for _, commit in pairs} or {_commit(file)}):
            files.put("parts of commits that never happened", file)
            continue
        going = sum(pair not in kept for pair in pairs)
        share = file.size * going / max(1, len(pairs))
        files.found.rows += Counter({table: going} if going else {})
        files.found.row_bytes += share
        files.found.staying_bytes += round(file.size - share)


def _find_artifacts(home: Home, staying: list[dict[str, str]], committed: Set[str], files: _Sorter) -> None:
    users: dict[str, set[str]] = {}
    for row in staying:
        users.setdefault(row["artifacts"], set()).add(row["trial_id"])
    for file in home.stored("artifacts"):
        kept = users.get(file.path)
        if kept is None:
            files.put("weights and pictures", file, at_once=_commit(file) in committed)
            continue
        cut = sum(size for trial, size in sizes_by_trial(home, file.path).items() if trial not in kept)
        if cut:
            files.found.shared[file.path] = kept
            files.found.shared_bytes += cut
        files.found.staying_bytes += file.size - cut


def _pairs(home: Home, table: str, name: str) -> list[tuple[str, str]]:
    content = read_part(home, table, name, ["trial_id", "commit_id"])
    return list(zip(content["trial_id"].to_pylist(), content["commit_id"].to_pylist(), strict=True))


def _commit(file: Stored) -> str:
    """The commit in a file's name: `<commit_id>.parquet`, `<sequence>-<commit_id>.parquet`."""
    return _name(file).partition(".")[0].rpartition("-")[2]


def _name(file: Stored) -> str:
    return file.path.rpartition("/")[2]
