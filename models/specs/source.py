"""The source of a user's class, with just what it stands on.

Identity by source must not change when a neighbouring line of the file does (a study and its network often share one
file), so the class is cut out together with the module-level names it uses, directly or through each other. Comments
and formatting do not count; the code does.
"""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path


def class_source(cls: type) -> str:
    """Normalised source of `cls` and of every module-level import, assignment, function and class it uses.

    Raises: ValueError where the class has no source file, or is not defined at the top level of one.
    """
    try:
        tree = ast.parse(Path(inspect.getfile(cls)).read_text(encoding="utf-8"))
    except (OSError, TypeError) as fault:
        raise ValueError(f"the source of {cls.__name__} cannot be read: define the class in a .py file") from fault
    binders: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        for name in _names_bound(node):
            binders.setdefault(name, []).append(node)
    if cls.__name__ not in binders:
        raise ValueError(f"{cls.__name__} must be defined at the top level of its file, so that it can be built again")
    wanted: set[ast.stmt] = set()
    queue = list(binders[cls.__name__])
    while queue:
        node = queue.pop()
        if node not in wanted:
            wanted.add(node)
            used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            queue += [binder for name in used for binder in binders.get(name, [])]
    source = "\n".join(ast.unparse(node) for node in tree.body if node in wanted)
    _check(source, cls.__name__)
    return source


def _check(source: str, name: str) -> None:
    try:
        exec(compile(source, f"<source of {name}>", "exec"), {"__name__": f"collapsar_own_{name}"})
    except Exception as fault:
        raise ValueError(
            f"{name} cannot be built from its own source ({type(fault).__name__}: {fault}): "
            "it uses something that its file does not define by name"
        ) from fault


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
