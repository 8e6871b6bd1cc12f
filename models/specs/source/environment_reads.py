"""Which environment variables the user's code reads: no declaration holds what they say, and workers have others."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.specs.source.define import is_asked_by_source

_READING = frozenset(["os", "_collections_abc", "environment_reads"])
"""Modules through which code reads the environment."""


@contextmanager
def environment_reads() -> Iterator[list[str]]:
    """The variables that a source reads meanwhile, without those that only say where something lies.

    What a library reads for its own purposes, as `expanduser` does, is no matter of the source's.
    """
    real = os.environ
    spy = _Environment(real)
    os.environ = spy  # noqa: B003
    try:
        yield spy.read
    finally:
        os.environ = real  # noqa: B003


class _Environment(os._Environ[str]):
    """The environment, which notes what is read of it."""

    def __init__(self, real: os._Environ[str]) -> None:
        super().__init__(real._data, real.encodekey, real.decodekey, real.encodevalue, real.decodevalue)  # pyright: ignore[reportAttributeAccessIssue]
        self.read = list[str]()

    def __getitem__(self, key: str) -> str:
        value = self._data.get(self.encodekey(key))  # pyright: ignore[reportAttributeAccessIssue]
        is_place = value is not None and Path(self.decodevalue(value)).exists()
        if not is_place and is_asked_by_source(_READING):
            self.read.append(key)
        return super().__getitem__(key)
