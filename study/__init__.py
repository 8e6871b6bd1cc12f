"""Declare, plan, train and record studies of regularisation in variational autoencoders.

    from study import Digits, Fixed, Learned, Objective, Training, Trial, VAE, study

Names are looked up when they are first used, so that `study.record` can be read where there is neither pydantic nor torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.specs import (
        MMD,
        MNIST,
        VAE,
        Annealed,
        CelebA,
        Data,
        Digits,
        FashionMNIST,
        Fixed,
        Gamma,
        ImageFolder,
        ImageVAE,
        Learned,
        LinearMap,
        LinearSubspace,
        Model,
        Objective,
        Optimal,
        Own,
        OwnData,
        PlantedArc,
        PlantedClusters,
        PlantedManifold,
        Refit,
        Rprop,
        Skip,
        Slower,
        Spread,
        Training,
    )
    from study.declare import Study, study
    from study.probe import Probe
    from study.searching import search
    from study.space import Between
    from study.trial import Trial
    from study.weights import load

_HOMES = {
    "Between": "study.space",
    "Probe": "study.probe",
    "Study": "study.declare",
    "Trial": "study.trial",
    "load": "study.weights",
    "search": "study.searching",
    "study": "study.declare",
}

__all__ = [
    "MMD",
    "MNIST",
    "VAE",
    "Annealed",
    "Between",
    "CelebA",
    "Data",
    "Digits",
    "FashionMNIST",
    "Fixed",
    "Gamma",
    "ImageFolder",
    "ImageVAE",
    "Learned",
    "LinearMap",
    "LinearSubspace",
    "Model",
    "Objective",
    "Optimal",
    "Own",
    "OwnData",
    "PlantedArc",
    "PlantedClusters",
    "PlantedManifold",
    "Probe",
    "Refit",
    "Rprop",
    "Skip",
    "Slower",
    "Spread",
    "Study",
    "Training",
    "Trial",
    "load",
    "search",
    "study",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'study' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "models.specs")), name)
