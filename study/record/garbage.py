"""What nothing in a home refers to, and its removal.

A study refers to the trials of its plan. What goes: rows of other trials, rows of attempts that do not count, and every
file that is left over: parts of commits that never happened, of compactions that were killed, weights and pictures of
such trials, packs, checkpoints of packs that nobody will go on training, temporary files, data sets that no trial uses.

Rows go as compaction goes: the new manifest is published before anything is deleted. Everything else is either invisible
to readers already, or replaced by one atomic write. So a kill at any moment leaves all that is referred to, and the next
removal finds the rest.
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
from study.record.read import deciding, read, stored_ids
from study.record.schema import RESULTS

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}")
"""How a file is called while it is being written."""


@dataclass
class Unused:
    """What can go, and how much stays."""

    parts: list[str] = field(default_factory=list)
    trials: int = 0
    kept: frozenset[str] = frozenset()
    rows: Counter[str] = field(default_factory=Counter)
    row_bytes: float = 0.0
    files: dict[str, list[Stored]] = field(default_factory=dict)
    cut: dict[str, Set[str]] = field(default_factory=dict)
    cut_bytes: int = 0
    young: int = 0
    stays: int = 0

    @property
    def anything(self) -> bool:
        return bool(self.rows or self.cut or any(self.files.values()))


def declared_ids(home: Home, forgotten: Set[str] = frozenset()) -> dict[str, frozenset[str]]:
    """Study → the trials its plan declares and their stages, but for the studies `forgotten`. Raises: HomeError."""
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


def _stages(home: Home, study: str) -> list[str]:
    """The trials that a study's own stand on."""
    try:
        return json.loads(home.read(f"studies/{study}/study.json")).get("stages", [])
    except (FileNotFoundError, ValueError) as fault:
        raise HomeError(
            f"{home} has no readable studies/{study}/study.json: launch the study again, or forget it"
        ) from fault


def find_unused(home: Home, declared: Set[str], young_s: float) -> Unused:
    """What goes when only the trials `declared` stay.

    Files that are younger than `young_s`, or do not tell, may still be being written: they stay.
    """
    names = part_names(home, "trials")
    ids = stored_ids(home, names)
    rows = {trial: ids[index].commit_id for trial, index in deciding(ids).items()}
    kept = {trial: commit for trial, commit in rows.items() if trial in declared}
    found = Unused(names, len(rows) - len(kept), frozenset(kept))
    files = _Files(home, young_s, found)
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
        files.put("checkpoints that no training goes on from", file, goes=not needed)
    for folder in ("records", "studies"):
        for file in home.stored(folder, deep=folder == "studies"):
            files.put("temporary files", file, goes=False)
    return found


def remove(home: Home, found: Unused) -> None:
    """Remove what was found. The caller holds the home's lock since before it was looked for."""
    # Of the parts that were looked at: where no lock holds, others may have come since.
    if found.rows and not merge(home, found.parts, found.kept):
        raise HomeError(f"something else is at work in {home}: clean it when that is done")
    for path, trials in found.cut.items():
        write_kept(home, path, trials)
    for files in found.files.values():
        for file in files:
            home.delete(file.path)


@dataclass
class _Files:
    """Files, sorted into what goes, by kind, and what stays."""

    home: Home
    young_s: float
    found: Unused

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
            self.found.stays += file.size


def _find_in_table(home: Home, table: str, committed: Set[str], kept: Set[tuple[str, str]], files: _Files) -> None:
    visible, published = set(part_names(home, table)), manifest(home)["parts"].get(table, [])
    for file in home.stored(f"records/{table}"):
        name = _name(file)
        if name not in visible:
            locked = bool(home.local) or not name.startswith(MERGED)  # else a compaction may just be writing it
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
        files.found.stays += round(file.size - share)


def _find_artifacts(home: Home, staying: list[dict[str, str]], committed: Set[str], files: _Files) -> None:
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
            files.found.cut[file.path] = kept
            files.found.cut_bytes += cut
        files.found.stays += file.size - cut


def _pairs(home: Home, table: str, name: str) -> list[tuple[str, str]]:
    content = read_part(home, table, name, ["trial_id", "commit_id"])
    return list(zip(content["trial_id"].to_pylist(), content["commit_id"].to_pylist(), strict=True))


def _commit(file: Stored) -> str:
    """The commit that wrote a file which is named by it: `<commit_id>.parquet`, `<sequence>-<commit_id>.parquet`."""
    return _name(file).partition(".")[0].rpartition("-")[2]


def _name(file: Stored) -> str:
    return file.path.rpartition("/")[2]
