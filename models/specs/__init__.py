"""The vocabulary of a declaration: frozen pydantic objects, free of torch."""

from models.specs.base import Spec
from models.specs.data import MNIST, Data, Digits, FashionMNIST, LinearMap, LinearSubspace, OwnData, PlantedManifold
from models.specs.gamma import Annealed, Fixed, Gamma, Learned, Optimal
from models.specs.gaussian import Skip
from models.specs.image_network import ImageVAE
from models.specs.network import VAE, Model, Own
from models.specs.training import Objective, Training

__all__ = [
    "MNIST",
    "VAE",
    "Annealed",
    "Data",
    "Digits",
    "FashionMNIST",
    "Fixed",
    "Gamma",
    "ImageVAE",
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
