"""Which files the user's code reads: a result stands on each of them, so each must be declared."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib.util import source_from_cache
from pathlib import Path
from typing import Any

from models.specs.source.define import is_asked_by_source
from models.specs.source.modules import is_users

_SYSTEM = ("/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sys", "/usr")


_STARTING = frozenset(["subprocess", "os", "opened_files"])
"""Python's own modules that start programs."""

_LISTING = frozenset(["os", "glob", "pathlib", "__init__", "_abc", "_local", "_glob", "_os", "opened_files"])
"""Python's own modules that list folders for others."""


class OpenedFiles:
    """Files that were read while it listened, in their order, without those that were first written meanwhile."""

    def __init__(self) -> None:
        self._read: dict[Path, None] = {}
        self._listed: dict[Path, None] = {}
        self._written: set[Path] = set()
        self._said: list[str] = []

    def hear(self, path: Any, flags: int = 0) -> None:
        """Python opens a file."""
        if isinstance(path, int):  # a descriptor, which was opened before
            return
        place = Path(os.fsdecode(path)).resolve()
        if flags & (os.O_WRONLY | os.O_RDWR):
            self._written.add(place)
        elif place not in self._written:
            self._read[_source_of(place)] = None

    def hear_listing(self, path: Any) -> None:
        """Code lists the files of a folder."""
        if path is None or not isinstance(path, int):
            self._listed[Path(os.fsdecode(path or ".")).resolve()] = None

    def hear_what(self, source: str) -> None:
        """Something else is asked than a file."""
        self._said.append(source)

    def undeclared(self, declared: Iterable[str] = ()) -> list[str]:
        """The user's files among them that nobody declared, and folders in which nobody declared a file.

        Where no file at all is declared, also what programs and servers say: they may pass on what a file holds.
        Caches of fonts are none.
        """
        known = {Path(path).resolve() for path in declared}
        folders = [path for path in self._listed if not any(each.is_relative_to(path) for each in known)]
        found = [path for path in self._read if path not in known and path.is_file()]
        paths = [str(path) for path in (*found, *folders) if _counts(path)]
        return paths if known else [*paths, *self._said]


def _source_of(place: Path) -> Path:
    """The file itself, or the source that a file of compiled code was made of."""
    try:
        return Path(source_from_cache(str(place))) if place.suffix == ".pyc" else place
    except ValueError:  # it lies somewhere else than Python puts it
        return place


def _counts(path: Path) -> bool:
    is_systems = any(path.is_relative_to(root) for root in (*_SYSTEM, sys.prefix, sys.base_prefix))
    return "matplotlib" not in path.parts and not is_systems and is_users(str(path))


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


def _first_word(command: Any) -> str:
    """The program of a command, which is a text or a list."""
    words = [command] if isinstance(command, str | bytes | os.PathLike) else [*command]
    return os.fsdecode(words[0]).split()[0] if words else "nothing"


@lru_cache(maxsize=1)
def _start_listening() -> None:
    """Python knows no way to take an audit hook away again, so there is one, and it is quick."""

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if (opened := _LISTENING.get()) is None:
            return
        match event:
            case "open":
                opened.hear(arguments[0], arguments[2] or 0)
            case "sqlite3.connect":
                opened.hear(arguments[0])
            case "subprocess.Popen" | "os.system" if is_asked_by_source(_STARTING):
                command = arguments[1] if event == "subprocess.Popen" else arguments[0]
                opened.hear_what(f"what the command {_first_word(command)} says")
            case "http.client.connect":
                opened.hear_what(f"what {arguments[1]} serves")
            case "os.listdir" | "os.scandir" if is_asked_by_source(_LISTING):
                opened.hear_listing(arguments[0])

    sys.addaudithook(hear)
