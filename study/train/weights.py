"""A trained network, back from the records."""

from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Num
from torch import Tensor, nn

from models.networks.build import build, methods_of
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
    arrays = read_artifacts(home, row["artifacts"], trial_id, "weights")
    network = network_with(trial, {name: torch.from_numpy(array) for name, array in arrays.items()})
    if network is None:
        raise HomeError(
            f"the weights of trial {trial_id} are not those of its network: they were kept by another version"
        )
    return network


def network_with(trial: Trial, weights: Mapping[str, Num[Tensor, "..."]]) -> nn.Module | None:
    """The network of a trial with these weights, in evaluation mode; None where they are not those of such a network."""
    network = build(trial.model, trial, trial.weights_seed, getattr(torch, trial.training.dtype))
    if not _take(methods_of(network), weights):
        return None
    vars(network)["trial"] = trial
    return network.eval()


@torch.no_grad()
def _take(network: nn.Module, weights: Mapping[str, Num[Tensor, "..."]]) -> bool:
    """Give the network its trained parameters, and the buffers that training changed; whether these are its weights.

    Other buffers are constants of the class, and were not kept.
    """
    parameters, buffers = dict(network.named_parameters()), dict(network.named_buffers())
    places = {name: torch.view_as_real(each) if each.is_complex() else each for name, each in parameters.items()}
    trained, places = {name for name, each in parameters.items() if each.requires_grad}, places | buffers
    if not trained <= weights.keys() <= places.keys():
        return False
    shaped = {
        name: value.squeeze(0) if places[name].dim() == 0 else value for name, value in weights.items()
    }  # as kept
    if any(places[name].shape != value.shape for name, value in shaped.items()):
        return False
    for name, value in shaped.items():
        places[name].copy_(value)
    return True
