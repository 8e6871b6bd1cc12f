"""One pack from its declaration to its committed records. Knows torch, neither Ray nor MLflow."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.data.load import load
from models.loss.objective import neg_elbo, objective
from study.declare.trial import Trial
from study.pack.pack import Pack
from study.record import Home, artifact_path, commit, new_commit_id, write_artifacts
from study.train.declared_columns import declared_row
from study.train.earlier_results import ground
from study.train.measure.measure import ACTIVE_BELOW, BURDA_ABOVE, Measure
from study.train.measure.metrics import METRICS
from study.train.stack.build import build_stack
from study.train.step.loop import REASONS, Training

KEEP_WEIGHTS_BELOW = 64 * 2**20
"""A trial's weights are kept when they take fewer bytes than this."""

Row = dict[str, Any]

Results = tuple[str, dict[str, np.ndarray], dict[str, list[Row]]]
"""What a pack leaves: its commit_id, the arrays to keep, and the rows of each table."""


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
        return self.training.done

    def advance(self, seconds: float) -> dict[str, float]:
        """Train for about `seconds` and return the progress: steps, throughput, and the spread of J, γ and n_active."""
        start = time.monotonic()
        taken = self.training.advance(seconds)
        trial_steps = taken * len(self.pack.trials) / max(time.monotonic() - start, 1e-9)
        diverged = int((self.training.reason > 0).sum())
        counts = {"step": self.training.step, "steps": self.training.settings.steps}
        return {**counts, "trial_steps_per_s": trial_steps, "diverged": diverged, **_spread(self.training)}

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

        Trials parts that are `known` to tell nothing of this pack's trials are not opened. After a refusal of the home it
        can be asked for again, and stores what was measured then. Raises: HomeError.
        """
        self._results = self._results or self._measured()
        commit_id, arrays, tables = self._results
        if arrays:
            write_artifacts(home, commit_id, arrays)
        return commit(home, commit_id, tables, known)

    def _measured(self) -> Results:
        commit_id = new_commit_id(self.pack.pack_id)
        measure = Measure(self._stack, self._trials, self._data, self._inputs)
        rows = _trial_rows(self.pack, measure, self.training, commit_id)
        arrays = self._arrays(measure, rows)
        path = artifact_path(commit_id) if arrays else None
        share = self.spent_s / len(rows)
        device = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        for row in rows:
            row.update(artifacts=path, wall_s=share, device=device)
        heads = zip(rows, self._trials, strict=True)
        key = [{"trial_id": row["trial_id"], "commit_id": commit_id, "stage": trial.stage} for row, trial in heads]
        tables: dict[str, list[Row]] = {
            "curves": _curve_rows(key, self.training),
            "latents": _latent_rows(key, measure),
            "evaluations": [
                key[place] | row
                for metric in METRICS.values()
                if metric.is_for(self._trials[0])
                for place, row in metric.rows(measure)
            ],
            "trials": rows,
        }
        return commit_id, arrays, tables

    def _arrays(self, measure: Measure, rows: Sequence[Row]) -> dict[str, np.ndarray]:
        """The weights and pictures to keep, by their names in the artifacts file."""
        stack = self.training.stack
        is_first = any(trial.model.is_deterministic for trial in self._trials)  # later stages will stand on it
        keep = is_first or stack.numbers.element_size() * stack.parameters < KEEP_WEIGHTS_BELOW
        weights = {name: value.cpu().numpy() for name, value in stack.weights().items()} if keep else {}
        arrays: dict[str, np.ndarray] = {}
        pictures = measure.pictures()
        for index, row in enumerate(rows):
            row["has_weights"] = int(keep)
            for group, content in (("weights", weights), ("pictures", pictures)):
                arrays |= {f"{row['trial_id']}/{group}/{name}": value[index] for name, value in content.items()}
        return arrays


def _spread(training: Training) -> dict[str, float]:
    """Least, median and greatest over the pack's trials of what the last logged step shows."""
    values = training.curves[-1][1] if training.curves else {}
    spread = {}
    for name in ("objective", "gamma", "n_active"):
        if name in values and len(finite := values[name][values[name].isfinite()].double()):
            low, middle, high = torch.quantile(
                finite, torch.tensor([0, 0.5, 1], dtype=torch.double, device=finite.device)
            )
            spread |= {f"{name}_min": float(low), f"{name}_median": float(middle), f"{name}_max": float(high)}
    return spread


