"""Modules that a user might write, run from files of their own."""

import sys
from importlib import util
from pathlib import Path
from types import ModuleType


def write_module(folder: Path, text: str, encoding: str = "utf-8", name: str = "own") -> ModuleType:
    """The module of a new file, run as Python runs it."""
    path = folder / f"{name}.py"
    path.write_bytes(text.encode(encoding))
    spec = util.spec_from_file_location(f"{name}_{folder.name}", path)
    assert spec
    assert spec.loader
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where inspect looks for a class
    spec.loader.exec_module(module)
    return module
