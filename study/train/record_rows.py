"""The rows that a trained pack leaves in the tables: its trials, their curves and their latents."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import Shaped
from torch import Tensor

from models.loss.objective import neg_elbo, objective
from models.specs.gamma import TrainedGamma
from study.pack.pack import Pack
from study.train.declared_columns import declared_row
from study.train.measure.measure import BURDA_ABOVE, Measure
from study.train.step.divergence import REASONS
from study.train.step.loop import Training
from study.train.step.outcome import ACTIVE_BELOW

Row = dict[str, Any]

LATE = (0.7, 0.9)
"""The part of training whose γ the final one is compared with: both bounds as shares of the steps, on average the last
fifth away from the end. Its mean makes little of what minibatches add."""


def trial_rows(pack: Pack, measure: Measure, training: Training, commit_id: str) -> list[Row]:
    """A row a trial: what was declared, how training ended, and what was measured."""
    return [
        declared_row(pack, index, commit_id) | _status(training, index) | _result(measure, training, index)
        for index in range(len(pack.trials))
    ]


def _status(training: Training, index: int) -> Row:
    reason, step = int(training.divergence.reason[index]), int(training.divergence.at[index])
    if not reason:
        return {"status": "finished"} | _early_stop(training, index)
    return {"status": "diverged", "diverged_at": step, "error": f"step {step}: {REASONS[reason]}"}


def _early_stop(training: Training, index: int) -> Row:
    """When and why a trial stopped early, if it did."""
    stop, step = training.trials[index].training.stop, int(training.ended_at[index])
    return {"stopped_at": step, "stop_reason": stop.reason} if stop and step >= 0 else {}


def _result(measure: Measure, training: Training, index: int) -> Row:
    """The measured columns of one trial's row."""
    trial, train, test = measure.trials[index], measure.train, measure.test
    gamma, beta = float(measure.gamma[index]), trial.objective.beta
    variance = {split: measure.inputs.variance(split, index) for split in ("train", "test")}
    in_data = float(test.distortion_in_data[index])
    distortion = float(test.distortion[index])
    return {
        "parameters": training.stack.parameters,
        "distortion_train": float(train.distortion[index]),
        "distortion_test": distortion,
        "distortion_data_test": in_data,
        "nre_data_test": in_data / measure.data.total_variance_test,
        "objective_train": float(objective(measure.misfit("train")[index], measure.counted_rate("train")[index], beta)),
        "objective_test": float(objective(measure.misfit("test")[index], measure.counted_rate("test")[index], beta)),
        "neg_elbo_test": float(neg_elbo(measure.misfit("test")[index], test.rate[index], measure.constant)),
        "nre_test": distortion / variance["test"],
        "nre_mean_test": float(test.distortion_of_mean[index]) / variance["test"],
        "nre_mean_train": float(train.distortion_of_mean[index]) / variance["train"],
        "gamma": gamma,
        "gamma_eff": beta * gamma,
        **(_drift(training, index, gamma) if isinstance(trial.objective.gamma, TrainedGamma) else {}),
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
        "rate_of_means_train": float(train.rate_of_means[index]),
        "rate_of_means_test": float(measure.test.rate_of_means[index]),
        "n_active": _count(train.variance[index], train.variance[index] < ACTIVE_BELOW),
        "scale_residual": float(measure.scale_residual[index]),
    }


def _count(values: Shaped[Tensor, " kappa"], chosen: Shaped[Tensor, " kappa"]) -> int | None:
    """How many latents are chosen; nothing where the numbers that decide it are not finite."""
    return int(chosen.sum()) if values.isfinite().all() else None


def _ends(training: Training, index: int) -> Row:
    """‖∂J/∂z‖ at the first and the last logged step that the trial took."""
    end = int(training.ended_at[index])
    taken = [values["grad_z"] for step, values in training.curves.points if _was_taken(end, step)]
    return {"grad_z_first": float(taken[0][index]), "grad_z_last": float(taken[-1][index])} if taken else {}


def _drift(training: Training, index: int, final: float) -> Row:
    """How far γ moved at the end; nothing where no step was logged late in training, or γ has vanished."""
    end = int(training.ended_at[index])
    taken = [(step, float(values["gamma"][index])) for step, values in training.curves.points if _was_taken(end, step)]
    low, high = (share * taken[-1][0] for share in LATE) if taken else (0.0, 0.0)
    late = [gamma for step, gamma in taken if low <= step <= high]
    if not late or min(*late, final) <= 0:
        return {}
    return {"gamma_drift": math.log(final) - sum(map(math.log, late)) / len(late)}


def _was_taken(ended_at: int, step: int) -> bool:
    return ended_at < 0 or step < ended_at


def curve_rows(key: Sequence[Row], training: Training) -> list[Row]:
    """A row for each trial and logged step that it took; `key` holds the columns that identify each trial."""
    points: list[tuple[int, Mapping[str, list[float]]]] = [
        (step, {name: _plain(value) for name, value in values.items()}) for step, values in training.curves.points
    ]
    return [
        head | {"step": step} | {name: value[index] for name, value in values.items()}
        for index, (head, ended_at) in enumerate(zip(key, _plain(training.ended_at), strict=True))
        for step, values in points
        if _was_taken(ended_at, step)
    ]


def latent_rows(key: Sequence[Row], measure: Measure) -> list[Row]:
    """A row for each trial and latent."""
    columns = {name: _plain(value) for name, value in measure.latents().items()}
    return [
        head | {"latent": j} | {name: value[index][j] for name, value in columns.items()}
        for index, head in enumerate(key)
        for j in range(measure.stack.kappa)
    ]


def _plain(value: Shaped[Tensor, "..."]) -> Any:
    return value.detach().cpu().tolist()
