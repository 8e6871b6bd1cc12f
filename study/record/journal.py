"""The journal: what was trained, in order, one line per event.

The tables keep one row per trial, so they cannot say whether a trial was trained twice. The journal can: a worker appends a
line when it begins to train a pack, when it resumes from a checkpoint, and when it has committed the results. No line is
ever changed.
"""

import json
import os
import socket
import time
import uuid
from collections.abc import Sequence
from typing import Any, Literal

from study.record.home import Home

FILE = "journal.jsonl"
FOLDER = "journal"
"""An object store cannot append: there, each line is a file of its own."""


def note(
    home: Home, event: Literal["begin", "resume", "commit"], pack_id: str, trial_ids: Sequence[str], **more: int
) -> None:
    """Append an event. Raises: HomeError where the home refuses."""
    entry = {"at": round(time.time(), 3), "event": event, "pack_id": pack_id, "trials": list(trial_ids)} | more
    line = json.dumps(entry | {"host": socket.gethostname(), "process": os.getpid()}).encode()
    if home.local:
        home.append(FILE, line)
    else:
        home.write(f"{FOLDER}/{time.time_ns()}-{uuid.uuid4().hex[:8]}.json", line)


def journal(home: Home) -> list[dict[str, Any]]:
    """Every event, in the order they were appended (on an object store, by the writers' clocks)."""
    if not home.local:
        return [json.loads(home.read(f"{FOLDER}/{name}")) for name in home.names(FOLDER)]
    if not home.exists(FILE):
        return []
    return [json.loads(line) for line in home.read(FILE).splitlines() if line.endswith(b"}")]
