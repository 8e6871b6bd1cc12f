"""A folder of the user's pictures: the same as when it was declared, divided as declared, decoded."""

from pathlib import Path

import numpy as np
from jaxtyping import Int

from models.data.centring import from_pictures
from models.data.dataset import DataSet
from models.data.loaders import loads
from models.data.picture_cache import Album, decode
from models.data.read_picture import Frame
from models.data_folders import DataError
from models.specs.data import ImageFolder
from models.specs.picture_files import checksum_of, picture_names

Indices = Int[np.ndarray, " _"]


def absence(spec: ImageFolder) -> str | None:
    """Where the folder is missing, a sentence that says so."""
    if Path(spec.path).is_dir():
        return None
    return f"the folder {spec.path} does not exist: put {spec.label}'s pictures there, or declare where they are"


@loads(ImageFolder, absence=absence)
def image_folder(spec: ImageFolder) -> DataSet:
    """Training and test pictures. Raises: DataError."""
    names = _names(spec)
    return from_pictures(spec, *(decode(_album(spec, [names[i] for i in part])) for part in divided(spec)))


def divided(spec: ImageFolder) -> tuple[Indices, Indices]:
    """Indices of the training and of the test pictures, in the order of their names."""
    if spec.every is not None:
        held_out = np.arange(spec.pictures) % spec.every == spec.every - 1
    else:
        drawn = np.random.default_rng(spec.seed).permutation(spec.pictures)[: spec.n_test]
        held_out = np.isin(np.arange(spec.pictures), drawn)
    train = np.flatnonzero(~held_out)
    return train[np.arange(spec.n_train) * len(train) // spec.n_train], np.flatnonzero(held_out)


def _names(spec: ImageFolder) -> list[str]:
    """The pictures' names, once they are found to be those declared. Raises: DataError."""
    if missing := absence(spec):
        raise DataError(missing)
    try:
        names = picture_names(Path(spec.path))
        is_same = len(names) == spec.pictures and checksum_of(Path(spec.path), names) == spec.checksum
    except ValueError as fault:
        raise DataError(str(fault)) from fault
    if not is_same:
        raise DataError(
            f"the pictures in {spec.path} have changed since {spec.label} was declared ({spec.pictures:,} then, "
            f"{len(names):,} now): launch again, as the data are new ones"
        )
    return names


def _album(spec: ImageFolder, names: list[str]) -> Album:
    return Album(
        name=f"folder-{spec.size}",
        folder=Path(spec.path),
        names=names,
        frame=Frame(spec.size, spec.channels),
        origin=spec.checksum,
        remedy="replace it with a sound one, or take it out of the folder",
    )
