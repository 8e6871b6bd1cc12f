"""Pictures decoded once, into a file of bytes in the user's cache that every process maps into its memory.

A file `<name>-<key>.npy` is written beside its place and renamed: it is whole or not there, also when two processes want
it at once. The key says which pictures it holds and how they were made ready. After the array lies what took a pass over
it: `np.load` reads such a file like any other.
"""

import hashlib
import json
import os
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Float, Int64, UInt8

from models.data.disk_rows import DiskRows
from models.data.read_picture import Frame, PictureError, read_picture
from models.data_folders import DataError, alone_in, cache_folder

VERSION = 1
"""Raised when the same pictures become other bytes."""

_BLOCK = 128
"""Pictures that a thread decodes at a time."""

_NAMED = 3
"""Faulty pictures that a sentence names."""


@dataclass(frozen=True)
class Album:
    """Which pictures, and how they are seen.

    `origin` is the identity of what the pictures come from, `state` something that changes when they are exchanged, and
    `remedy` what to do about a faulty one.
    """

    name: str
    folder: Path
    names: Sequence[str]
    frame: Frame
    origin: str
    remedy: str
    state: str = ""

    @property
    def place(self) -> Path:
        """The file that holds the decoded pictures."""
        content = [VERSION, self.origin, asdict(self.frame), list(self.names)]
        key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
        return cache_folder() / "pictures" / f"{self.name}-{key}.npy"


@dataclass(frozen=True)
class PictureBytes:
    """Pictures as rows of bytes, the sum of each of their numbers, that of all squares, and the SHA-256 of the rows."""

    stored: UInt8[np.ndarray, "n d"]
    sums: tuple[int, ...]
    squares: int
    sha256: str

    @property
    def mean(self) -> Float[np.ndarray, " d"]:
        """In [0, 1], exact to float64."""
        return np.array(self.sums) / (255 * len(self.stored))

    @property
    def is_constant(self) -> bool:
        """Whether all pictures are the same."""
        return len(self.stored) * self.squares == sum(number**2 for number in self.sums)

    def rows(self, mean: Float[np.ndarray, " d"]) -> DiskRows:
        """The rows with another mean taken off, the training set's: E‖x − mean‖² follows from the sums."""
        square = self.squares / (255**2 * len(self.stored)) - 2 * mean @ self.mean + mean @ mean
        return DiskRows(self.stored, mean, float(max(0.0, square)))


def decode(album: Album) -> PictureBytes:
    """The pictures of an album, decoded if they are not yet. Raises: DataError."""
    place = album.place
    if found := _read(place, album):
        return found
    try:
        with alone_in(place.parent):
            if found := _read(place, album):  # by the process that was waited for
                return found
            _write(place, album)
    except OSError as fault:
        raise DataError(
            f"{place} cannot be written ({fault.strerror}): {album.name} is decoded into it once, "
            "so make room there, or set XDG_CACHE_HOME to a folder that has"
        ) from fault
    if found := _read(place, album):
        return found
    raise DataError(f"{place} cannot be read back: delete it, and launch again")


def _read(place: Path, album: Album) -> PictureBytes | None:
    """What the file holds; None where it is not there, or damaged, or of pictures that have been exchanged."""
    shape = (len(album.names), album.frame.d)
    try:
        stored = np.load(place, mmap_mode="r")
        with place.open("rb") as file:
            file.seek(stored.offset + stored.size)
            rest = json.load(file)
    except (OSError, ValueError):
        return None
    if stored.shape != shape or stored.dtype != np.uint8 or rest["state"] != album.state:
        return None
    return PictureBytes(np.asarray(stored), tuple(rest["sums"]), rest["squares"], rest["sha256"])


def _make_room(place: Path, album: Album) -> None:
    """Raises: DataError where the disk is too full for the decoded pictures."""
    size, free = len(album.names) * album.frame.d, shutil.disk_usage(place.parent).free
    if free < size:
        raise DataError(
            f"{album.name} takes {size / 1e9:.1f} GB once it is decoded, and {place.parent} has {free / 1e9:.1f} GB left: "
            "make room there, or set XDG_CACHE_HOME to a folder that has"
        )
    for left in place.parent.glob(f"{place.name}.*.part"):  # by a process that was killed: none writes but this one
        left.unlink(missing_ok=True)


def _write(place: Path, album: Album) -> None:
    _make_room(place, album)
    part = place.with_name(f"{place.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (len(album.names), album.frame.d)}
            np.lib.format.write_array_header_1_0(file, header)
            file.write(json.dumps(_write_rows(file, album)).encode())
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def _write_rows(file: BinaryIO, album: Album) -> dict[str, Any]:
    """Every picture in its turn, and what is known of them after that. Raises: DataError naming the faulty ones."""
    hasher, squares, faults = hashlib.sha256(), 0, []
    sums = np.zeros(album.frame.d, np.int64)
    for block in _blocks(album):
        faults += block.faults
        if not faults:  # else the rest is only read, so that the sentence names other faulty pictures too
            file.write(block.rows.data)
            hasher.update(block.rows.data)
            sums += block.sums
            squares += block.squares
    if faults:
        raise DataError(_told(album, faults))
    return {"state": album.state, "sums": sums.tolist(), "squares": squares, "sha256": hasher.hexdigest()}


@dataclass(frozen=True)
class _Block:
    """A few pictures, and the names and faults of the damaged ones."""

    rows: UInt8[np.ndarray, "_ d"]
    sums: Int64[np.ndarray, " d"]
    squares: int
    faults: list[tuple[str, str]]


def _blocks(album: Album) -> Iterator[_Block]:
    """All pictures in their order, decoded by all cores a little ahead."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    waiting: deque[Future[_Block]] = deque()
    with ThreadPoolExecutor(cores) as pool:  # Pillow decodes and resizes outside Python's lock
        for start in range(0, len(album.names), _BLOCK):
            waiting.append(pool.submit(_block, album, album.names[start : start + _BLOCK]))
            if len(waiting) > 4 * cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _block(album: Album, names: Sequence[str]) -> _Block:
    rows, faults = np.zeros((len(names), album.frame.d), np.uint8), []
    for row, name in zip(rows, names, strict=True):
        try:
            row[:] = read_picture(album.folder / name, album.frame)
        except PictureError as fault:
            faults.append((name, str(fault)))
    numbers = rows.astype(np.float64)  # whole, and so are sums of them below 2⁵³
    return _Block(rows, numbers.sum(axis=0).astype(np.int64), int(np.vdot(numbers, numbers)), faults)


def _told(album: Album, faults: Sequence[tuple[str, str]]) -> str:
    (name, fault), *others = faults
    also = ""
    if others:
        count = "another picture is" if len(others) == 1 else f"{len(others):,} others are"
        named = ", ".join(other for other, _ in others[:_NAMED])
        also = f" (and {count} faulty: {named}{', …' if len(others) > _NAMED else ''})"
    return f"{album.folder / name} {fault}{also}: {album.remedy}"
