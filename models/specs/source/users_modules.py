"""Hiding the user's modules, so that what works meanwhile works where only the source of a declaration is."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from collapsar.user_modules import PREFIX as STUDIES
from collapsar.user_modules import spaces
from models.specs.source.define import PREFIX
from models.specs.source.modules import is_users


class _Refusing:
    """Says of a module of the user's why it cannot be imported, in the place of not finding it."""

    def __init__(self, places: list[str]) -> None:
        self._places = places

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Nothing. Raises: ModuleNotFoundError for a module of the user's."""
        del target
        if path is None and PathFinder.find_spec(name, self._places):
            raise ModuleNotFoundError(
                f"{name} is yours, and imported in a way that no source can follow: write `import {name}` at the top "
                "of the file",
                name=name,
            )
        return None


@contextmanager
def users_modules_hidden() -> Iterator[None]:
    """Let imports find neither the user's modules nor the folders that they lie in, but for those that sources hold."""
    folders, path = _users_folders(), sys.path[:]
    places = [place for place in path if Path(place).resolve() in folders]
    modules = {name: module for name, module in sys.modules.items() if _folder_of(name) in folders}
    finder = _Refusing(places)
    for name in modules:
        del sys.modules[name]
    sys.path[:] = [place for place in path if place not in places]
    sys.meta_path.append(finder)  # pyright: ignore[reportArgumentType]  (it is what Python asks of a finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)  # pyright: ignore[reportArgumentType]
        sys.path[:] = path
        sys.modules.update(modules)


def _users_folders() -> set[Path]:
    """Where the user's files lie that run in this process: those of studies, the script, and the current folder."""
    folders = {folder for space in spaces() for folder in (space.folder, space.top)}
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    with suppress(OSError):  # the current folder was deleted
        folders |= {Path.cwd().resolve()} | ({Path(script).resolve().parent} if script else set())
    return {folder for folder in folders if is_users(str(folder / "module.py"))}


def _folder_of(name: str) -> Path | None:
    """Where the module lies that an import of this name begins with; None for those that no import of a user's means."""
    top = name.partition(".")[0]
    file = getattr(sys.modules.get(top), "__file__", None)
    if not file or top == "__main__" or name.startswith((PREFIX, STUDIES)) or not is_users(str(Path(file).absolute())):
        return None
    path = Path(file).resolve()
    return path.parent.parent if path.name == "__init__.py" else path.parent
