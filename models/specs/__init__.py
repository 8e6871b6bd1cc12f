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
    PlantedArc,
    PlantedClusters,
    PlantedManifold,
)
from models.specs.gamma import Annealed, Fixed, Gamma, Learned, Optimal, Refit
from models.specs.gaussian import Skip
from models.specs.image_network import ImageVAE
from models.specs.network import VAE, Model, Own
from models.specs.training import MMD, Objective, Rprop, Slower, Spread, Training

__all__ = [
    "MMD",
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
    "Refit",
    "Rprop",
    "Skip",
    "Slower",
    "Spec",
    "Spread",
    "Training",
]
