"""Making a class or function again from its source, with the user's modules that it imports."""

import builtins
import inspect
import linecache
import random
import sys
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from models.specs.source.modules import OUR_NAMES

PREFIX = "collapsar_own_"
_MODULES = "__modules_of_this_definition__"

_DEFINING: ContextVar[bool] = ContextVar("defining", default=False)


def is_defining() -> bool:
    """Whether a source is being run just now: a statement of it that launches a study must not."""
    return _DEFINING.get()


def define(source: str, name: str, modules: Mapping[str, str] | None = None) -> Any:
    """The class or function called `name`, made again from its source. Raises: whatever the source raises.

    `modules` holds the source of each module of the user's that it imports, by name: those on the disk count for nothing.
    An installed package that is not there is named in a sentence, as a ModuleNotFoundError.
    """
    token = _DEFINING.set(True)
    try:
        with _random_numbers_kept(), no_arguments():
            return vars(_Modules(name, modules or {}).run("", source))[name]
    except ModuleNotFoundError as fault:
        if fault.msg != f"No module named {fault.name!r}":  # somebody else's sentence
            raise
        raise ModuleNotFoundError(
            f"{name} imports {fault.name}, which is not installed here: install it", name=fault.name
        ) from fault
    finally:
        _DEFINING.reset(token)


def is_asked_by_source(passing_on: Set[str]) -> bool:
    """Whether a source asks for what happens here, directly or through files of Python's own that pass on a question."""
    frame = sys._getframe(2)
    while frame.f_back and _module_of(frame.f_code.co_filename) in passing_on:
        frame = frame.f_back
    return frame.f_code.co_filename.startswith("<source of ")


def _module_of(file: str) -> str:
    """ "os" for ".../os.py" and "<frozen os>"."""
    return Path(file).stem.removeprefix("<frozen ").removesuffix(">")


def modules_of(made: Any) -> Mapping[str, ModuleType]:
    """The modules of the definition that made a class or function, by name; "" is that of the definition itself."""
    members = (
        [each for kind in inspect.getmro(made) for each in vars(kind).values()] if inspect.isclass(made) else [made]
    )
    found = (getattr(inspect.unwrap(each), "__globals__", {}).get(_MODULES) for each in members if callable(each))
    return next(filter(None, found), {})


class _Modules:
    """The modules of one definition: nobody else sees them, and they see none of the user's that are not among them."""

    def __init__(self, name: str, sources: Mapping[str, str]) -> None:
        self._name, self._sources = name, sources
        self._tops = {module.partition(".")[0] for module in sources}
        self._loaded: dict[str, ModuleType] = {}

    def run(self, module: str, source: str) -> ModuleType:
        """The module that a source makes; "" is that of the definition itself."""
        name = PREFIX + ".".join(part for part in (self._name, module) if part)
        made = self._loaded[module] = ModuleType(name)
        vars(made)["__builtins__"] = vars(builtins) | {"__import__": self._import}
        vars(made)[_MODULES] = self._loaded
        sys.modules[name] = made  # where dataclasses and typing look names up
        file = f"<source of {'.'.join(part for part in (self._name, module) if part)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)  # tracebacks, debuggers
        exec(_compiled(source, file), vars(made))
        return made

    def _import(
        self,
        name: str,
        globals_: Mapping[str, Any] | None = None,
        locals_: Mapping[str, Any] | None = None,
        names: tuple[str, ...] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """What an import statement of the source gets."""
        if level or name.partition(".")[0] not in self._tops:
            return builtins.__import__(name, globals_, locals_, names or (), level)
        if name not in self._sources and name.partition(".")[0] in OUR_NAMES:  # the user's `models` and ours
            return builtins.__import__(name, globals_, locals_, names or (), level)
        parts = name.split(".")
        chain = [self._module(".".join(parts[: count + 1])) for count in range(len(parts))]
        for taken in names or ():
            if f"{name}.{taken}" in self._sources and not hasattr(chain[-1], taken):
                self._module(f"{name}.{taken}")
            elif name in OUR_NAMES and not hasattr(chain[-1], taken) and taken != "*":
                setattr(chain[-1], taken, getattr(builtins.__import__(name, None, None, [taken]), taken))
        return chain[-1] if names else chain[0]

    def _module(self, name: str) -> ModuleType:
        if name not in self._loaded:
            if name not in self._sources:
                raise ModuleNotFoundError(f"{name} is no part of the source of {self._name}", name=name)
            self.run(name, self._sources[name])
            parent, _, child = name.rpartition(".")
            if parent:
                setattr(self._module(parent), child, self._loaded[name])
        return self._loaded[name]


@contextmanager
def no_arguments() -> Iterator[None]:
    """Show the user's code no arguments of the command line: they differ between this process and a worker."""
    before, sys.argv = sys.argv, [""]
    try:
        yield
    finally:
        sys.argv = before


@lru_cache(maxsize=256)
def _compiled(source: str, file: str) -> CodeType:
    return compile(source, file, "exec", dont_inherit=True)


@contextmanager
def _random_numbers_kept() -> Iterator[None]:
    """Let what a source draws at its top level disturb nobody: the generators of this process stay where they are."""
    numpy, torch, state = sys.modules.get("numpy"), sys.modules.get("torch"), random.getstate()
    of_numpy = numpy.random.get_state() if numpy else None
    of_torch = torch.random.get_rng_state() if torch else None
    try:
        yield
    finally:
        random.setstate(state)
        if numpy and of_numpy is not None:
            numpy.random.set_state(of_numpy)
        if torch and of_torch is not None:
            torch.random.set_rng_state(of_torch)
