"""The modules of a user's folder, kept apart from the platform's, from libraries' and from those of other folders.

Python knows a module by its bare name, one to a process: the `layers.py` of a second folder would be that of the first, and
a user's `models/` the platform's. So a user's file is run in the namespace of its folder. What it imports is looked for
beside the file, then where its package lies, then in the current folder, and only then where Python looks; what is found
there runs in the same namespace, and is in `sys.modules` under a private name, `collapsar_study_….models.layers`.

Under the names of the platform's packages a user's file finds both. `from study import Trial, rings` takes `rings` from
`study.py` beside it if that file defines it, and `Trial` from the platform; `from models.layers import Net` takes the user's
`models/layers.py`, and `from models.specs import VAE` the platform's, unless the user has a `models/specs.py`. What the user
defines comes first, and a file that defines nothing of what is asked for is not run.
"""

import builtins
import hashlib
import importlib
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec, module_from_spec, resolve_name, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

from collapsar.own_packages import NAMES, is_own
from collapsar.shared_module import SharedModule

PREFIX = "collapsar_study_"
"""How the private names of users' modules begin."""


class Namespace:
    """The modules that the files of one folder import from beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.top = folder, _package_top(folder)
        self.prefix = PREFIX + hashlib.sha256(str(folder).encode(errors="surrogateescape")).hexdigest()[:12]
        self.imported: dict[str, set[str]] = {}
        self.sources: dict[str, bytes] = {}

    def run(self, path: Path, code: CodeType) -> ModuleType:
        """The module that the code of a file of the folder makes. Raises: whatever the code raises."""
        self._forget_changed()
        inside = ".".join(path.parent.relative_to(self.top).parts)
        name = f"{self.prefix}.{inside}.{path.stem}" if inside else f"{self.prefix}.{path.stem}"
        spec = spec_from_file_location(name, str(path), loader=_Loader(self, name, str(path)))
        assert spec
        module = sys.modules[name] = module_from_spec(spec)
        vars(module)["__builtins__"] = self._builtins()
        try:
            exec(code, vars(module))
        except BaseException:
            sys.modules.pop(name, None)
            raise
        return module

    def import_(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:  # noqa: A002
        """What an import statement of a user's file means, in place of the built-in `__import__`."""
        if level:
            package = (globals or {}).get("__package__") or ""
            module = builtins.__import__(name, globals, locals, fromlist, level)
            self._note(globals, resolve_name("." * level + name, package), fromlist)
            return module
        if name.partition(".")[0] in NAMES:
            return self._import_shared(name, globals, fromlist or ())
        if not self._holds(name.partition(".")[0]):
            return builtins.__import__(name, globals, locals, fromlist, level)
        return self.import_private(name, globals, fromlist or ())

    def import_private(self, name: str, importer: Any, fromlist: Sequence[str]) -> ModuleType:
        private = f"{self.prefix}.{name}"
        self._root()
        module = builtins.__import__(private, None, None, fromlist or ["__name__"], 0)
        self._note(importer, private, fromlist)
        return module if fromlist else sys.modules[f"{self.prefix}.{name.partition('.')[0]}"]

    def _import_shared(self, name: str, importer: Any, fromlist: Sequence[str]) -> Any:
        """An import of a name that the user and the platform both may have."""
        theirs = self.find(name)
        if theirs is None or ("*" in fromlist and theirs.origin in (None, (importer or {}).get("__file__"))):
            return builtins.__import__(name, None, None, fromlist, 0)
        if "*" in fromlist or (not fromlist and "." in name):
            module = self.import_private(name, importer, fromlist)
            return module if fromlist else SharedModule(self, name.partition(".")[0], importer)
        both = SharedModule(self, name, importer)
        if not fromlist:
            return both
        return SimpleNamespace(**{one: getattr(both, one) for one in fromlist if hasattr(both, one)}, __name__=name)

    def find(self, name: str) -> ModuleSpec | None:
        """Where the folder's own module of a dotted name is, without running anything."""
        where, spec = self._places(), None
        for part in name.split("."):
            spec = PathFinder.find_spec(part, where) if where else None
            if spec is None or _is_platforms(spec):
                return None
            where = list(spec.submodule_search_locations or [])
        return spec

    def _holds(self, top: str) -> bool:
        """Whether a file means a neighbour by this name; a folder without `__init__.py` gives way, as in Python."""
        if top in sys.builtin_module_names or (spec := self.find(top)) is None:
            return False
        return spec.origin is not None or (top not in sys.modules and find_spec(top) is None)

    def _places(self) -> list[str]:
        try:
            here = [Path.cwd()]
        except OSError:  # it was deleted
            here = []
        return [str(place) for place in dict.fromkeys([self.folder, self.top, *here])]

    def _root(self) -> ModuleType:
        """The package that all of the namespace's modules are part of, for Python's own machinery."""
        root = sys.modules.setdefault(self.prefix, ModuleType(self.prefix))
        vars(root)["__path__"] = self._places()
        return root

    def _forget_changed(self) -> None:
        """Let neighbours run again where one of them is another file than it was: others hold what they took from it."""
        importlib.invalidate_caches()
        if any(has_changed(sys.modules[name]) for name in self.sources if name in sys.modules):
            for name in self.sources:
                sys.modules.pop(name, None)
            self.sources.clear()
        self._root()

    def _builtins(self) -> dict[str, Any]:
        return {**vars(builtins), "__import__": self.import_}

    def _note(self, importer: Any, name: str, fromlist: Sequence[str] | None) -> None:
        """Remember what a file imported of the namespace, and the packages that this is part of."""
        parts = name.split(".")
        names = [".".join(parts[: end + 1]) for end in range(1, len(parts))]
        names += [f"{name}.{each}" for each in fromlist or ()]
        found = {each for each in names if each in sys.modules}
        self.imported.setdefault((importer or {}).get("__name__", ""), set()).update(found)


