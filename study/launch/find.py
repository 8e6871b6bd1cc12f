"""Finding a study: by name in the catalog, or by path in the user's own file."""

import difflib
import hashlib
import importlib
import os
import pkgutil
import re
import stat
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType

from pydantic import ValidationError

import study.catalog
from models.specs.source import why_unparsed
from study.declare.table import Study
from study.errors import DeclarationError, OptionError, RefusalError, explain, line_in, said, shown

_NULL_BYTES = "null bytes"
_NOT_UTF8 = (_NULL_BYTES, "'utf-8' codec", "encoding")
"""What Python says of a file that was saved in another encoding."""


def find(name: str) -> Study:
    """The study called `name` in the catalog, or `path/to/file.py:name`. Raises: OptionError, DeclarationError."""
    if found := re.fullmatch(r"(.+\.py)(?::(.*))?", name, re.DOTALL):
        return _from_file(found[1], found[2] or "")
    if name not in (known := catalog_names()):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "--list shows the catalog"
        raise OptionError(f"there is no study {shown(name)}: {hint} (your own is launched as file.py:name)")
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
        choices = " or ".join(dict.fromkeys(f"{file}:{each.name}" for each in found))
        raise OptionError(f"{file} has no study {name or '(none was named)'}: choose {choices}")
    if len(meant) > 1:
        raise DeclarationError(f"{file} declares {len(meant)} studies named {meant[0].name}: rename their functions")
    return meant[0]


_LOADED: dict[Path, tuple[bytes, ModuleType]] = {}
"""The files that this process has run, as they were then."""


def load(path: Path) -> ModuleType:
    """The module of a study's file, which runs once, and again only if it has changed. Raises: as `find`."""
    content, place = _content(path), path.resolve()
    if place not in _LOADED or _LOADED[place][0] != content:
        _LOADED[place] = content, _run(path, _parsed(path, content))
    return _LOADED[place][1]


def _run(path: Path, code: CodeType) -> ModuleType:
    """The module that the code of a user's file makes. Raises: DeclarationError, whatever the code does."""
    name = _module_name(path)
    spec = spec_from_loader(name, SourceFileLoader(name, str(path)))
    assert spec
    module = module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        exec(code, vars(module))
    except (RefusalError, KeyboardInterrupt):
        raise
    except BaseException as fault:
        raise DeclarationError(_why_stopped(path, fault)) from fault
    return module


def _module_name(path: Path) -> str:
    """A name that no other file has, so that a file may be called as it likes: study.py, or as one in another folder."""
    place = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]
    return f"collapsar_study_{path.stem}_{place}"


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
    return f"{here} raised {said(fault)}: fix it"
