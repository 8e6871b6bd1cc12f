"""An object store in memory, `objects://…`: a file is there when it is written whole, and each reader has his own.

fsspec's own `memory://` shows a file while it is being written, and all who read it share one position: it is for one thread.
"""

import io
from typing import Any, ClassVar

import fsspec
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem


class _Put(io.BytesIO):
    """What is being written: published when it is closed."""

    def __init__(self, files: "Objects", path: str) -> None:
        super().__init__()
        self._files, self._path = files, path

    def close(self) -> None:
        if not self.closed:
            self._files.store[self._path] = MemoryFile(self._files, self._path, self.getvalue())
        super().close()


class _Files(dict[str, Any]):
    """Listed as they are at one moment: threads may add and delete meanwhile."""

    def __iter__(self) -> Any:
        return iter(list(super().keys()))

    def items(self) -> Any:
        return list(super().items())


class Objects(MemoryFileSystem):
    protocol = "objects"
    store: ClassVar[dict[str, Any]] = _Files()  # pyright: ignore[reportIncompatibleVariableOverride]
    pseudo_dirs: ClassVar[list[str]] = [""]

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        return super()._strip_protocol(str(path).removeprefix("objects://"))

    def _open(self, path: str, mode: str = "rb", *_: Any, **__: Any) -> Any:
        path = self._strip_protocol(path)
        if mode != "rb":
            return _Put(self, path)
        try:
            return io.BytesIO(self.store[path].getvalue())
        except KeyError as fault:
            raise FileNotFoundError(path) from fault


fsspec.register_implementation("objects", Objects, clobber=True)
