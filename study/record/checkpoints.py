"""Checkpoints: packs in training, `checkpoints/<key>.safetensors`, from which a later attempt of the same pack goes on.

A checkpoint is worth its training time and nothing else: one that is damaged, cut short or not what its name says is as
good as none. So nothing here raises because of what a file holds.
"""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from study.record.home import Home, HomeError

FOLDER = "checkpoints"

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint is of: a pack's trials in order, and where they trained; at which step, after how many seconds."""

    key: str
    trials: tuple[str, ...]
    device: str
    torch: str
    step: int
    trained_s: float


def write_checkpoint(home: Home, head: Checkpoint, arrays: Arrays) -> None:
    """Take the place of the pack's earlier checkpoint, if there is one. Raises: HomeError."""
    told = {"checkpoint": json.dumps(asdict(head)), "sha256": _digest(head, arrays)}
    home.write(_path(head.key), save(dict(arrays), told))


def read_checkpoint(home: Home, key: str) -> tuple[Checkpoint, Arrays] | None:
    """The checkpoint of this key; None where there is none, or none that can be trusted."""
    try:
        content = home.read(_path(key))
        told = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
        head, arrays = _head(told), load(content)
        return (head, arrays) if head.key == key and _digest(head, arrays) == told["sha256"] else None
    except (FileNotFoundError, HomeError, SafetensorError, ValueError, KeyError, TypeError):
        return None


def checkpoints(home: Home) -> list[Checkpoint]:
    """What all readable checkpoints are of, those that were trained longest first; of each file its beginning is read."""
    names = [name for name in home.names(FOLDER) if name.endswith(".safetensors")]
    found = [checkpoint_at(home, f"{FOLDER}/{name}") for name in names]
    return sorted((head for head in found if head), key=lambda head: -head.trained_s)


def checkpoint_at(home: Home, path: str) -> Checkpoint | None:
    """What a file of the home is a checkpoint of; None where it is none."""
    try:
        size = int.from_bytes(home.read(path, 8), "little")
        return _head(json.loads(home.read(path, 8 + size)[8:])["__metadata__"])
    except (FileNotFoundError, HomeError, OverflowError, MemoryError, ValueError, KeyError, TypeError):
        return None


def drop_checkpoint(home: Home, key: str) -> None:
    """Delete a checkpoint, if the home lets us: one that is left over `study.clean` removes."""
    with contextlib.suppress(HomeError):
        home.delete(_path(key))


def _head(told: Mapping[str, str]) -> Checkpoint:
    fields = json.loads(told["checkpoint"])
    return Checkpoint(**fields | {"trials": tuple(fields["trials"])})


def _digest(head: Checkpoint, arrays: Arrays) -> str:
    """SHA-256 of all that a checkpoint says and holds: safetensors itself tells a file cut short, but no changed byte."""
    hasher = hashlib.sha256(json.dumps(asdict(head)).encode())
    for name, array in sorted(arrays.items()):
        hasher.update(f"{name} {array.dtype} {array.shape}".encode())
        hasher.update(np.asarray(array, order="C").data)
    return hasher.hexdigest()


def _path(key: str) -> str:
    return f"{FOLDER}/{key}.safetensors"
