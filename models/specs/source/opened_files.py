"""Which files the user's code reads: a result stands on each of them, so each must be declared."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

from models.specs.source.modules import is_users

_SYSTEM = ("/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sys", "/usr")


class OpenedFiles:
    """Files that were read while it listened, in their order, without those that were first written meanwhile."""

    def __init__(self) -> None:
        self._read: dict[Path, None] = {}
        self._written: set[Path] = set()

    def hear(self, path: Any, flags: int) -> None:
        """Python opens a file."""
        if isinstance(path, int):  # a descriptor, which was opened before
            return
        place = Path(os.fsdecode(path)).resolve()
        if flags & (os.O_WRONLY | os.O_RDWR):
            self._written.add(place)
        elif place not in self._written:
            self._read[place] = None

    def undeclared(self, declared: Iterable[str] = ()) -> list[Path]:
        """The user's files among them that nobody declared; caches of compiled code and of fonts are none."""
        known = {Path(path).resolve() for path in declared}
        return [path for path in self._read if path not in known and _counts(path)]


def _counts(path: Path) -> bool:
    is_cache = path.suffix == ".pyc" or "matplotlib" in path.parts
    is_systems = any(path.is_relative_to(root) for root in (*_SYSTEM, sys.prefix, sys.base_prefix))
    return not is_cache and not is_systems and is_users(str(path)) and path.is_file()


_LISTENING: ContextVar[OpenedFiles | None] = ContextVar("listening", default=None)


@contextmanager
def opened_files() -> Iterator[OpenedFiles]:
    """Listen while the user's code runs. Libraries that open files by themselves, as HDF5 does, are not heard."""
    _start_listening()
    token = _LISTENING.set(OpenedFiles())
    try:
        opened = _LISTENING.get()
        assert opened is not None
        yield opened
    finally:
        _LISTENING.reset(token)


@lru_cache(maxsize=1)
def _start_listening() -> None:
    """Python knows no way to take an audit hook away again, so there is one, and it is quick."""

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and (opened := _LISTENING.get()) is not None:
            opened.hear(arguments[0], arguments[2] or 0)

    sys.addaudithook(hear)
