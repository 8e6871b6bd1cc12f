"""The cells of a notebook or an IPython console as one text, which is cut like a file.

IPython keeps what it has run, with its magics written as calls. A cell counts where Python can parse it, whether or not it
then failed: a thing is compared with what its source makes, so a statement that never ran cannot count without a word.
"""

import ast
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from types import ModuleType

from models.specs.source.cut import names_in
from models.specs.source.last_version import last_version

_RUNNING_CODE = ("capture", "prun", "time")
"""Magics that run Python in the notebook's own namespace, such as `%%time`."""


def cells_of(module: ModuleType | None, name: str) -> list[str] | None:
    """What a notebook has run so far: what its last `name` stands on, or may stand on, or all; None outside a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or module is not sys.modules.get("__main__"):
        return None
    return _joined(tuple(shell.history_manager.input_hist_parsed), name)


def is_cell(file: str) -> bool:
    """Whether a path is the one that a kernel gives to a cell; a debugger writes a file there."""
    return "ipykernel_" in file


@lru_cache(maxsize=64)  # a table declares the same network in every row
def _joined(cells: tuple[str, ...], name: str) -> list[str]:
    nodes = [node for cell in cells for node in _statements(cell)]
    ahead = [node for node in nodes if _is_of_the_future(node)]
    others = [node for node in nodes if not _is_of_the_future(node)]
    narrow, wider = last_version(others, name), last_version(others, name, with_changes=True)
    return [_written([*ahead, *each]) for each in (narrow, wider, others)]


def _written(nodes: list[ast.stmt]) -> str:
    return "\n".join(ast.unparse(node) for node in nodes)


def _is_of_the_future(node: ast.stmt) -> bool:
    """Whether a statement counts for all cells that follow, but may stand at the head of a text alone."""
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _statements(cell: str) -> Iterator[ast.stmt]:
    """The statements of a cell, and of the code that its magics run.

    Other magics and shell commands are left out, which IPython writes as calls of `get_ipython()`: a worker has none.
    """
    try:
        body = ast.parse(cell).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):  # such a cell has run nothing
        return
    for node in body:
        if "get_ipython" not in names_in(node):
            yield node
        elif isinstance(node, ast.Expr) and (code := _code_run(node.value)) is not None:
            manager = import_module("IPython.core.inputtransformer2").TransformerManager()
            yield from _statements(manager.transform_cell(code))


def _code_run(node: ast.expr) -> str | None:
    match node:
        case ast.Call(
            func=ast.Attribute(attr="run_cell_magic" | "run_line_magic"),
            args=[ast.Constant(value=name), *_, ast.Constant(value=str(code))],
        ) if name in _RUNNING_CODE:
            return code
    return None
