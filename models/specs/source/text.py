"""Where a user's class or function is written: a file, or the cells of a notebook."""

import ast
import importlib.util
import inspect
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from collapsar.user_modules import public_name
from models.specs.source.cells import cells_of, is_cell
from models.specs.source.last_version import last_version


class Text(NamedTuple):
    """What a thing is written in: its code, the folder of its file, and the package that relative imports start from."""

    content: str
    folder: Path
    package: str
    is_notebook: bool = False


def texts_of(thing: Callable[..., Any]) -> list[Text]:
    """What may define a class or function: its file, or what it needs of that; or more and more of what a notebook has run.

    Raises: OSError, TypeError, ValueError or SyntaxError where there is nothing that can be read as Python reads it.
    """
    module = sys.modules.get(getattr(thing, "__module__", ""))
    try:
        path = Path(inspect.getfile(thing))
        if is_cell(str(path)):
            raise FileNotFoundError(path)
        content = path.read_bytes()
    except (OSError, TypeError):
        cells = cells_of(module, getattr(thing, "__name__", ""))
        if cells is None:
            raise
        return [Text(text, Path.cwd(), "", is_notebook=True) for text in cells]
    text, folder, package = (
        decoded(content),
        path.resolve().parent,
        public_name(getattr(module, "__package__", None) or ""),
    )
    return [Text(each, folder, package) for each in (text, _needed_of(text, getattr(thing, "__name__", "")))]


@lru_cache(maxsize=256)
def _needed_of(text: str, name: str) -> str:
    """What of a file the thing called `name` needs, told by scope: an argument `data` is not the file's `data`."""
    return "\n".join(ast.unparse(node) for node in last_version(ast.parse(text).body, name))


def decoded(content: bytes) -> str:
    """Python's own reading of a file: byte order mark, declared encoding, line ends. Raises: SyntaxError, ValueError."""
    return importlib.util.decode_source(content)


def why_unparsed(fault: BaseException) -> str:
    """Why Python could not parse a source, as a clause.

    As a rule it raises SyntaxError, but for null bytes ValueError (up to 3.11.3), and for an expression that nests too
    deeply MemoryError or RecursionError.
    """
    match fault:
        case SyntaxError():
            return fault.msg or "invalid syntax"
        case MemoryError() | RecursionError():
            return "too deeply nested"
    return str(fault) or type(fault).__name__
