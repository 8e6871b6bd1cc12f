"""Data of the user's: the declared function is made again from its source, called, and its arrays are checked.

If anything is wrong with them, the launch stops here, before training, with one sentence.
"""

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from models.data.centring import from_arrays
from models.data.dataset import DataSet
from models.data.loaders import loads
from models.data_folders import DataError
from models.specs.data import OwnData
from models.specs.source import checksum, define, environment_reads, no_arguments, opened_files

Array = Float[np.ndarray, "_ d"]


@loads(OwnData)
def own_data(spec: OwnData) -> DataSet:
    """Training and test examples as the user's function returns them. Raises: DataError."""
    _check_files(spec)
    returned = _returned(spec)
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        raise DataError(f"{spec.name} returned no pair of arrays: end it with `return train, test`")
    train, test = (_checked(spec, which, part) for which, part in zip(("training", "test"), returned, strict=True))
    columns = [list(part.columns) for part in returned if hasattr(part, "columns")]
    if len(columns) == 2 and columns[0] != columns[1]:
        raise DataError(
            f"{spec.name}'s training set has the columns {columns[0]}, and its test set {columns[1]}: return the same columns"
        )
    if len(train) != spec.n:
        raise DataError(
            f"{spec.name} returned {len(train)} training examples, not n = {spec.n}: declare n={len(train)}"
        )
    return from_arrays(spec, train, test)


def _returned(spec: OwnData) -> Any:
    with opened_files() as opened, environment_reads() as read, no_arguments():
        try:
            options = deepcopy(spec.options)  # the function may change what it is given
            returned = define(spec.source, spec.name, spec.modules)(**options)
        except (Exception, SystemExit) as fault:
            text = " ".join(f"{type(fault).__name__}: {fault}".split())[:300]
            raise DataError(f"{spec.name} raised {text}: fix the function that makes the data") from fault
    if unknown := opened.undeclared(spec.files):
        others = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise DataError(
            f"{spec.name} reads {unknown[0]}{others} without declaring it, so nobody would notice when it changes: add "
            f"files=[...] to OwnData.of({spec.name}, ...)"
        )
    if read:
        raise DataError(
            f"{spec.name} reads the environment variable {read[0]}, which its declaration does not hold: make it an option"
        )
    return returned


def _check_files(spec: OwnData) -> None:
    for path, declared in spec.files.items():
        if not Path(path).is_file():
            raise DataError(f"{spec.name} needs {path}, which is not here: give its absolute path, or put it there")
        if checksum(path) != declared:
            raise DataError(
                f"{path} has changed since {spec.name} was declared: launch again, as the data are new ones"
            )


def _checked(spec: OwnData, which: str, part: Any) -> Array:
    if np.ma.isMaskedArray(part) and np.ma.is_masked(part):
        raise DataError(
            f"{spec.name}'s {which} set has masked values, which would count: fill them, or drop their rows"
        )
    try:
        array = np.asarray(part)
    except Exception as fault:
        raise DataError(f"{spec.name}'s {which} set is no array ({fault}): return two NumPy arrays") from fault
    if array.dtype.kind == "c":
        raise DataError(
            f"{spec.name}'s {which} set holds complex numbers: give real and imaginary parts columns of their own"
        )
    if array.dtype.names:
        fields = ", ".join(array.dtype.names)
        raise DataError(f"{spec.name}'s {which} set has the fields {fields}: give it columns of one type, as in (n, d)")
    if array.dtype.kind != "f":
        raise DataError(f"{spec.name}'s {which} set holds {array.dtype}: convert it to float, as in x.astype(float)")
    if array.ndim != 2:
        raise DataError(
            f"{spec.name}'s {which} set has the shape {array.shape}: give it a row for each example, (n, d)"
        )
    if array.shape[1] != spec.d:
        raise DataError(
            f"{spec.name}'s {which} set has {array.shape[1]} dimensions, not d = {spec.d}: fix the function, or d"
        )
    if len(array) < 2:
        raise DataError(f"{spec.name}'s {which} set has {len(array)} examples: it needs two at least")
    if not np.isfinite(array).all():
        rows = np.flatnonzero(~np.isfinite(array).all(axis=1))
        raise DataError(
            f"{spec.name}'s {which} set holds numbers that are not finite (row {rows[0]}): drop or fill these rows"
        )
    return array
