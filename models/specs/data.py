"""Which data a trial is trained on: the torch-free declarations. `models.data.load` loads or generates them.

A data set is identified by its published checksum or by its generator's name, version and parameters (its own seed among
them), never by the bytes of its arrays and never by the trial's seed.
"""

from typing import Annotated

from models.specs.image_folder import ImageFolder
from models.specs.images import CIFAR10, MNIST, SVHN, CelebA, Digits, FashionMNIST
from models.specs.own_data import OwnData
from models.specs.planted import LinearMap, LinearSubspace, PlantedArc, PlantedClusters, PlantedManifold
from models.specs.vocabulary import Vocabulary

Data = Annotated[
    Digits
    | MNIST
    | FashionMNIST
    | CIFAR10
    | SVHN
    | CelebA
    | ImageFolder
    | LinearSubspace
    | LinearMap
    | PlantedManifold
    | PlantedClusters
    | PlantedArc
    | OwnData,
    Vocabulary(),
]
