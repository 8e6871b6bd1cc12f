"""The files of a study in a home: `studies/<name>/plan.parquet`, a row for each trial, and `study.json`, its header."""

import io
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from study.record.home import Home, HomeError

PLAN, HEADER, DROPPED = "plan.parquet", "study.json", "dropped.json"
"""The third lists the trials that the study's table has dropped."""

REPORT, REGIMES, RULES = "report/index.html", "report/regimes.json", "report/rules.json"
"""The report's page, the regime of each trial as the report judges it, and what it judges by, in sentences."""


def study_file(study: str, name: str) -> str:
    """Where a file of a study is, in the home."""
    return f"studies/{study}/{name}"


def read_plan(home: Home, study: str, columns: list[str] | None = None) -> pa.Table:
    """The plan: the columns `trial_id` and one for each axis.

    Raises: FileNotFoundError where there is none; HomeError where it is damaged.
    """
    content = home.read(study_file(study, PLAN))
    try:
        return pq.read_table(io.BytesIO(content), columns=columns, use_threads=False)
    except (pa.ArrowException, OSError) as fault:
        raise _damaged(home, study, PLAN, "plan") from fault


def read_header(home: Home, study: str) -> Mapping[str, Any]:
    """The header. Raises: FileNotFoundError where there is none; HomeError where it is damaged."""
    return _read_json(home, study, HEADER, "header", dict)


def read_dropped(home: Home, study: str) -> list[str]:
    """The trials that the study's table has dropped. Raises: FileNotFoundError where none were; HomeError."""
    return _read_json(home, study, DROPPED, "list of trials", list)


def read_regimes(home: Home, study: str) -> dict[str, str]:
    """trial_id → its regime, as the latest report has it; none where there was no report. Raises: HomeError."""
    try:
        return _read_json(home, study, REGIMES, "list of regimes", dict)
    except FileNotFoundError:
        return {}


def read_rules(home: Home, study: str) -> list[str]:
    """A sentence for each data set: what the latest report judges regimes by; none without a report. Raises: HomeError."""
    try:
        return _read_json(home, study, RULES, "list of sentences", list)
    except FileNotFoundError:
        return []


def _read_json(home: Home, study: str, name: str, noun: str, kind: type) -> Any:
    content = home.read(study_file(study, name))
    try:
        found = json.loads(content)
    except ValueError as fault:
        raise _damaged(home, study, name, noun) from fault
    if not isinstance(found, kind):
        raise _damaged(home, study, name, noun)
    return found


def _damaged(home: Home, study: str, name: str, noun: str) -> HomeError:
    return HomeError(
        f"{home}/{study_file(study, name)} is not a readable {noun}: move it out of the home, and launch the study again"
    )
