"""The results of earlier trials that a pack stands on, read from the home: their γ, and their networks, frozen."""

from collections.abc import Sequence

import torch

from models.data.dataset import DataSet
from models.specs import Fixed, Gamma
from study.declare.trial import Trial
from study.record import Home, HomeError, read
from study.train.stack.earlier_stages import Frozen, Ground
from study.train.weights import load


def ground(trials: Sequence[Trial], data: DataSet, home: Home | None, device: torch.device) -> Ground:
    """Raises: HomeError where an earlier stage's result or weights are not there; ValueError where they are no ground."""
    found: dict[str, Frozen] = {}
    gammas = _gammas(trials, home)
    return Ground(gammas, [_frozen(trial.after, data, home, device, found) for trial in trials])


def _gammas(trials: Sequence[Trial], home: Home | None) -> list[Gamma]:
    twins = [trial.twin for trial in trials]
    if not any(twins):
        return [trial.objective.gamma for trial in trials]
    rows = read(_needed(home), "trials", ["trial_id", "status", "gamma"]).to_pylist()
    learned = {row["trial_id"]: row["gamma"] for row in rows if row["status"] == "finished"}
    gammas: list[Gamma] = []
    for trial, twin in zip(trials, twins, strict=True):
        if twin and twin.trial_id not in learned:
            raise HomeError(f"{home} has no γ of the trial {twin.trial_id}, which {trial.trial_id} stands on")
        gammas.append(Fixed(learned[twin.trial_id]) if twin else trial.objective.gamma)
    return gammas


def _frozen(
    trial: Trial | None, data: DataSet, home: Home | None, device: torch.device, found: dict[str, Frozen]
) -> Frozen | None:
    if trial is None:
        return None
    if trial.trial_id not in found:
        before = _frozen(trial.after, data, home, device, found)
        found[trial.trial_id] = Frozen(load(trial.trial_id, _needed(home)), data, device, before)
    return found[trial.trial_id]


def _needed(home: Home | None) -> Home:
    if home is None:
        raise HomeError("a trial that stands on others needs the home that holds their results")
    return home
