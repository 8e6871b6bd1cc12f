"""CIFAR-10 and SVHN in their authors' own formats, as rows of bytes in the order height, width, colour.

CIFAR-10's binary version is an archive of six files of records: a byte for the label, then 32×32 bytes of red, of green and
of blue. (Its Python version holds pickles, which a reader would have to execute.) SVHN's are two files of MATLAB's version 5,
with an array X of (height, width, colour, image). Both are kept as bytes in memory, a quarter of what float32 would take.
"""

import hashlib
import tarfile
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from models.data.centring import from_pictures
from models.data.dataset import DataSet
from models.data.download import absence, fetch, verified
from models.data.loaders import loads
from models.data.picture_cache import PictureBytes
from models.data_folders import DataError
from models.specs.data import CIFAR10, SVHN

Bytes = UInt8[np.ndarray, "n 3072"]

_ROWS = 4096
"""Rows that are summed up at a time."""


@loads(CIFAR10, absence=absence, fetch=fetch)
def cifar10(spec: CIFAR10) -> DataSet:
    """Training and test images. Raises: DataError."""
    (name,) = spec.fingerprint
    path = verified(spec, name)
    wanted = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    try:
        with tarfile.open(path) as archive:
            parts = [_records(archive, f"cifar-10-batches-bin/{part}.bin") for part in wanted]
    except (tarfile.TarError, KeyError, EOFError, ValueError) as fault:
        raise _other_contents(path) from fault
    return from_pictures(spec, _summed(np.concatenate(parts[:-1])[: spec.n]), _summed(parts[-1]))


@loads(SVHN, absence=absence, fetch=fetch)
def svhn(spec: SVHN) -> DataSet:
    """Training and test images. Raises: DataError."""
    train, test = (_array(verified(spec, name)) for name in spec.fingerprint)
    return from_pictures(spec, _summed(train[: spec.n]), _summed(test))


def _records(archive: tarfile.TarFile, name: str) -> Bytes:
    stream = archive.extractfile(name)
    content = np.frombuffer(stream.read() if stream else b"", np.uint8).reshape(-1, 1 + 3072)
    return content[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).reshape(-1, 3072)


def _array(path: Path) -> Bytes:
    from scipy.io import loadmat  # not at the top: only this data set needs it

    try:
        pictures = loadmat(path, variable_names=["X"])["X"]
        return pictures.transpose(3, 0, 1, 2).reshape(-1, 3072)
    except (KeyError, TypeError, ValueError) as fault:
        raise _other_contents(path) from fault


def _other_contents(path: Path) -> DataError:
    return DataError(f"{path} does not hold what its authors describe: replace it with the original")


def _summed(rows: Bytes) -> PictureBytes:
    rows = np.ascontiguousarray(rows)
    sums, squares = np.zeros(rows.shape[1], np.int64), 0
    for start in range(0, len(rows), _ROWS):
        numbers = rows[start : start + _ROWS].astype(np.float64)  # whole, and so are sums of them below 2⁵³
        sums += numbers.sum(axis=0).astype(np.int64)
        squares += int(np.vdot(numbers, numbers))
    return PictureBytes(rows, tuple(sums.tolist()), squares, hashlib.sha256(rows.data).hexdigest())
