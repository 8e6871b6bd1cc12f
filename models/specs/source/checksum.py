"""Checksums of files that a declaration names."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from os import PathLike
from pathlib import Path


def checksum(path: str | PathLike[str]) -> str:
    """SHA-256 of a file, worked out again when the file has changed. Raises: ValueError where it cannot be read."""
    try:
        state = Path(path).stat()
        return _checksum(Path(path).absolute(), state.st_size, state.st_mtime_ns)
    except OSError as fault:
        raise ValueError(f"the file {path} cannot be read ({fault.strerror}): fix its path") from fault


_NOTED: ContextVar[dict[Path, str] | None] = ContextVar("noted", default=None)


@contextmanager
def declared_files() -> Iterator[dict[Path, str]]:
    """The files that are declared meanwhile, with their checksums."""
    token = _NOTED.set({})
    try:
        noted = _NOTED.get()
        assert noted is not None
        yield noted
    finally:
        _NOTED.reset(token)


def declared(path: str | PathLike[str]) -> str:
    """The checksum of a file that is declared now. Raises: ValueError where it cannot be read."""
    found, noted = checksum(path), _NOTED.get()
    if noted is not None:
        noted[Path(path).absolute()] = found
    return found


def is_changed(path: str | PathLike[str], before: str, if_unreadable: bool = True) -> bool:
    """Whether a file is not any more what it was; where it cannot be read, the caller knows what that means."""
    try:
        return checksum(path) != before
    except ValueError:
        return if_unreadable


@lru_cache(maxsize=64)
def _checksum(path: Path, size: int, modified_ns: int) -> str:  # noqa: ARG001 (they are the key)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
