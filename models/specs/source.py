"""The source of a user's class or function, with just what it stands on.

Identity by source must not change when a neighbouring line of the file does (a study and its network often share one
file), so the class is cut out together with the module-level names it uses, directly or through each other. Comments
and formatting do not count; the code does.
"""

import ast
import hashlib
import inspect
import linecache
from collections.abc import Callable, Iterator
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
_PLAIN = ast.Constant | ast.Tuple | ast.UnaryOp | ast.BinOp | ast.unaryop | ast.operator | ast.expr_context


@lru_cache(maxsize=64)  # a table declares the same one in every row
def source_of(thing: Callable[..., Any]) -> str:
    """Normalised source of a class or function and of every module-level import, assignment, function and class it uses.

    Raises: ValueError where it has no source file, or is not defined at the top level of one.
    """
    thing = inspect.unwrap(thing)
    name = getattr(thing, "__name__", repr(thing))
    try:
        content = Path(inspect.getfile(thing)).read_bytes()
    except (OSError, TypeError) as fault:
        raise ValueError(f"the source of {name} cannot be read: define it in a .py file") from fault
    try:
        source = _cut(ast.parse(content), name)
    except Exception as fault:
        raise ValueError(f"the file of {name} does not parse ({why_unparsed(fault)}): fix it") from fault
    if not source or getattr(thing, "__qualname__", name) != name:
        raise ValueError(f"{name} must be defined at the top level of its file, so that it can be built again")
    _check(source, name)
    return source


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


def _cut(tree: ast.Module, name: str) -> str:
    """The statements of a file that `name` stands on, in their order; nothing where the file does not define it."""
    binders = _binders(tree, name)
    wanted: set[ast.stmt] = set()
    queue = list(binders.get(name, ()))
    while queue:
        node = queue.pop()
        if node not in wanted:
            wanted.add(node)
            used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            queue += [binder for name in used for binder in binders.get(name, [])]
    return "\n".join(ast.unparse(node) for node in tree.body if node in wanted)


def define(source: str, name: str) -> Any:
    """The class or function called `name`, made again from its source. Raises: whatever the source raises."""
    names: dict[str, Any] = {"__name__": f"collapsar_own_{name}"}
    file = f"<source of {name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)  # for tracebacks and debuggers
    exec(compile(source, file, "exec"), names)
    return names[name]


def checksum(path: str | PathLike[str]) -> str:
    """SHA-256 of a file, worked out again when the file has changed. Raises: ValueError where it cannot be read."""
    try:
        state = Path(path).stat()
        return _checksum(Path(path).absolute(), state.st_size, state.st_mtime_ns)
    except OSError as fault:
        raise ValueError(f"the file {path} cannot be read ({fault.strerror}): fix its path") from fault


@lru_cache(maxsize=64)
def _checksum(path: Path, size: int, modified_ns: int) -> str:  # noqa: ARG001 (they are the key)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check(source: str, name: str) -> None:
    try:
        define(source, name)
    except Exception as fault:
        raise ValueError(
            f"{name} cannot be built from its own source ({type(fault).__name__}: {fault}): "
            "it uses something that its file does not define by name, or shares a value with a line that cannot run alone"
        ) from fault


def _binders(tree: ast.Module, thing: str) -> dict[str, list[ast.stmt]]:
    """Module-level name → the statements that define it, and those that may change what an assignment made.

    Any statement that mentions such a value may change it (`np.fill_diagonal(M, 0)`), and one too many costs less than
    one too few: the cut would then be another thing. But what mentions `thing` stands on it, and not the reverse.
    """
    body = [node for node in tree.body if not _is_main_block(node)]
    binders: dict[str, list[ast.stmt]] = {}
    for node in body:
        for name in _names_bound(node):
            binders.setdefault(name, []).append(node)
    changeable = {name for name, nodes in binders.items() if any(_makes_changeable(node) for node in nodes)}
    for node in body:
        mentioned = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        if thing not in mentioned and not isinstance(node, _DEFINITIONS):
            for name in changeable & mentioned:
                binders[name].append(node)
    return binders


def _is_main_block(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in {n.id for n in ast.walk(node.test) if isinstance(n, ast.Name)}


def _makes_changeable(node: ast.stmt) -> bool:
    """Whether a statement assigns more than plain numbers and text, which no other statement can change."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return False
    return not all(isinstance(part, _PLAIN) for part in ast.walk(node.value))


def _names_bound(node: ast.stmt) -> Iterator[str]:
    """The module-level names that a statement defines, also inside `if`, `try`, `with` and loops."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name.split(".")[0] for alias in names)
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            yield from (n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        case _:
            for part in ast.iter_child_nodes(node):
                inner = part.body if isinstance(part, ast.ExceptHandler) else [part]
                for statement in inner:
                    if isinstance(statement, ast.stmt):
                        yield from _names_bound(statement)
