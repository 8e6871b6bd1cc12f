"""Gathering what a definition stands on: its own statements, and those of the user's modules that they import."""

from pathlib import Path
from typing import NamedTuple

from models.specs.source.cut import Cut, Import, Reach, binds, cut
from models.specs.source.modules import find_module
from models.specs.source.text import Text, decoded


class Source(NamedTuple):
    """Normalised source of a class or function, and of each module of the user's that it imports, by name."""

    text: str
    modules: tuple[tuple[str, str], ...] = ()


def gather(text: Text, name: str, reach: Reach, left_out: frozenset[int] = frozenset()) -> tuple[Source, Cut]:
    """The source of `name`, and how it was cut out of its own file.

    Raises: ValueError where a module cannot be part of it; and as `cut`.
    """
    entry = cut(text.content, frozenset([name]), reach, text.package, left_out)
    wanted = _Wanted(text.folder, reach)
    wanted.take(entry.imports)
    return Source(entry.text, tuple(sorted((module, each.text) for module, each in wanted.cuts.items()))), entry


class _Wanted:
    """The names that are wanted of each module; one name may want others, of other modules too."""

    def __init__(self, folder: Path, reach: Reach) -> None:
        self._folder, self._reach = folder, reach
        self._names: dict[str, frozenset[str] | None] = {}
        """None: the whole module."""
        self.cuts: dict[str, Cut] = {}

    def take(self, imports: tuple[Import, ...], importer: str = "") -> None:
        """Take in what these imports of a module import, where it is the user's, and all that this imports in turn."""
        for each in imports:
            if find_module(each.module, self._folder) is None:
                continue
            *parents, module = _chain(each.module)
            for parent in parents:
                is_used = each.names is None and not each.is_renamed
                self._want(parent, None if is_used else frozenset())
            self._take_from(module, each.names, importer)

    def _take_from(self, module: str, names: tuple[str, ...] | None, importer: str) -> None:
        if names is None or "*" in names:
            self._want(module, None)
            return
        content = self._read(module)
        own = frozenset(name for name in names if binds(content, name))
        self._want(module, own)
        for name in names:
            is_elsewhere = name not in own or importer == module  # `from . import nets` in a package's own file
            if is_elsewhere and find_module(f"{module}.{name}", self._folder):
                self._want(f"{module}.{name}", None)

    def _want(self, module: str, names: frozenset[str] | None) -> None:
        before = self._names.get(module, frozenset())
        after = None if before is None or names is None else before | names
        if module not in self._names or after != before:
            self._names[module] = after
            self.cuts[module] = self._cut(module, after)
            self.take(self.cuts[module].imports, module)

    def _cut(self, module: str, names: frozenset[str] | None) -> Cut:
        is_whole = names is None or self._reach >= Reach.CHANGES
        file = find_module(module, self._folder)
        is_package = file is not None and (file.is_dir() or file.name == "__init__.py")
        package = module if is_package else module.rpartition(".")[0]
        reach = Reach.WHOLE if is_whole else self._reach
        return cut(self._read(module), names or frozenset(), reach, package)

    def _read(self, module: str) -> str:
        file = find_module(module, self._folder)
        return decoded(file.read_bytes()) if file and file.is_file() else ""


def _chain(module: str) -> list[str]:
    """ "a.b.c" as ["a", "a.b", "a.b.c"]."""
    parts = module.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]
