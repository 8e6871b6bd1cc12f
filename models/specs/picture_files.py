"""Which pictures lie under a folder, and the checksum of their names and contents."""

import contextlib
import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from models.data_folders import cache_folder

SUFFIXES = (".jpg", ".jpeg", ".png")

_SETTLED_S = 2.0
"""A file that was written less than so long ago may be written again without a new time of change."""


def picture_names(folder: Path) -> list[str]:
    """The jpg and png files under a folder, relative to it, in the order of their text; hidden ones are left out.

    Folders that are linked there count as well; one that leads back to a folder it lies in is not entered again.

    Raises: ValueError where there is no such folder, or it cannot be read, or it holds no pictures.
    """
    if not folder.is_dir():
        raise ValueError(f"the folder {folder} does not exist: fix its path, or put the pictures there")
    names: list[str] = []
    try:
        for place, inner, files in os.walk(folder, onerror=_raise, followlinks=True):
            inner[:] = [name for name in inner if not name.startswith(".") and not _leads_back(Path(place, name))]
            near = Path(place).relative_to(folder).as_posix()
            found = [name for name in files if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
            names += found if near == "." else [f"{near}/{name}" for name in found]
    except OSError as fault:
        raise ValueError(
            f"the folder {fault.filename} cannot be read ({fault.strerror}): fix its permissions"
        ) from fault
    if not names:
        raise ValueError(f"the folder {folder} holds no jpg or png pictures: fix its path, or put the pictures there")
    return sorted(names)


def checksum_of(folder: Path, names: Sequence[str]) -> str:
    """SHA-256 over the names and contents of pictures; what has not changed since is not read again.

    Raises: ValueError where one of them cannot be read.
    """
    try:
        state, newest_ns = _state(folder, names)
        memo = cache_folder() / "checksums" / state
        with contextlib.suppress(OSError):
            return memo.read_text(encoding="ascii")
        checksum = _checksum(folder, names)
    except OSError as fault:
        raise ValueError(
            f"the picture {fault.filename} cannot be read ({fault.strerror}): fix its permissions"
        ) from fault
    if time.time_ns() - newest_ns > _SETTLED_S * 1e9:
        _remember(memo, checksum)
    return checksum


def _state(folder: Path, names: Sequence[str]) -> tuple[str, int]:
    """A hash of where the pictures lie, of their sizes and times of change, and the latest of these in ns."""
    hasher, newest = hashlib.sha256(str(folder).encode(errors="surrogateescape")), 0
    for name in names:
        found = (folder / name).stat()
        newest = max(newest, found.st_mtime_ns, found.st_ctime_ns)
        line = f"\n{name}\0{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
        hasher.update(line.encode(errors="surrogateescape"))
    return hasher.hexdigest(), newest


def _checksum(folder: Path, names: Sequence[str]) -> str:
    hasher = hashlib.sha256()
    for name in names:
        with (folder / name).open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        hasher.update(f"{content} {name}\n".encode(errors="surrogateescape"))
    return hasher.hexdigest()


def _remember(memo: Path, checksum: str) -> None:
    """Written beside and renamed, so that no process reads half of it. Losing it costs only time."""
    part = memo.with_name(f"{memo.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        memo.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(checksum, encoding="ascii")
        part.replace(memo)


def _leads_back(folder: Path) -> bool:
    """Whether a folder is a link to one that it lies in, itself or by way of other links."""
    return folder.is_symlink() and any(above.resolve().is_relative_to(folder.resolve()) for above in folder.parents)


def _raise(fault: OSError) -> None:
    raise fault
