"""Checkpoints of packs in training, `checkpoints/<key>.safetensors`: a later attempt of the same pack resumes from one.

A checkpoint saves training time and nothing else, so one that is damaged, truncated or not what its name says counts as
none. Nothing here raises because of what a file holds.
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
    """What a checkpoint holds: a pack's trials in order, where they trained, the step, and the seconds trained so far."""

    key: str
    trials: tuple[str, ...]
    device: str
    torch: str
    step: int
    trained_s: float


def write_checkpoint(home: Home, head: Checkpoint, arrays: Arrays) -> None:
    """Write a pack's checkpoint in place of its earlier one, if any. Raises: HomeError."""
    metadata = {"checkpoint": json.dumps(asdict(head)), "sha256": _digest(head, arrays)}
    home.write(_path(head.key), save(dict(arrays), metadata))


def read_checkpoint(home: Home, key: str) -> tuple[Checkpoint, Arrays] | None:
    """The checkpoint of this key; None where there is none that can be trusted."""
    try:
        content = home.read(_path(key))
        metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
        head, arrays = _head(metadata), load(content)
        return (head, arrays) if head.key == key and _digest(head, arrays) == metadata["sha256"] else None
    except (FileNotFoundError, HomeError, SafetensorError, ValueError, KeyError, TypeError):
        return None


def checkpoints(home: Home) -> list[Checkpoint]:
    """All readable checkpoints, the longest trained first; only the beginning of each file is read."""
    names = [name for name in home.names(FOLDER) if name.endswith(".safetensors")]
    found = [checkpoint_at(home, f"{FOLDER}/{name}") for name in names]
    return sorted((head for head in found if head), key=lambda head: -head.trained_s)


def checkpoint_at(home: Home, path: str) -> Checkpoint | None:
    """The checkpoint in a file of the home; None where the file is none."""
    try:
        size = int.from_bytes(home.read(path, 8), "little")
        return _head(json.loads(home.read(path, 8 + size)[8:])["__metadata__"])
    except (FileNotFoundError, HomeError, OverflowError, MemoryError, ValueError, KeyError, TypeError):
        return None


def drop_checkpoint(home: Home, key: str) -> None:
    """Delete a checkpoint, if the home allows it; `study.clean` removes one that is left over."""
    with contextlib.suppress(HomeError):
        home.delete(_path(key))


def _head(metadata: Mapping[str, str]) -> Checkpoint:
    fields = json.loads(metadata["checkpoint"])
    return Checkpoint(**fields | {"trials": tuple(fields["trials"])})


def _digest(head: Checkpoint, arrays: Arrays) -> str:
    """SHA-256 of head and arrays: safetensors itself notices a truncated file, but not a changed byte."""
    hasher = hashlib.sha256(json.dumps(asdict(head)).encode())
    for name, array in sorted(arrays.items()):
        hasher.update(f"{name} {array.dtype} {array.shape}".encode())
        hasher.update(np.asarray(array, order="C").data)
    return hasher.hexdigest()


def _path(key: str) -> str:
    return f"{FOLDER}/{key}.safetensors"
