"""Finding a study: by name in the catalog, or by path in the user's own file."""

import difflib
import importlib
import pkgutil
import re
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

from pydantic import ValidationError

import study.catalog
from study.declare.table import Study
from study.errors import DeclarationError, OptionError, RefusalError, explain, line_in, said, shown


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
    found = {value.name: value for value in vars(module).values() if isinstance(value, Study)}
    if not found:
        raise DeclarationError(f"{file} declares no study: decorate a function with @study(...)")
    if not name and len(found) == 1:
        return next(iter(found.values()))
    if name not in found:
        choices = " or ".join(f"{file}:{other}" for other in found)
        raise OptionError(f"{file} has no study {name or '(none was named)'}: choose {choices}")
    return found[name]


_LOADED: dict[Path, tuple[bytes, ModuleType]] = {}
"""The files that this process has run, as they were then."""


def load(path: Path) -> ModuleType:
    """The module of a study's file, which is run once, and again where it has changed. Raises: as `find`."""
    text = path.read_bytes() if path.is_file() else b""
    was, module = _LOADED.get(path.resolve(), (None, None))
    if module is None or was != text:
        module = _load(path)
        _LOADED[path.resolve()] = text, module
    sys.modules[module.__name__] = module  # another file of the same name may have come in between
    return module


def _load(path: Path) -> ModuleType:
    if path.is_dir():
        raise OptionError(f"{path} is a folder: give the path of the .py file that declares the study")
    if not path.is_file():
        raise OptionError(f"there is no file {path}: give the path of the .py file that declares the study")
    name = f"collapsar_study_{path.stem}"  # so that a file may be called as it likes, study.py included
    loader = SourceFileLoader(name, str(path))
    spec = spec_from_loader(name, loader)
    assert spec
    module = module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        loader.exec_module(module)
    except RefusalError:
        raise
    except BaseException as fault:
        if isinstance(fault, KeyboardInterrupt):
            raise
        raise DeclarationError(_refusal(path, fault)) from fault
    return module


def _refusal(path: Path, fault: BaseException) -> str:
    """Why a study's file cannot be read."""
    here = f"{path}{line_in(str(path), fault)}"
    match fault:
        case ValidationError():
            return f"{here.rstrip(',')}: {explain(fault)}"
        case SyntaxError():
            where = f", line {fault.lineno}," if fault.lineno else ""
            remedy = "save it as UTF-8" if "unicode error" in fault.msg else "mend it"
            return f"{fault.filename or path}{where} does not parse ({fault.msg}): {remedy}"
        case ImportError():
            return f"{here} cannot import what it needs ({fault}): install that, or mend the import"
        case SystemExit():
            return f"{here} leaves the program: take sys.exit out of it"
    return f"{here} raised {said(fault)}: mend it"