def _trial_rows(pack: Pack, measure: Measure, training: Training, commit_id: str) -> list[Row]:
    return [
        declared_row(pack, index, commit_id) | _status(training, index) | _result(measure, training, index)
        for index in range(len(pack.trials))
    ]


def _status(training: Training, index: int) -> Row:
    reason, step = int(training.reason[index]), int(training.diverged_at[index])
    if not reason:
        return {"status": "finished"}
    return {"status": "diverged", "diverged_at": step, "error": f"step {step}: {REASONS[reason]}"}


def _result(measure: Measure, training: Training, index: int) -> Row:
    """The measured columns of one trial's row."""
    trial, train, test = measure.trials[index], measure.train, measure.test
    gamma, beta = measure.gamma[index], trial.objective.beta
    variance = {split: measure.inputs.variance(split, index) for split in ("train", "test")}
    in_data = float(test.distortion_in_data[index])
    distortion = test.distortion[index]
    return {
        "parameters": training.stack.parameters,
        "distortion_train": float(train.distortion[index]),
        "distortion_test": float(distortion),
        "distortion_data_test": in_data,
        "nre_data_test": in_data / measure.data.total_variance_test,
        "objective_train": float(objective(measure.misfit("train")[index], train.rate[index], beta)),
        "objective_test": float(objective(measure.misfit("test")[index], test.rate[index], beta)),
        "neg_elbo_test": float(neg_elbo(measure.misfit("test")[index], test.rate[index], measure.constant)),
        "nre_test": float(distortion) / variance["test"],
        "nre_mean_test": float(test.distortion_of_mean[index]) / variance["test"],
        "nre_mean_train": float(train.distortion_of_mean[index]) / variance["train"],
        "gamma": float(gamma),
        "gamma_eff": beta * float(gamma),
        "n_burda": _count(train.mean_var[index], train.mean_var[index] > BURDA_ABOVE),
        **({} if trial.model.is_deterministic else _of_the_posterior(measure, index)),
        **_ends(training, index),
    }


def _of_the_posterior(measure: Measure, index: int) -> Row:
    """The measured columns that only a random z has."""
    train = measure.train
    return {
        "rate_train": float(train.rate[index]),
        "rate_test": float(measure.test.rate[index]),
        "n_active": _count(train.variance[index], train.variance[index] < ACTIVE_BELOW),
        "scale_residual": float(train.scale_residual[index]),
    }


def _count(values: Tensor, chosen: Tensor) -> int | None:
    """How many latents are chosen; nothing where the numbers that decide it are not finite."""
    return int(chosen.sum()) if values.isfinite().all() else None


def _ends(training: Training, index: int) -> Row:
    """‖∂J/∂z‖ at the first and the last logged step that the trial took."""
    end = int(training.diverged_at[index])
    taken = [values["grad_z"] for step, values in training.curves if _was_taken(end, step)]
    return {"grad_z_first": float(taken[0][index]), "grad_z_last": float(taken[-1][index])} if taken else {}


def _was_taken(diverged_at: int, step: int) -> bool:
    return diverged_at < 0 or step < diverged_at


def _curve_rows(key: Sequence[Row], training: Training) -> list[Row]:
    lists: list[tuple[int, Mapping[str, list[float]]]] = [
        (step, {name: _plain(value) for name, value in values.items()}) for step, values in training.curves
    ]
    return [
        head | {"step": step} | {name: value[index] for name, value in values.items()}
        for index, (head, diverged_at) in enumerate(zip(key, _plain(training.diverged_at), strict=True))
        for step, values in lists
        if _was_taken(diverged_at, step)
    ]


def _latent_rows(key: Sequence[Row], measure: Measure) -> list[Row]:
    columns = {name: _plain(value) for name, value in measure.latents().items()}
    return [
        head | {"latent": j} | {name: value[index][j] for name, value in columns.items()}
        for index, head in enumerate(key)
        for j in range(measure.stack.kappa)
    ]


def _plain(value: Tensor) -> Any:
    return value.detach().cpu().tolist()
