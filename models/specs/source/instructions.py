"""What the code of a function does, whatever its lines, its annotations, and the statements around it."""

import dis
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType
from typing import Any

_ANNOTATED_LATER = 0x1000000
"""The flag of `from __future__ import annotations`."""

_WAYS_TO_CALL = {"LOAD_METHOD": "LOAD_ATTR"}
_UNCOUNTED = {"PUSH_NULL", "EXTENDED_ARG"}
_BY_NAME = {"LOAD_ATTR", "LOAD_GLOBAL", "LOAD_METHOD"}


@lru_cache(maxsize=4096)
def gist(code: CodeType) -> tuple[Any, ...]:
    """What a code object does, to be compared with that of another."""
    constants = tuple(gist(c) if isinstance(c, CodeType) else (type(c).__name__, repr(c)) for c in code.co_consts)
    arguments = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount
    names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
    return tuple(_instructions(code)), constants, names, code.co_flags & ~_ANNOTATED_LATER, arguments


def _instructions(code: CodeType) -> Iterator[tuple[str, Any]]:
    """The instructions, with jumps to their count.

    `nn.Linear(2, 3)` is compiled in two ways: as a method's call, and, where the same text imports `nn`, as that of an
    attribute. A notebook imports in a cell of its own, so both are one here.
    """
    listed = [each for each in dis.get_instructions(code) if each.opname not in _UNCOUNTED]
    jumps = {*dis.hasjrel, *dis.hasjabs}
    offsets = [each.offset for each in listed]
    for each in listed:
        argument: Any = each.arg
        if each.opname in _BY_NAME:
            argument = each.argval
        elif each.opcode in jumps:
            argument = bisect_left(offsets, each.argval)
        yield _WAYS_TO_CALL.get(each.opname, each.opname), argument


@lru_cache(maxsize=4096)
def globals_used(code: CodeType) -> tuple[str, ...]:
    """The global names that a function reads, itself or in functions inside it."""
    used = [i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    inner = [name for c in code.co_consts if isinstance(c, CodeType) for name in globals_used(c)]
    return tuple(name for name in dict.fromkeys([*used, *inner]) if not (name.startswith("__") and name.endswith("__")))


def names_used(code: CodeType) -> Iterator[str]:
    """All names in a function's code, of attributes too, and in functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_used(constant)
