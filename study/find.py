"""Finding a study: by name in the catalog, or by path in the user's own file."""

import difflib
import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

from pydantic import ValidationError

import study.catalog
from study.declare import DeclarationError, Study, explain


def find(name: str) -> Study:
    """The study called `name` in the catalog, or `path/to/file.py:name`. Raises: DeclarationError."""
    if ".py" in name:
        return _from_file(name)
    if name not in (known := catalog_names()):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the catalog has {', '.join(known)}"
        raise DeclarationError(f"there is no study {name}: {hint} (your own is launched as file.py:name)")
    return getattr(importlib.import_module(f"study.catalog.{name}"), name)


def catalog_names() -> list[str]:
    """Names of the studies that come with the project: one module each."""
    return sorted(module.name for module in pkgutil.iter_modules(study.catalog.__path__))


def _from_file(text: str) -> Study:
    file, _, name = text.partition(":")
    module = _load(Path(file))
    found = {value.name: value for value in vars(module).values() if isinstance(value, Study)}
    if not found:
        raise DeclarationError(f"{file} declares no study: decorate a function with @study(...)")
    if not name and len(found) == 1:
        return next(iter(found.values()))
    if name not in found:
        raise DeclarationError(f"{file} has no study {name or '(none was named)'}: choose {file}:{' or '.join(found)}")
    return found[name]


def _load(path: Path) -> ModuleType:
    if not path.is_file():
        raise DeclarationError(f"there is no file {path}: give the path of the .py file that declares the study")
    name = f"collapsar_study_{path.stem}"  # so that a file may be called as it likes, study.py included
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except DeclarationError:
        raise
    except ValidationError as fault:
        raise DeclarationError(f"{path}: {explain(fault)}") from fault
    except SyntaxError as fault:
        raise DeclarationError(f"{path}, line {fault.lineno}, does not parse ({fault.msg}): mend it") from fault
    except Exception as fault:
        raise DeclarationError(f"{path} raised {type(fault).__name__}: {fault}: mend it") from fault
    return module
