"""The vocabulary of a declaration: frozen pydantic objects, free of torch."""

from models.specs.base import Spec
from models.specs.data import (
    MNIST,
    CelebA,
    Data,
    Digits,
    FashionMNIST,
    ImageFolder,
    LinearMap,
    LinearSubspace,
    OwnData,
    PlantedManifold,
)
from models.specs.gamma import Annealed, Fixed, Gamma, Learned, Optimal
from models.specs.network import VAE, Model, Own, Skip
from models.specs.training import Objective, Training

__all__ = [
    "MNIST",
    "VAE",
    "Annealed",
    "CelebA",
    "Data",
    "Digits",
    "FashionMNIST",
    "Fixed",
    "Gamma",
    "ImageFolder",
    "Learned",
    "LinearMap",
    "LinearSubspace",
    "Model",
    "Objective",
    "Optimal",
    "Own",
    "OwnData",
    "PlantedManifold",
    "Skip",
    "Spec",
    "Training",
]
