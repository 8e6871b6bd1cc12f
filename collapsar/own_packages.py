"""Which packages are the platform's own, and how Python finds them whatever else has their names."""

import builtins
import os
import sys
from collections.abc import Mapping
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
"""The folder that holds the platform's packages: a checkout's, or that of installed packages."""

NAMES = ("models", "study", "analysis")


@cache
def place_of(name: str) -> Path | None:
    """The folder that holds one of the platform's packages: `ROOT`, or one beside it, since Ray unpacks each package that a
    job brings in a folder of its own."""
    found = (Path(os.path.realpath(path)) for path in sys.path if Path(path).is_absolute())
    beside = [path for path in found if path.parent == ROOT.parent]
    return next((path for path in (ROOT, *beside) if (path / name).is_dir()), None)


class _OwnPackages:
    """Finds the platform's packages beside this one, before Python looks along `sys.path`."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        place = place_of(name) if name in NAMES else None
        return PathFinder.find_spec(name, [str(place)]) if place else None


def is_own(file: str | os.PathLike[str] | None) -> bool:
    """Whether a file belongs to one of the platform's packages."""
    if not file:
        return False
    path, places = Path(file).resolve(), ((name, place_of(name)) for name in (*NAMES, "collapsar"))
    return any(place is not None and path.is_relative_to(place / name) for name, place in places)


def claim_names() -> None:
    """Make the names of the platform's packages mean these packages, once for the life of the process.

    A script or a notebook may have modules of these names, too, and may have imported them before: its files go on to find
    these, as `collapsar.user_modules` says.
    """
    sys.meta_path.insert(0, _OwnPackages())
    folder = _folder_of_main()
    others = {name: module for name, module in sys.modules.items() if _is_namesake(name, module)}
    if others or any(has_namesake(folder, name) for name in NAMES):
        _share(folder, others)


def has_namesake(folder: Path, name: str) -> bool:
    """Whether a folder holds a module or a package of that name which is not the platform's."""
    spec = PathFinder.find_spec(name, [str(folder)])
    places = [spec.origin] if spec and spec.origin else list(spec.submodule_search_locations or []) if spec else []
    return any(place and not is_own(place) for place in places)


def _is_namesake(name: str, module: ModuleType) -> bool:
    """Whether an imported module has one of our names, or is part of what has, and is not ours."""
    if name.partition(".")[0] not in NAMES:
        return False
    return not any(map(is_own, [getattr(module, "__file__", None), *(getattr(module, "__path__", None) or [])]))


def _folder_of_main() -> Path:
    """The folder of the script that runs, or the current one of a notebook."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    try:
        return Path(file).resolve().parent if file else Path.cwd()
    except OSError:  # the current folder was deleted
        return ROOT


def _share(folder: Path, others: Mapping[str, ModuleType]) -> None:
    """Let the user's own script, and what stands beside it, import its own modules of our names."""
    from collapsar.user_modules import adopt, namespace_of

    for name, module in others.items():
        del sys.modules[name]
        adopt(folder, name, module)
    plain = builtins.__import__

    def import_(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:  # noqa: A002
        if level == 0 and name.partition(".")[0] in NAMES and _is_users(globals, folder):
            return namespace_of(folder).import_(name, globals, locals, fromlist)
        return plain(name, globals, locals, fromlist, level)

    builtins.__import__ = import_


def _is_users(names: Mapping[str, Any] | None, folder: Path) -> bool:
    """Whether code with these global names is a script's, a notebook's, or that of a file in the folder."""
    file, is_main = (names or {}).get("__file__"), (names or {}).get("__name__") == "__main__"
    if not file:
        return is_main
    path = Path(file).resolve()
    return not is_own(path) and path.is_relative_to(folder) and "site-packages" not in path.parts
