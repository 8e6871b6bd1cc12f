"""Docstrings, also where Python was told to drop them (`python -OO`, `PYTHONOPTIMIZE=2`)."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any


def docstring_of(function: Callable[..., Any]) -> str:
    """A function's docstring, from its source if need be; empty where it has none."""
    if text := inspect.getdoc(function):
        return text
    try:
        first = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return ""
    return (ast.get_docstring(first) if isinstance(first, ast.FunctionDef) else None) or ""
