"""Probes as claims read them: their declarations, the numbers that they measured, and arrays for figures."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.frames.types import Frame
from study.record import Home, read_artifacts


@dataclass(frozen=True)
class ProbeResult:
    """A finished probe: its declaration, and its row of `analysis.results`."""

    what: dict[str, Any]
    row: dict[str, Any]

    def __getitem__(self, name: str) -> float:
        """A measured number; NaN where it does not apply to this probe."""
        value = self.row[name]
        return float("nan") if value is None else float(value)

    def arrays(self, home: Home) -> dict[str, np.ndarray]:
        """The arrays that a figure draws; empty if the probe stored none, or the home no longer holds them."""
        path = self.row["artifacts"]
        if not isinstance(path, str):  # NaN where other probes of the table have arrays, and this one none
            return {}
        try:
            return read_artifacts(home, path, self.row["trial_id"], "probe")
        except FileNotFoundError:
            return {}


def probe_results(trials: Frame) -> list[ProbeResult]:
    """The finished probes, in declared order."""
    finished = trials[trials["status"].eq("finished")]
    return [ProbeResult(json.loads(row["declaration"])["what"], row) for row in finished.to_dict("records")]


def all_computed(trials: Frame) -> bool:
    """Whether there are probes and every one has finished: a verdict about all of them needs all of them."""
    return len(trials) > 0 and bool(trials["status"].eq("finished").all())
