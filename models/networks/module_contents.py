"""All that a module holds, by name, in a form that can be compared: whether code has changed it, or settles it at all."""

import inspect
import random
import re
from collections import deque
from collections.abc import Mapping, Set
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from jaxtyping import Num
from torch import Tensor, nn

_MODULES_OWN = frozenset(vars(nn.Module()))
"""Attributes that torch keeps of every module: the training mode, hooks, and what is listed under names of its own."""

DEPTH = 8
"""Objects within objects that are looked into."""

Contents = dict[str, Any]
"""Name → a value that equals another one if and only if what it stands for is the same, bit for bit."""


def contents(network: nn.Module, maker: Any = None) -> Contents:
    """Parameters, buffers and plain attributes of a module and its parts, and of the code that made it.

    The code is the class or function `maker`, with the variables of its file and of the file's classes.
    """
    found: Contents = {}
    for name, value in [*network.named_parameters(), *network.named_buffers()]:
        found[name] = _print(value, set())
    for place, part in network.named_modules():
        for attribute, value in vars(part).items():
            if attribute not in _MODULES_OWN:
                found[f"{place}.{attribute}".lstrip(".")] = _print(value, set())
    return found | _variables(maker)


def differing(one: Contents, other: Contents) -> list[str]:
    """Names under which two modules hold different things, or which only one of them has."""
    names = [*one, *(name for name in other if name not in one)]
    return [name for name in names if name not in one or name not in other or one[name] != other[name]]


def _variables(maker: Any) -> Contents:
    """The variables of the file that `maker` was made from, and those of its classes and functions."""
    functions = (
        [maker] if isinstance(maker, FunctionType) else [*vars(maker).values()] if inspect.isclass(maker) else []
    )
    names = next((each.__globals__ for each in functions if isinstance(each, FunctionType)), {})
    found: Contents = {}
    for name, value in names.items():
        is_own = getattr(value, "__module__", None) == names.get("__name__")
        if inspect.isclass(value):
            if is_own:
                found |= {f"{name}.{key}": _print(part, set()) for key, part in vars(value).items() if key[:2] != "__"}
        elif not name.startswith("__") and (is_own or not callable(value)):
            found[name] = _print(value, set())
    return found


def _print(value: Any, seen: set[int]) -> Any:
    """A value's fingerprint: of its contents, not of where it lies."""
    match value:
        case Tensor():
            return _of_tensor(value)
        case np.ndarray():
            return ("array", str(value.dtype), value.shape, value.tobytes() if value.dtype != object else repr(value))
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
    if id(value) in seen or len(seen) > DEPTH:
        return type(value).__name__
    return _of_object(value, {*seen, id(value)})


def _of_object(value: Any, seen: set[int]) -> Any:
    match value:
        case nn.Module():
            return ("module", type(value).__name__, *(_print(each, seen) for each in value.state_dict().values()))
        case list() | tuple() | deque():
            return (type(value).__name__, *(_print(each, seen) for each in value))
        case Mapping():
            return (type(value).__name__, *((repr(key), _print(each, seen)) for key, each in value.items()))
        case Set():
            return (type(value).__name__, *sorted(repr(_print(each, seen)) for each in value))
        case MethodType():
            return ("method", value.__qualname__)
        case FunctionType():
            inner = [cell.cell_contents for cell in value.__closure__ or () if _is_filled(cell)]
            return ("function", value.__qualname__, _print([value.__defaults__, vars(value), inner], seen))
    if held := getattr(value, "__dict__", None):
        return (type(value).__name__, _print(dict(held), seen))
    return (type(value).__name__, re.sub(r" at 0x[0-9a-f]+", "", repr(value)))


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