class _Loader(SourceFileLoader):
    """Runs a user's module so that its imports are those of its namespace; from its source, for bytecode may be stale."""

    def __init__(self, space: Namespace, name: str, path: str) -> None:
        super().__init__(name, path)
        self._space = space

    def get_code(self, fullname: str) -> CodeType:
        """The code of the file as it is now: bytecode takes an edit of the same second and length for none."""
        path = self.get_filename(fullname)
        self._space.sources[fullname] = content = self.get_data(path)
        return self.source_to_code(content, path)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module."""
        vars(module)["__builtins__"] = self._space._builtins()
        super().exec_module(module)


class _PrivateModules:
    """Finds the modules of all namespaces, by their private names."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        space = _SPACES.get(name.partition(".")[0])
        spec = PathFinder.find_spec(name, path) if space and path is not None else None
        if space and spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(space, name, spec.loader.path)
        return spec


_SPACES: dict[str, Namespace] = {}
sys.meta_path.insert(0, _PrivateModules())


def public_name(name: str) -> str:
    """The name by which the user's own files know a module or a package; "" for the namespace itself."""
    return name.partition(".")[2] if name.startswith(PREFIX) else name


def namespace_of(folder: Path) -> Namespace:
    """The one namespace of a folder's files."""
    space = Namespace(folder.resolve())
    return _SPACES.setdefault(space.prefix, space)


def spaces() -> list[Namespace]:
    """The namespaces of all folders whose files have run in this process."""
    return list(_SPACES.values())


def run_file(path: Path, code: CodeType) -> ModuleType:
    """Run the code of a user's file, and return its module. Raises: whatever the code raises."""
    path = path.resolve()
    return namespace_of(path.parent).run(path, code)


def has_changed(module: ModuleType) -> bool:
    """Whether a neighbour that was imported, or one that it imported, is another file now, or is gone."""
    space = _SPACES.get(module.__name__.partition(".")[0])
    names = _reached(space, module.__name__) if space else ()
    return any(space.sources[name] != _content(name) for name in names if space and name in space.sources)


def adopt(folder: Path, name: str, module: ModuleType) -> None:
    """Take a user's module that Python imported under one of the platform's names into the namespace of its folder."""
    private = f"{namespace_of(folder).prefix}.{name}"
    namespace_of(folder)._root()
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == name:
            value.__module__ = private
    module.__name__ = private
    if module.__spec__:
        module.__spec__.name = private
        module.__package__ = module.__spec__.parent
    sys.modules[private] = module


def _reached(space: Namespace, name: str) -> Iterator[str]:
    seen, queue = {name}, [name]
    while queue:
        new = space.imported.get(queue.pop(), set()) - seen
        seen |= new
        queue += new
    yield from seen


def _content(name: str) -> bytes | None:
    """What the file of a module holds now."""
    try:
        return Path(str(getattr(sys.modules.get(name), "__file__", None))).read_bytes()
    except OSError:
        return None


def _package_top(folder: Path) -> Path:
    """The folder in which the outermost package lies that the folder is part of; the folder itself where it is in none."""
    while (folder / "__init__.py").is_file() and folder != folder.parent:
        folder = folder.parent
    return folder


def _is_platforms(spec: ModuleSpec) -> bool:
    return any(map(is_own, [spec.origin] if spec.origin else spec.submodule_search_locations or []))
