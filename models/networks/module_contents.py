"""All that a module holds, by name, in a form that can be compared: whether code has changed it, or settles it at all."""

import random
import re
from collections import deque
from collections.abc import Iterator, Mapping, Set
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from jaxtyping import Num
from torch import Tensor, nn

from models.specs.source import modules_of

_HOOKS = frozenset(name for name in vars(nn.Module()) if name.endswith("_hooks"))
_MODULES_OWN = frozenset(vars(nn.Module())) - _HOOKS
"""Attributes that torch keeps of every module: the training mode, and what is listed under names of its own."""

DEPTH = 8
"""Objects within objects that are looked into."""

Contents = dict[str, Any]
"""Name → a value that equals another one if and only if what it stands for is the same, bit for bit."""


def contents(network: nn.Module, maker: Any = None) -> Contents:
    """Parameters, buffers, plain attributes and hooks of a module and its parts, and of the code that made it.

    The code is the class or function `maker`, with the variables of its file and of the file's classes, and of the user's
    modules that these import.
    """
    tensors = {name: _print(value) for name, value in [*network.named_parameters(), *network.named_buffers()]}
    return tensors | plain_contents(network, maker)


def plain_contents(network: nn.Module, maker: Any = None) -> Contents:
    """Of these, all that is no parameter and no buffer."""
    parts = {id(part) for part in network.modules()}
    found: Contents = {}
    for place, part in network.named_modules():
        for attribute, value in vars(part).items():
            where = f"{place}.{attribute}".lstrip(".")
            if attribute in _HOOKS and value:
                found[where] = _print([*value.values()], parts)  # their keys are numbers of this process
            elif attribute not in _MODULES_OWN | _HOOKS:
                found[where] = _print(value, parts)
    return found | variables(maker)


def differing(one: Contents, other: Contents) -> list[str]:
    """Names under which two modules hold different things, or which only one of them has."""
    names = [*one, *(name for name in other if name not in one)]
    return [name for name in names if name not in one or name not in other or one[name] != other[name]]


def variables(made: Any) -> Contents:
    """The variables of the modules that a definition consists of, and those of their classes and functions."""
    found: Contents = {}
    for place, module in modules_of(made).items():
        names = vars(module)
        for name, value in [*names.items()]:
            where = f"{place}.{name}".lstrip(".")
            is_own = getattr(value, "__module__", None) == names.get("__name__")
            if name.startswith("__") or (isinstance(value, type) and not is_own):
                continue
            if isinstance(value, type):
                found |= {f"{where}.{key}": _print(part) for key, part in vars(value).items() if key[:2] != "__"}
            elif is_own or not isinstance(value, FunctionType | BuiltinFunctionType):
                found[where] = _print(value)
    return found


def _print(value: Any, known: Set[int] = frozenset(), depth: int = 0) -> Any:
    """A value's fingerprint: of its contents, not of where it lies. What is `known` is looked into elsewhere."""
    match value:
        case Tensor():
            return _of_tensor(value)
        case np.ndarray() if value.dtype != object:
            return ("array", str(value.dtype), value.shape, value.tobytes())
        case torch.Generator():
            return ("generator", value.get_state().numpy().tobytes())
        case np.random.Generator():
            return ("generator", repr(value.bit_generator.state))
        case np.random.RandomState():
            return ("generator", repr(value.get_state()))
        case random.Random():
            return ("generator", value.getstate())
        case ModuleType() | type():
            return value.__name__
        case str() | bytes() | int() | float() | complex() | None:
            return (type(value).__name__, repr(value))
    if id(value) in known or depth > DEPTH:
        return type(value).__name__
    return _of_object(value, {*known, id(value)}, depth + 1)


def _of_object(value: Any, known: Set[int], depth: int) -> Any:
    def inner(part: Any) -> Any:
        return _print(part, known, depth)

    match value:
        case nn.Module():
            return ("module", type(value).__name__, *map(inner, value.state_dict().values()))
        case list() | tuple() | deque() | np.ndarray():
            return (type(value).__name__, *map(inner, value))
        case Mapping():
            return (type(value).__name__, *((repr(key), inner(each)) for key, each in value.items()))
        case Set():
            return (type(value).__name__, *sorted(repr(inner(each)) for each in value))
        case MethodType():
            return ("method", value.__qualname__, inner(value.__self__))
        case FunctionType():
            held = [cell.cell_contents for cell in value.__closure__ or () if _is_filled(cell)]
            return (
                "function",
                value.__qualname__,
                inner([value.__defaults__, value.__kwdefaults__, vars(value), held]),
            )
        case GeneratorType():
            frame = value.gi_frame
            return ("generator", value.__qualname__, frame and (frame.f_lasti, inner(frame.f_locals)))
    return (type(value).__name__, *map(inner, _parts(value)))


def _parts(value: Any) -> Iterator[Any]:
    """What an object is made of, as pickle would keep it: attributes, also in slots, and where an iterator stands."""
    try:
        made_by = value.__reduce_ex__(4)
    except Exception:  # a lock, say
        made_by = ""
    if isinstance(made_by, str):
        held = {name: part for name, part in getattr(value, "__dict__", {}).items() if not name.startswith("__")}
        yield held or re.sub(r" at 0x[0-9a-f]+", "", repr(value))
        return
    for index, part in enumerate(made_by[1:]):
        yield list(part) if isinstance(part, Iterator) and index > 1 else part


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 (empty, it raises)
    except ValueError:
        return False
    return True


def _of_tensor(value: Num[Tensor, "..."] | Any) -> Any:
    plain = value.detach().cpu().resolve_conj().contiguous().reshape(-1)
    return (
        "tensor",
        str(value.dtype),
        tuple(value.shape),
        plain.view(torch.uint8).numpy().tobytes() if len(plain) else b"",
    )
