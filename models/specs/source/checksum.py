"""Checksums of files that a declaration names."""

import hashlib
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


_DECLARED: dict[Path, str] = {}
"""Files that this process has declared, with their checksums then."""


def declared(path: str | PathLike[str]) -> str:
    """The checksum of a file that is declared now. Raises: ValueError where it cannot be read."""
    _DECLARED[Path(path).absolute()] = found = checksum(path)
    return found


def changed_files() -> list[Path]:
    """Files that are not any more what they were when this process last declared them."""
    return [path for path, before in _DECLARED.items() if _now(path) != before]


def _now(path: Path) -> str | None:
    try:
        return checksum(path)
    except ValueError:
        return None


@lru_cache(maxsize=64)
def _checksum(path: Path, size: int, modified_ns: int) -> str:  # noqa: ARG001 (they are the key)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
