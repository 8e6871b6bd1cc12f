"""Which modules are the user's own, and where their sources lie."""

import importlib.util
import site
import sys
import sysconfig
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

_OURS = Path(__file__).resolve().parents[3]
OUR_NAMES = ("study", "models", "analysis", "collapsar")


class NoSourceError(ValueError):
    """A module of the user's has no source. It says so as a clause: "imports fast from ..., which ..."."""


def find_module(name: str, folder: Path) -> Path | None:
    """The file of a module of the user's, as a file in `folder` would import it; None where it is installed, or nowhere.

    A folder without `__init__.py` is a package too: its own path is given. Raises: NoSourceError.
    """
    top, *inner = name.split(".")
    spec = _top(top, folder)
    for depth in range(len(inner)):
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(".".join([top, *inner[: depth + 1]]), _locations(spec))
    if spec is None:
        return None
    if spec.origin is None:
        places = _locations(spec)
        return Path(places[0]) if places and is_users(places[0]) else None
    if not is_users(spec.origin):
        return None
    if not spec.origin.endswith(".py"):
        raise NoSourceError(
            f"imports {name} from {spec.origin}, which holds no source: no identity could tell when it changes"
        )
    return Path(spec.origin)


def _top(name: str, folder: Path) -> ModuleSpec | None:
    """A top-level module, as a file in the folder finds it."""
    loaded = getattr(sys.modules.get(name), "__file__", None)
    if name in sys.stdlib_module_names and not (loaded and is_users(loaded)):
        return None
    try:
        return PathFinder.find_spec(name, [*_places(folder), *sys.path]) or importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):  # what is in sys.modules may have been put there by hand
        return None


def _places(folder: Path) -> list[str]:
    """Where a user's file looks first: beside itself, where its package lies, and in the current folder."""
    top = folder
    while (top / "__init__.py").is_file() and top != top.parent:
        top = top.parent
    try:
        return [str(folder), str(top), str(Path.cwd())]
    except OSError:  # the current folder was deleted
        return [str(folder), str(top)]


def _locations(spec: ModuleSpec) -> list[str]:
    try:
        return [str(place) for place in spec.submodule_search_locations or ()]
    except KeyError:  # a package in several folders, whose parent nobody has imported
        return []


@lru_cache(maxsize=4096)
def is_users(file: str) -> bool:
    """Whether a file is the user's: neither Python's, nor an installed package's, nor ours."""
    path = Path(file)
    if not path.is_absolute() or any(part in ("site-packages", "dist-packages") for part in path.parts):
        return False
    if any(path.is_relative_to(_OURS / name) for name in OUR_NAMES):
        return False
    return not any(path.is_relative_to(root) for root in _installed_roots())


@lru_cache(maxsize=1)
def _installed_roots() -> tuple[Path, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    roots = [*(sysconfig.get_paths()[name] for name in names), *site.getsitepackages(), site.getusersitepackages()]
    return tuple(dict.fromkeys(path for root in roots for path in (Path(root), Path(root).resolve())))
