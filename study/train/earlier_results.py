"""The results of earlier trials that a pack stands on, read from the home: their γ, and their networks, frozen."""

from collections.abc import Sequence

import torch

from models.data.dataset import DataSet
from models.specs import Fixed, Gamma
from study.declare.trial import Trial
from study.record import Home, HomeError, read
from study.train.stack.earlier_stages import FrozenStage, Ground
from study.train.weights import load


def ground(trials: Sequence[Trial], data: DataSet, home: Home | None, device: torch.device) -> Ground:
    """What the trials stand on, from the home.

    Raises: HomeError where an earlier stage's result or weights are not there; ValueError where nothing can stand on them.
    """
    known: dict[str, FrozenStage] = {}
    gammas = _gammas(trials, home)
    return Ground(gammas, [_stage(trial.after, data, home, device, known) for trial in trials])


def _gammas(trials: Sequence[Trial], home: Home | None) -> list[Gamma]:
    """Each trial's γ mode; for a refit the γ that its twin has learned, fixed."""
    twins = [trial.twin for trial in trials]
    if not any(twins):
        return [trial.objective.gamma for trial in trials]
    rows = read(_require(home), "trials", ["trial_id", "status", "gamma"]).to_pylist()
    learned = {row["trial_id"]: row["gamma"] for row in rows if row["status"] == "finished"}
    gammas: list[Gamma] = []
    for trial, twin in zip(trials, twins, strict=True):
        if twin and twin.trial_id not in learned:
            raise HomeError(f"{home} has no γ of the trial {twin.trial_id}, which {trial.trial_id} stands on")
        gammas.append(Fixed(learned[twin.trial_id]) if twin else trial.objective.gamma)
    return gammas


def _stage(
    trial: Trial | None, data: DataSet, home: Home | None, device: torch.device, known: dict[str, FrozenStage]
) -> FrozenStage | None:
    """The frozen stage of a trial, with those before it, each loaded once."""
    if trial is None:
        return None
    if trial.trial_id not in known:
        before = _stage(trial.after, data, home, device, known)
        known[trial.trial_id] = FrozenStage(load(trial.trial_id, _require(home)), data, device, before)
    return known[trial.trial_id]


def _require(home: Home | None) -> Home:
    if home is None:
        raise HomeError("a trial that stands on others needs the home that holds their results")
    return home
