"""The vocabulary of a declaration: frozen pydantic objects, free of torch."""

from models.specs.data import (
    CIFAR10,
    MNIST,
    SVHN,
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
from models.specs.gamma import Absent, Annealed, Fixed, Gamma, Learned, Optimal, PerImage, PerPixel, Refit
from models.specs.gaussian import Skip
from models.specs.image_network import ImageVAE
from models.specs.likelihood import Bernoulli, Bitwise, Categorical, Likelihood, LogisticMixture, Normal, StudentT
from models.specs.network import VAE, Model, Own
from models.specs.sparsity import Sparsity
from models.specs.spec import Spec
from models.specs.training import MMD, Objective, Rprop, Slower, Spread, Training

__all__ = [
    "CIFAR10",
    "MMD",
    "MNIST",
    "SVHN",
    "VAE",
    "Absent",
    "Annealed",
    "Bernoulli",
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
    "Refit",
    "Rprop",
    "Skip",
    "Slower",
    "Sparsity",
    "Spec",
    "Spread",
    "StudentT",
    "Training",
]
