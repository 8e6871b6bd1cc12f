"""Loading data sets: whatever a declaration names, fetched or generated, centred, with what theory needs to know of it.

NumPy only. Which function loads which declaration is registered beside these functions, in the other files of this folder
(`models.data.loaders`).
"""

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from pydantic import TypeAdapter

import models.data
from models.data.dataset import DataSet
from models.data.loaders import LOADERS
from models.data_folders import DataError
from models.specs.data import Data
from models.specs.vocabulary import check_complete, members

for _module in iter_modules(models.data.__path__):
    import_module(f"models.data.{_module.name}")

check_complete(
    members(Data),
    LOADERS,
    "Data, in models/specs",
    "decorate a function in models/data with @loads(...)",
)


def load(spec: Data) -> DataSet:
    """The data set that a spec declares, kept for the next call. Raises: DataError where it cannot be loaded."""
    return from_declaration(spec.model_dump_json())


def absence(spec: Data) -> str | None:
    """What is missing of a data set, in one sentence; None where nothing is."""
    return LOADERS[type(spec)].absence(spec)


def prepare(spec: Data) -> DataSet:
    """The data set, after what is done only once: files fetched, pictures decoded, a user's function called twice.

    Raises: models.data_folders.DataError where it cannot be loaded.
    """
    LOADERS[type(spec)].fetch(spec)
    data = load(spec)
    if spec.is_own:
        _check_repeatable(spec.model_dump_json())
    return data


@lru_cache(maxsize=64)
def _check_repeatable(declaration: str) -> None:
    """Raises: DataError for a function that returns other data when it is called again, as every worker would."""
    spec: Data = TypeAdapter(Data).validate_json(declaration)
    if from_declaration.__wrapped__(declaration).digest != load(spec).digest:
        raise DataError(
            f"{spec.label} returns other numbers when it is called again: "
            "draw them from a seeded generator, np.random.default_rng(0)"
        )


@lru_cache(maxsize=4)
def from_declaration(declaration: str) -> DataSet:
    """The data set of a declaration in JSON. Raises: DataError."""
    spec: Data = TypeAdapter(Data).validate_json(declaration)
    try:
        return LOADERS[type(spec)].load(spec)
    except (MemoryError, OverflowError) as fault:
        raise DataError(
            f"{spec.label} does not fit into memory ({fault}): declare fewer examples or dimensions"
        ) from fault
