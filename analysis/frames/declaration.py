"""What trials declare, as their records hold it. Axis labels are for readers: a study may write them as it likes."""

import json
from typing import Any

from analysis.frames.types import Frame


def declaration(trials: Frame) -> dict[str, Any]:
    """The declaration of the first trial that has a record; empty where none has one."""
    recorded = trials["declaration"].dropna()
    return json.loads(str(recorded.iloc[0])) if len(recorded) else {}


def data_kind(trials: Frame) -> str | None:
    """The kind of data set of the first trial that has a record: `LinearSubspace`, `MNIST`, …"""
    return declaration(trials).get("data", {}).get("kind")
