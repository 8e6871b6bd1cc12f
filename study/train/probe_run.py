"""A pack of probes from its declarations to its committed records. Knows torch, neither Ray nor MLflow."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from models.probes import Finding, probe
from models.probes.finding import PROBES
from models.specs.probes import Probing
from models.specs.vocabulary import check_complete, members
from study.declare.probe import Probe
from study.pack.pack import Pack
from study.record import Home, artifact_path, commit, new_commit_id, write_artifacts
from study.train import trained_objective
from study.train.declared_columns import declared_row

check_complete(
    members(Probing), PROBES, "Probing, in models/specs", f"decorate a function in {trained_objective.__name__}"
)

GROUP = "probe"
"""The group of a probe's arrays in the artifacts file."""


class ProbeRun:
    """Probes being computed one after another: `advance` until `done`, then `commit`.

    They run on the CPU, whatever device the pack was made for. One that raises ends the pack.
    """

    def __init__(self, pack: Pack, probes: Sequence[Probe]) -> None:
        self._pack, self._probes = pack, probes
        self._found: list[tuple[Finding, float]] = []
        self._commit_id = new_commit_id(pack.pack_id)

    @property
    def done(self) -> bool:
        """Whether every probe is computed."""
        return len(self._found) == len(self._probes)

    def advance(self, seconds: float) -> dict[str, float]:
        """Compute for about `seconds`, a probe at least, and return the progress."""
        start, before = time.monotonic(), len(self._found)
        for one in self._probes[len(self._found) :]:
            began = time.monotonic()
            found = probe(one.what, one.seed)
            self._found.append((found, time.monotonic() - began))
            if time.monotonic() - start >= seconds:
                break
        counts: dict[str, float] = {"step": len(self._found), "steps": len(self._probes)}
        return counts | {"taken": len(self._found) - before, "took_s": time.monotonic() - start}

    def commit(self, home: Home, known: Callable[[str], bool] = lambda _: False) -> list[str]:
        """Write the records, and return the trial_ids whose result is new. Raises: HomeError; it may be called again then."""
        path = artifact_path(self._commit_id)
        arrays = {
            f"{one.trial_id}/{GROUP}/{name}": array
            for one, (found, _) in zip(self._probes, self._found, strict=True)
            for name, array in found.arrays.items()
        }
        if arrays:
            write_artifacts(home, self._commit_id, arrays)
        rows = [
            declared_row(self._pack, place, self._commit_id)
            | {"status": "finished", "device": "cpu", "wall_s": seconds, "has_weights": 0}
            | ({"artifacts": path} if found.arrays else {})
            for place, (found, seconds) in enumerate(self._found)
        ]
        return commit(home, self._commit_id, {"evaluations": self._evaluations(), "trials": rows}, known)

    def _evaluations(self) -> list[dict[str, Any]]:
        return [
            {"trial_id": one.trial_id, "commit_id": self._commit_id, "stage": one.stage}
            | {"metric": name, "value": value, "seed": one.seed, "version": one.what.version}
            for one, (found, _) in zip(self._probes, self._found, strict=True)
            for name, value in found.numbers.items()
        ]
