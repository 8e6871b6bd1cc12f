"""Data sets: centred examples with what theory needs to know about them. NumPy only.

Every data set is centred by the mean of its training examples, and nothing else is done to it but where its declaration
says so; what is told of its variance is about the mean in any case. Pictures that as float32
take more than `IN_MEMORY` bytes stay on the disk, and are centred when they are asked for (`models.data.disk_rows`).
"""

import hashlib
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from pydantic import TypeAdapter

from models.data import celeba, idx
from models.data import cifar_svhn as photographs
from models.data import download as fetched
from models.data import image_folder as folders
from models.data.dataset import DataSet
from models.data.own_data import own_arrays
from models.data.picture_cache import Decoded
from models.data.planted import linear_map, linear_subspace, planted_arc, planted_clusters, planted_manifold
from models.data_folders import DataError
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

Array = Float[np.ndarray, "_ d"]

IN_MEMORY = 2**29
"""Bytes that the pictures of a data set may take as float32, in every process that trains on them."""


def load(spec: Data) -> DataSet:
    """The data set that a spec declares, kept for the next call. Raises: DataError where it cannot be had."""
    return _load(spec.model_dump_json())


def absence(spec: Data) -> str | None:
    """What a launch would find of a data set that is not here yet, in one sentence; None where nothing is missing."""
    match spec:
        case MNIST() | FashionMNIST() | CIFAR10() | SVHN():
            return fetched.absence(spec)
        case CelebA():
            return celeba.absence(spec)
        case ImageFolder():
            return folders.absence(spec)
        case _:
            return None


def prepare(spec: Data) -> DataSet:
    """The data set, after what need be done but once: files fetched, pictures decoded, a user's function called twice.

    Raises: models.data_folders.DataError where it cannot be had.
    """
    if isinstance(spec, fetched.Fetched):
        fetched.fetch(spec)
    data = load(spec)
    if isinstance(spec, OwnData) and _load.__wrapped__(spec.model_dump_json()).digest != data.digest:
        raise DataError(  # every worker would train on data of its own
            f"{spec.name} returns other numbers when it is called again: "
            "draw them from a seeded generator, np.random.default_rng(0)"
        )
    return data


@lru_cache(maxsize=4)
def _load(declaration: str) -> DataSet:
    spec: Data = TypeAdapter(Data).validate_json(declaration)
    try:
        return _made(spec)
    except (MemoryError, OverflowError) as fault:
        raise DataError(
            f"{spec.label} does not fit into memory ({fault}): declare fewer examples or dimensions"
        ) from fault


def _made(spec: Data) -> DataSet:
    match spec:
        case CelebA():
            return _of_pictures(spec, *celeba.celeba(spec))
        case ImageFolder():
            return _of_pictures(spec, *folders.folder(spec))
        case CIFAR10():
            return _of_pictures(spec, *photographs.cifar10(spec))
        case SVHN():
            return _of_pictures(spec, *photographs.svhn(spec))
        case Digits():
            return _centred(spec, *_grey(spec, *_digits()))
        case MNIST() | FashionMNIST():
            train, test = idx.read_images(spec)
            return _centred(spec, *_grey(spec, train[: spec.n], test))
        case LinearSubspace():
            return _centred(spec, *linear_subspace(spec), offset=spec.offset)
        case LinearMap():
            return _centred(spec, *linear_map(spec))
        case PlantedManifold():
            return _centred(spec, *planted_manifold(spec))
        case PlantedClusters():
            return _centred(spec, *planted_clusters(spec))
        case PlantedArc():
            return _centred(spec, *planted_arc(spec))
        case OwnData():
            return _centred(spec, *own_arrays(spec))


def _centred(
    spec: Data, train: Array, test: Array, *targets: Float[np.ndarray, "_ d_y"], offset: float = 0.0
) -> DataSet:
    """Arrays as a data set: training and test examples, then their targets where these are other than the examples."""
    mean = train.mean(axis=0, dtype=np.float64) - offset
    with np.errstate(over="ignore"):  # told below
        x, x_test = ((part - mean).astype(np.float32) for part in (train, test))
        y = [(part - targets[0].mean(axis=0)).astype(np.float32) for part in targets]
    return _sound(DataSet(spec, x, x_test, mean, (y[0], y[1]) if y else None, offset=offset))


def _grey(spec: Digits | MNIST | FashionMNIST, train: Array, test: Array) -> tuple[Array, Array]:
    """Grey values in [0, 1], or black and white where they are declared binary."""
    if not spec.binary:
        return train, test
    return (train >= 0.5).astype(np.float32), (test >= 0.5).astype(np.float32)


def _of_pictures(spec: CelebA | ImageFolder | CIFAR10 | SVHN, train: Decoded, test: Decoded) -> DataSet:
    """Bytes on the disk as a data set: in memory where there is room. Raises: DataError for pictures that are all alike."""
    if train.is_constant:
        raise DataError(f"{spec.label}'s training pictures are all the same: give it pictures that differ")
    mean = train.mean
    x, x_test = train.rows(mean), test.rows(mean)
    digest = hashlib.sha256(f"{x.shape}{train.sha256}{x_test.shape}{test.sha256}".encode()).hexdigest()
    if 4 * (len(x) + len(x_test)) * spec.d > IN_MEMORY:
        return _sound(DataSet(spec, x, x_test, mean, bytes_digest=digest))
    return _sound(DataSet(spec, x[:], x_test[:], mean, bytes_digest=digest))


def _sound(data: DataSet) -> DataSet:
    """Raises: DataError for data that nothing can be measured of."""
    spec = data.spec
    for part, size in (("training", data.total_variance), ("test", data.total_variance_test)):
        if not np.isfinite(np.float32(size)):
            raise DataError(f"{spec.label}'s {part} set holds numbers too large for float32: scale the data down")
        if np.float32(size) == 0:
            raise DataError(f"{spec.label}'s {part} set does not vary: give it examples that differ, on a larger scale")
    return data


def _digits() -> tuple[Array, Array]:
    from sklearn.datasets import load_digits  # takes a second, and only this data set needs it

    images = np.asarray(load_digits(return_X_y=True)[0]) / 16.0
    held_out = np.arange(len(images)) % 6 == 5
    return images[~held_out], images[held_out]
