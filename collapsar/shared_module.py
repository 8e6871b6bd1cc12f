"""A module that the user and the platform both have: what stands under its name for a user's file."""

import ast
import importlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from collapsar.own_packages import NAMES


class Space(Protocol):
    """Where the user's modules are: `collapsar.user_modules.Namespace`."""

    def find(self, name: str) -> ModuleSpec | None:
        """Where the user's module of a dotted name is."""
        ...

    def import_private(self, name: str, importer: Any, fromlist: Sequence[str]) -> ModuleType:
        """The user's module of that name."""
        ...


class SharedModule:
    """What a user's file finds under a name that is the platform's too: what the user defines, else the platform's."""

    def __init__(self, space: Space, name: str, importer: Any) -> None:
        self._space, self._name, self._importer = space, name, importer
        self._spec = space.find(name)
        self.__name__ = name

    def own(self, name: str) -> Any:
        """The platform's module, or an attribute or submodule of it. Raises: ImportError, AttributeError."""
        module = importlib.import_module(self._name)
        if name and not hasattr(module, name):
            return importlib.import_module(f"{self._name}.{name}")
        return getattr(module, name) if name else module

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not (self._is_theirs(name) or not self._is_own(name)):
            return self.own(name)
        if not self._spec:
            raise AttributeError(f"module {self._name!r} has no attribute {name!r}")
        return getattr(self._space.import_private(self._name, self._importer, [name]), name)

    def __dir__(self) -> list[str]:
        return sorted({*defined_in(self._spec), *dir(self.own(""))})

    def _is_theirs(self, name: str) -> bool:
        return name in defined_in(self._spec) or self._space.find(f"{self._name}.{name}") is not None

    def _is_own(self, name: str) -> bool:
        try:
            self.own(name)
        except (ImportError, AttributeError):
            return False
        return True


def defined_in(spec: ModuleSpec | None) -> frozenset[str]:
    """The names that a user's module defines itself, read and not run; not those that it takes from the platform."""
    if not spec or not spec.origin:
        return frozenset()
    path = Path(spec.origin)
    return _names_in(path, path.stat().st_mtime_ns) if path.suffix == ".py" else frozenset()


@lru_cache(maxsize=64)
def _names_in(path: Path, changed_ns: int) -> frozenset[str]:  # noqa: ARG001 (it is part of the key)
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(_bound_in(tree))


def _bound_in(node: ast.AST) -> Iterator[str]:
    """The names that statements bind, but for those inside of functions and classes."""
    match node:
        case ast.ImportFrom(module=str(module), level=0) if module.partition(".")[0] in NAMES:
            return
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in names if alias.name not in NAMES)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case _:
            for part in ast.iter_child_nodes(node):
                yield from _bound_in(part)
