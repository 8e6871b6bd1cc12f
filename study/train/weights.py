"""A trained network, back from the records."""

from pathlib import Path

import torch
from torch import nn

from models.networks.build import Methods, build
from study.declare.trial import Trial
from study.record import Home, HomeError, read, read_artifacts


def load(trial_id: str, home: str | Path | Home = "./runs") -> nn.Module:
    """The trained network of a trial, in evaluation mode, with its declaration as `network.trial`.

    Raises: HomeError where the home has no weights of that trial.
    """
    home = home if isinstance(home, Home) else Home(home)
    rows = read(home, "trials", ["trial_id", "declaration", "artifacts", "has_weights"])
    place = rows["trial_id"].index(trial_id).as_py()  # of thousands of rows only this one becomes Python's
    row = rows.slice(place, 1).to_pylist()[0] if place >= 0 else {}
    if not row.get("has_weights"):
        raise HomeError(f"{home} has no weights of a trial {trial_id}: look its id up in analysis.results(study, home)")
    trial = Trial.model_validate_json(row["declaration"])
    network = build(trial.model, trial, trial.weights_seed).to(getattr(torch, trial.training.dtype))
    arrays = read_artifacts(home, row["artifacts"], trial_id, "weights")
    state = {name: torch.from_numpy(array) for name, array in arrays.items()}
    if state.keys() != dict(Methods(network).named_parameters()).keys():
        raise HomeError(
            f"the weights of trial {trial_id} are not those of its network: they were kept by another version"
        )
    Methods(network).load_state_dict(state, strict=False)  # buffers are constants of the class, and are not kept
    vars(network)["trial"] = trial
    return network.eval()
