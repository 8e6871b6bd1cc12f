"""Finding a study: by name in the catalog, or by path in the user's own file."""

import difflib
import importlib
import pkgutil
import re
import stat
import sys
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

from pydantic import ValidationError

import study.catalog
from collapsar.user_modules import has_changed, run_file
from models.specs.source import declared_files, is_changed, why_unparsed
from study.declare.table import Study
from study.errors import DeclarationError, OptionError, RefusalError, explain, is_ours, line_in, said, shown

_NULL_BYTES = "null bytes"
_NOT_UTF8 = (_NULL_BYTES, "'utf-8' codec", "encoding")
"""What Python says of a file that was saved in another encoding."""


def find(name: str) -> Study:
    """The study called `name` in the catalog, or `path/to/file.py:name`. Raises: OptionError, DeclarationError."""
    if found := re.fullmatch(r"(.+\.py)(?::(.*))?", name, re.DOTALL):
        return _from_file(found[1], found[2] or "")
    if re.search(r"\.ipynb(:|$)", name):
        raise OptionError(
            f"{name} is a notebook: launch its studies there, study.launch(...), or save them as a .py file"
        )
    if name not in (known := catalog_names()):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "--list shows the catalog"
        raise OptionError(
            f"there is no study {shown(name)}: {hint} (your own is launched as file.py:name, or in its notebook)"
        )
    return getattr(importlib.import_module(f"study.catalog.{name}.table"), name)


def catalog_names() -> list[str]:
    """Names of the studies that come with the project: one module each."""
    return sorted(module.name for module in pkgutil.iter_modules(study.catalog.__path__))


def _from_file(file: str, name: str) -> Study:
    module = load(Path(file))
    found = list({id(value): value for value in vars(module).values() if isinstance(value, Study)}.values())
    if not found:
        raise DeclarationError(f"{file} declares no study: decorate a function with @study(...)")
    meant = [each for each in found if each.name == name] if name else found
    if len({each.name for each in meant}) != 1:
        choices = ", ".join(dict.fromkeys(f"{file}:{each.name}" for each in found))
        why = f"has no study {name}: choose one of" if name else "holds several studies: name one,"
        raise OptionError(f"{file} {why} {choices}")
    if len(meant) > 1:
        raise DeclarationError(f"{file} declares {len(meant)} studies named {meant[0].name}: rename their functions")
    return meant[0]


class _Loaded(NamedTuple):
    """A file that this process has run: what it held then, its module, and the data files that it declared."""

    content: bytes
    module: ModuleType
    files: dict[Path, str]

    def is_as_before(self, content: bytes) -> bool:
        """Whether running it again would make the same module."""
        is_same = self.content == content and not has_changed(self.module)
        return is_same and not any(is_changed(*file) for file in self.files.items())


_LOADED: dict[Path, _Loaded] = {}


def load(path: Path) -> ModuleType:
    """The module of a study's file, which runs once, and again where it has changed, or a file that it imports or declares.

    Raises: as `find`.
    """
    content, place = _content(path), path.resolve()
    if place not in _LOADED or not _LOADED[place].is_as_before(content):
        with declared_files() as files:
            _LOADED[place] = _Loaded(content, _run(path, _parsed(path, content)), files)
    return _LOADED[place].module


def _run(path: Path, code: CodeType) -> ModuleType:
    """The module that the code of a user's file makes. Raises: DeclarationError, whatever the code does."""
    if (folder := str(path.resolve().parent)) not in sys.path:
        sys.path.append(folder)  # for what imports by name alone, a pickle for example; import statements need it not
    try:
        return run_file(path, code)
    except (RefusalError, KeyboardInterrupt):
        raise
    except BaseException as fault:
        raise DeclarationError(_why_stopped(path, fault)) from fault


def _content(path: Path) -> bytes:
    """What the file holds. Raises: OptionError where there is no such file, or none that can be read."""
    remedy = "give the path of the .py file that declares the study"
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as fault:  # a path may hold what no path can
        raise OptionError(f"there is no file {path}: {remedy}") from fault
    if not stat.S_ISREG(mode):
        raise OptionError(f"{path} is {'a folder' if stat.S_ISDIR(mode) else 'no file'}: {remedy}")
    try:
        return path.read_bytes()
    except OSError as fault:
        raise OptionError(f"{path} cannot be read ({fault.strerror}): fix its permissions") from fault


def _parsed(path: Path, content: bytes) -> CodeType:
    """The code of a file, not yet run. Raises: DeclarationError."""
    try:
        return compile(content, str(path), "exec", dont_inherit=True)
    except Exception as fault:  # each Python has its own, see why_unparsed
        raise DeclarationError(_unparsed(str(path), fault)) from fault


def _unparsed(file: str, fault: BaseException) -> str:
    why = why_unparsed(fault)
    line = fault.lineno if isinstance(fault, SyntaxError) else None
    remedy = "save it as UTF-8" if any(word in why for word in _NOT_UTF8) else "fix it"
    return f"{file}{f', line {line},' if line else ''} does not parse ({why}): {remedy}"


def _why_stopped(path: Path, fault: BaseException) -> str:
    """Why a file that parses does not run to its end."""
    here = f"{path}{line_in(str(path), fault)}"
    match fault:
        case ValidationError():
            return f"{here.rstrip(',')}: {explain(fault)}"
        case SyntaxError(filename=str(other)) if Path(other).is_file():  # a file that this one imports
            return _unparsed(other, fault)
        case SyntaxError() | ValueError() if _NULL_BYTES in str(fault):
            return f"{here} imports a file that does not parse ({why_unparsed(fault)}): save that as UTF-8"
        case ImportError():
            return f"{here} cannot import what it needs ({fault}): install that, or fix the import"
        case SystemExit():
            return f"{here} leaves the program: take sys.exit out of it"
        case ValueError() if is_ours(fault):
            return f"{here.rstrip(',')}: {fault}"
    return f"{here} raised {said(fault)}: fix it"
