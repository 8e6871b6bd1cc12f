"""The records: the truth a study leaves behind, as Parquet tables in a home."""

from study.record.artifacts import artifact_path, read_artifacts, write_artifacts
from study.record.commit import commit, compact, new_commit_id
from study.record.home import Home, HomeError
from study.record.parts import part_names, to_table, write_part
from study.record.read import deciding, read, stored_ids
from study.record.schema import RESERVED, RESULTS, TABLES

__all__ = [
    "RESERVED",
    "RESULTS",
    "TABLES",
    "Home",
    "HomeError",
    "artifact_path",
    "commit",
    "compact",
    "deciding",
    "new_commit_id",
    "part_names",
    "read",
    "read_artifacts",
    "stored_ids",
    "to_table",
    "write_artifacts",
    "write_part",
]
