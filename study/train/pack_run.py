"""One pack from its declaration to its committed records. Knows torch, neither Ray nor MLflow."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from models.data.load import load
from study.declare.trial import Trial
from study.pack.pack import Pack
from study.record import Home, artifact_path, commit, new_commit_id, write_artifacts
from study.train.earlier_results import ground
from study.train.measure.generate import pictures
from study.train.measure.measure import Measure
from study.train.measure.metrics import METRICS
from study.train.measure.own_metrics import own_rows
from study.train.record_rows import Row, curve_rows, latent_rows, trial_rows
from study.train.stack.build import build_stack
from study.train.step.loop import Training

KEEP_WEIGHTS_BELOW = 64 * 2**20
"""A trial's weights are kept when they take fewer bytes than this."""


class Results(NamedTuple):
    """What a pack leaves: the arrays to keep by name, and the rows of each table."""

    commit_id: str
    arrays: dict[str, np.ndarray]
    tables: dict[str, list[Row]]


class PackRun:
    """A pack being trained: `advance` until `done`, then `commit`."""

    def __init__(self, pack: Pack, device: str = "cpu", home: Home | None = None) -> None:
        """Raises: HomeError where the home lacks what the pack's trials stand on."""
        self.pack, self.device = pack, torch.device(device)
        self._trials = [trial for trial in pack.trials if isinstance(trial, Trial)]  # all: probes never train
        self._started = time.monotonic()
        self._data = load(self._trials[0].data)
        self._stack, self._inputs = build_stack(
            self._trials, self._data, self.device, ground(self._trials, self._data, home, self.device)
        )
        self.training = Training(self._stack, self._trials, self._inputs)
        self._results: Results | None = None

    @property
    def done(self) -> bool:
        """Whether every step is taken."""
        return self.training.done

    def advance(self, seconds: float) -> dict[str, float]:
        """Train for about `seconds` and return the progress: steps, seconds, throughput, the spread of J, γ and n_active."""
        start = time.monotonic()
        taken = self.training.advance(seconds)
        took_s = time.monotonic() - start
        trial_steps = taken * len(self.pack.trials) / max(took_s, 1e-9)
        diverged = int((self.training.divergence.reason > 0).sum())
        counts = {"step": self.training.step, "steps": self.training.settings.steps, "taken": taken, "took_s": took_s}
        return {**counts, "trial_steps_per_s": trial_steps, "diverged": diverged, **self.training.curves.spread()}

    @property
    def spent_s(self) -> float:
        """Seconds since the pack was opened, and those of the attempts that it went on from."""
        return time.monotonic() - self._started

    def state(self) -> dict[str, np.ndarray]:
        """All that the rest of the training follows from."""
        return {name: value.detach().cpu().numpy() for name, value in self.training.state().items()}

    def go_to(self, state: Mapping[str, np.ndarray], spent_s: float) -> None:
        """Go on from the `state` of an earlier attempt, which took `spent_s`. Raises: ValueError for another pack's."""
        self.training.go_to({name: torch.from_numpy(value) for name, value in state.items()})
        self._started -= spent_s

    def commit(self, home: Home, known: Callable[[str], bool] = lambda _: False) -> list[str]:
        """Measure every trial, write its records, and return the trial_ids whose result is new.

        `known` says of a trials part, by name, that it holds no result of this pack's trials: it is not opened. After a
        refusal of the home the same results can be committed again. Raises: HomeError.
        """
        self._results = self._results or self._measure()
        commit_id, arrays, tables = self._results
        if arrays:
            write_artifacts(home, commit_id, arrays)
        return commit(home, commit_id, tables, known)

    def _measure(self) -> Results:
        commit_id = new_commit_id(self.pack.pack_id)
        measure = Measure(self._stack, self._trials, self._data, self._inputs)
        rows = trial_rows(self.pack, measure, self.training, commit_id)
        arrays = self._arrays(measure, rows)
        path = artifact_path(commit_id) if arrays else None
        share = self.spent_s / len(rows)
        device = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        for row in rows:
            row.update(artifacts=path, wall_s=share, device=device, gradient=self.training.way)
        heads = zip(rows, self._trials, strict=True)
        key = [{"trial_id": row["trial_id"], "commit_id": commit_id, "stage": trial.stage} for row, trial in heads]
        evaluations = [
            key[place] | row
            for metric in METRICS.values()
            if metric.is_for(self._trials[0])
            for place, row in metric.rows(measure)
        ]
        evaluations += [key[place] | row for place, row in own_rows(measure, self.training.step, partial(_note, rows))]
        tables = {"curves": curve_rows(key, self.training), "latents": latent_rows(key, measure)}
        return Results(commit_id, arrays, tables | {"evaluations": evaluations, "trials": rows})

    def _arrays(self, measure: Measure, rows: Sequence[Row]) -> dict[str, np.ndarray]:
        """The weights and pictures to keep, by their names in the artifacts file."""
        stack = self.training.stack
        is_first = any(trial.model.is_deterministic for trial in self._trials)  # later stages will stand on it
        keep = is_first or stack.trained_numbers.flat.element_size() * stack.parameters < KEEP_WEIGHTS_BELOW
        weights = {name: value.cpu().numpy() for name, value in stack.weights().items()} if keep else {}
        groups = {"weights": weights, "pictures": pictures(measure)}
        arrays: dict[str, np.ndarray] = {}
        for index, row in enumerate(rows):
            row["has_weights"] = int(keep)
            for group, content in groups.items():
                arrays |= {f"{row['trial_id']}/{group}/{name}": value[index] for name, value in content.items()}
        return arrays


def _note(rows: Sequence[Row], place: int, reason: str) -> None:
    """Say in a trial's row what of it could not be measured; why it diverged goes first."""
    rows[place]["error"] = rows[place].get("error") or reason
