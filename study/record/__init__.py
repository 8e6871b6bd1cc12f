"""The records: the truth a study leaves behind, as Parquet tables in a home."""

from study.record.artifacts import artifact_path, read_artifacts, write_artifacts
from study.record.checkpoints import Checkpoint, checkpoints, drop_checkpoint, read_checkpoint, write_checkpoint
from study.record.commit import commit, compact, new_commit_id
from study.record.home import LAUNCH_LOCK, WORK_LOCK, Home, HomeError
from study.record.journal import journal, note
from study.record.parts import part_names, parts_of, write_part
from study.record.read import deciding_rows, ids_with_results, read, read_commits, stored_ids
from study.record.retry import BRIEF_S, PATIENCE_S, Backoff, with_retries
from study.record.schema import RESERVED, RESULTS, TABLES

__all__ = [
    "BRIEF_S",
    "LAUNCH_LOCK",
    "PATIENCE_S",
    "RESERVED",
    "RESULTS",
    "TABLES",
    "WORK_LOCK",
    "Backoff",
    "Checkpoint",
    "Home",
    "HomeError",
    "artifact_path",
    "checkpoints",
    "commit",
    "compact",
    "deciding_rows",
    "drop_checkpoint",
    "ids_with_results",
    "journal",
    "new_commit_id",
    "note",
    "part_names",
    "parts_of",
    "read",
    "read_artifacts",
    "read_checkpoint",
    "read_commits",
    "stored_ids",
    "with_retries",
    "write_artifacts",
    "write_checkpoint",
    "write_part",
]
