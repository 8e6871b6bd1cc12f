"""Which function loads which data set: each registers itself, in the file that holds it.

    @loads(PlantedArc)
    def planted_arc(spec: PlantedArc) -> DataSet: ...

`models.data.load` imports every file of this folder, and fails where a data set has no such function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from models.data.dataset import DataSet
from models.specs.examples import Examples

S = TypeVar("S", bound=Examples)


@dataclass(frozen=True)
class Loader:
    """How a data set is loaded, what of it is not here yet (a sentence, or None), and how its files are fetched."""

    load: Callable[[Any], DataSet]
    absence: Callable[[Any], str | None]
    fetch: Callable[[Any], object]


LOADERS: dict[type[Examples], Loader] = {}


def _nothing(spec: Examples) -> None:
    """Generated data are never absent, and need no files."""


def loads(
    *kinds: type[S], absence: Callable[[S], str | None] = _nothing, fetch: Callable[[S], object] = _nothing
) -> Callable[[Callable[[S], DataSet]], Callable[[S], DataSet]]:
    """Registers the function below as the one that loads data sets of these kinds."""

    def register(load: Callable[[S], DataSet]) -> Callable[[S], DataSet]:
        LOADERS.update(dict.fromkeys(kinds, Loader(load, absence, fetch)))
        return load

    return register
