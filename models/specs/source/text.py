"""Where a user's class or function is written: a file, or the cells of a notebook."""

import ast
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from collapsar.user_modules import PREFIX


class Text(NamedTuple):
    """What a thing is written in: its code, the folder of its file, and the package that relative imports start from."""

    content: str
    folder: Path
    package: str


def texts_of(thing: Callable[..., Any]) -> list[Text]:
    """What may define a class or function: its file, or all that a notebook has run, with and without what it replaced.

    Raises: OSError, TypeError, ValueError or SyntaxError where there is nothing that can be read as Python reads it.
    """
    module = sys.modules.get(getattr(thing, "__module__", ""))
    try:
        path = Path(inspect.getfile(thing))
        content = path.read_bytes()
    except (OSError, TypeError):
        cells = _cells_of(module)
        if cells is None:
            raise
        return [Text(text, Path.cwd(), "") for text in (without_earlier_versions(cells), cells)]
    return [Text(decoded(content), path.resolve().parent, _package_of(module))]


def _package_of(module: ModuleType | None) -> str:
    """The package that a module's relative imports start from, by the name that the user's own files know it by."""
    package = getattr(module, "__package__", None) or ""
    return package.partition(".")[2] if package.startswith(PREFIX) else package


def decoded(content: bytes) -> str:
    """Python's own reading of a file: byte order mark, declared encoding, line ends. Raises: SyntaxError, ValueError."""
    return importlib.util.decode_source(content)


def _cells_of(module: ModuleType | None) -> str | None:
    """What the cells of a notebook have run so far, as one text; None outside a notebook.

    A cell that Python cannot parse has run nothing.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or module is not sys.modules.get("__main__"):
        return None
    return "\n".join(cell for cell in shell.history_manager.input_hist_parsed if _parses(cell))


def _parses(cell: str) -> bool:
    try:
        ast.parse(cell)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def without_earlier_versions(cells: str) -> str:
    """The code of cells without definitions that later ones have replaced: a cell runs again and again, as a rule."""
    kept: list[ast.stmt] = []
    replaced: set[str] = set()
    for node in reversed(ast.parse(cells).body):
        names = _defined_anew(node)
        if not names or not names <= replaced:
            kept.append(node)
            replaced = (replaced | names) - set(_names_read_at_once(node))
    return "\n".join(ast.unparse(node) for node in reversed(kept))


def _names_read_at_once(node: ast.AST) -> Iterator[str]:
    """The names that a statement reads when it runs; what a function reads when it is called comes later."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield node.id
    is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    later = (node.body if isinstance(node.body, list) else [node.body]) if is_function else []
    for part in ast.iter_child_nodes(node):
        if part not in later:
            yield from _names_read_at_once(part)


def _defined_anew(node: ast.stmt) -> set[str]:
    """The names that a statement gives a new value, if that is all it does."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {alias.asname or alias.name.split(".")[0] for alias in names} - {"*"}
        case ast.Assign(targets=targets) if all(isinstance(target, ast.Name) for target in targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
    return set()


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
