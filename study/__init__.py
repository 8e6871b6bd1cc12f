"""Declare, plan, train and record studies of regularisation in variational autoencoders.

    from study import Digits, Fixed, Learned, Objective, Training, Trial, VAE, study

Names are looked up when they are first used, so that `study.record` can be read where there is neither pydantic nor torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.specs import (
        CIFAR10,
        MMD,
        MNIST,
        SVHN,
        VAE,
        Annealed,
        Bernoulli,
        Bitwise,
        Categorical,
        CelebA,
        Data,
        Digits,
        FashionMNIST,
        Fixed,
        Gamma,
        ImageFolder,
        ImageVAE,
        Learned,
        Likelihood,
        LinearMap,
        LinearSubspace,
        LogisticMixture,
        Model,
        Normal,
        Objective,
        Optimal,
        Own,
        OwnData,
        PerImage,
        PerPixel,
        PlantedArc,
        PlantedClusters,
        PlantedManifold,
        Refit,
        Rprop,
        Skip,
        Slower,
        Sparsity,
        Spread,
        StudentT,
        Training,
    )
    from study.declare.probe import Probe
    from study.declare.search import search
    from study.declare.search_space import Between
    from study.declare.table import Study, study
    from study.declare.trial import Trial
    from study.launch.call import launch
    from study.train.weights import load

_HOMES = {
    "Between": "study.declare.search_space",
    "Probe": "study.declare.probe",
    "Study": "study.declare.table",
    "Trial": "study.declare.trial",
    "load": "study.train.weights",
    "search": "study.declare.search",
    "study": "study.declare.table",
}

__all__ = [
    "CIFAR10",
    "MMD",
    "MNIST",
    "SVHN",
    "VAE",
    "Annealed",
    "Bernoulli",
    "Between",
    "Bitwise",
    "Categorical",
    "CelebA",
    "Data",
    "Digits",
    "FashionMNIST",
    "Fixed",
    "Gamma",
    "ImageFolder",
    "ImageVAE",
    "Learned",
    "Likelihood",
    "LinearMap",
    "LinearSubspace",
    "LogisticMixture",
    "Model",
    "Normal",
    "Objective",
    "Optimal",
    "Own",
    "OwnData",
    "PerImage",
    "PerPixel",
    "PlantedArc",
    "PlantedClusters",
    "PlantedManifold",
    "Probe",
    "Refit",
    "Rprop",
    "Skip",
    "Slower",
    "Sparsity",
    "Spread",
    "StudentT",
    "Study",
    "Training",
    "Trial",
    "launch",
    "load",
    "search",
    "study",
]


def __getattr__(name: str) -> Any:
    if name == "launch":  # a package that can be called: see there
        return import_module("study.launch")
    if name not in __all__:
        raise AttributeError(f"module 'study' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "models.specs")), name)
