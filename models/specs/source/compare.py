"""Whether two things that user code made are the same: one as it runs here, one made again from its source.

Code is compared by what it does (instructions, constants, names), whatever its lines and annotations; and so is all that
it reaches through global names, defaults, closures, attributes and base classes. Data are compared bit for bit.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    GeneratorType,
    MappingProxyType,
    MethodType,
    ModuleType,
)
from typing import Any

from models.specs.source.cut import binds
from models.specs.source.define import PREFIX
from models.specs.source.instructions import gist, globals_used, names_used
from models.specs.source.modules import is_users
from models.specs.source.text import decoded

_ANNOTATIONS = {
    "__annotations__",
    "__annotate__",
    "__annotate_func__",
    "__annotations_cache__",
    "__conditional_annotations__",
}
_PLACE = {"__module__", "__qualname__", "__firstlineno__", "__static_attributes__", "__dict__", "__weakref__"}
_UNCOUNTED = _ANNOTATIONS | _PLACE | {"__doc__", "__parameters__", "__orig_bases__", "__abstractmethods__", "_abc_impl"}
"""Of a class: where it was written, what is derived from it, and what is only said of it."""

_FINDING = {"globals", "eval", "exec", "__subclasses__"}
"""What finds things of a file that no code names."""

_PLAIN = (int, float, complex, str, bytes, bool, type(None), type(...), range, BuiltinFunctionType)


def difference(running: Any, made: Any) -> str:
    """Where the two differ first, as a clause with both values; "" where they are the same."""
    return next(_Comparison().differences(running, made, getattr(running, "__name__", "it")), "")


class _Comparison:
    """One comparison: it meets each pair once, since functions and classes refer to each other in circles."""

    def __init__(self) -> None:
        self._met: dict[tuple[int, int], tuple[Any, Any]] = {}

    def differences(self, a: Any, b: Any, path: str) -> Iterator[str]:
        """Clauses for whatever differs below `path`."""
        if a is b or (id(a), id(b)) in self._met:
            return
        self._met[id(a), id(b)] = a, b  # kept, so that no id is given away
        if isinstance(a, type) and isinstance(b, type):
            yield from self._of_classes(a, b, path)
        elif isinstance(b, ModuleType):
            names = [name for name in (*vars(b), *_set_from_outside(a)) if not _is_dunder(name)]
            yield from self._of_names({name: getattr(a, name, None) for name in names}, vars(b), path, names)
        elif not self._are_of_one_kind(type(a), type(b)):
            yield f"{path} is {_shown(a)} here and {_shown(b)} there"
        elif isinstance(a, _PLAIN):
            if repr(a) != repr(b):
                yield f"{path} is {_shown(a)} here and {_shown(b)} there"
        else:
            yield from self._of_things(a, b, path)

    def _are_of_one_kind(self, a: type, b: type) -> bool:
        return a is b or (_is_made(b) and a.__qualname__ == b.__qualname__)

    def _of_things(self, a: Any, b: Any, path: str) -> Iterator[str]:
        match a:
            case FunctionType():
                yield from self._of_functions(a, b, path)
            case MethodType():
                yield from self.differences(a.__func__, b.__func__, path)
                yield from self.differences(a.__self__, b.__self__, path)
            case dict() | MappingProxyType():
                yield from self._of_dicts(a, b, path)
            case list() | tuple():
                yield from self._of_sequences(a, b, path)
            case set() | frozenset():
                yield from self._of_sequences(sorted(a, key=repr), sorted(b, key=repr), path)
            case _:
                yield from self._of_objects(a, b, path)

    def _of_classes(self, a: type, b: type, path: str) -> Iterator[str]:
        if not _is_made(b) or a.__name__ != b.__name__:
            yield f"{path} is {_shown(a)} here and {_shown(b)} there"
            return
        yield from self._of_sequences(a.__bases__, b.__bases__, f"the bases of {path}")
        yield from self.differences(type(a), type(b), f"the metaclass of {path}")
        mine, other = ({k: v for k, v in vars(each).items() if k not in _UNCOUNTED} for each in (a, b))
        yield from self._of_names(mine, other, path, [*mine, *(name for name in other if name not in mine)])

    def _of_names(self, a: Mapping[str, Any], b: Mapping[str, Any], path: str, names: list[str]) -> Iterator[str]:
        for name in names:
            if name not in a or name not in b:
                where = "here alone" if name in a else "there alone"
                yield f"{path}.{name} is {where}"
            else:
                yield from self.differences(a[name], b[name], f"{path}.{name}")

    def _of_functions(self, a: FunctionType, b: FunctionType, path: str) -> Iterator[str]:
        if gist(a.__code__) != gist(b.__code__):
            yield f"the code of {path} is another here than there"
            return
        yield from self._of_sequences(_defaults(a), _defaults(b), f"the defaults of {path}")
        yield from self._of_sequences(_enclosed(a), _enclosed(b), path)
        yield from self._of_dicts(vars(a), vars(b), path)
        for name in globals_used(a.__code__):
            if name in a.__globals__ and name not in b.__globals__:
                yield f"{name} has a value here and none there"
            elif name in a.__globals__:
                yield from self.differences(a.__globals__[name], b.__globals__[name], name)
        if not _FINDING.isdisjoint([*globals_used(a.__code__), *_attributes_found(a.__code__)]):
            yield from self._of_all_names(a.__globals__, b.__globals__)

    def _of_all_names(self, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[str]:
        """Clauses for what code may find without naming it: whatever its file defines, and plain values by what they are."""
        for name in (name for name in a if not _is_dunder(name)):
            if name not in b:
                yield f"{name} has a value here and none there"
            elif isinstance(a[name], _PLAIN):
                yield from self.differences(a[name], b[name], name)

    def _of_dicts(self, a: Mapping[Any, Any], b: Mapping[Any, Any], path: str) -> Iterator[str]:
        yield from self._of_sequences(list(a), list(b), f"the keys of {path}")
        for key, other in zip(a, b, strict=False):
            yield from self.differences(a[key], b[other], f"{path}[{key!r}]")

    def _of_sequences(self, a: Any, b: Any, path: str) -> Iterator[str]:
        if len(a) != len(b):
            yield f"{path} has {len(a)} entries here and {len(b)} there"
            return
        for index, pair in enumerate(zip(a, b, strict=True)):
            yield from self.differences(*pair, path if len(a) == 1 else f"{path}[{index}]")

    def _of_objects(self, a: Any, b: Any, path: str) -> Iterator[str]:
        if hasattr(a, "shape") and hasattr(a, "dtype"):
            if not _equal_arrays(a, b):
                yield f"{path} holds other numbers here than there"
        elif isinstance(a, GeneratorType):
            yield f"{path} is a generator, which no source can put where it stands"
        else:
            for name, part in _parts(a).items():
                yield from self.differences(part, _parts(b).get(name), f"{path}{name}")


def _is_made(kind: type) -> bool:
    return kind.__module__.startswith(PREFIX)


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _attributes_found(code: CodeType) -> Iterator[str]:
    """Of the ways to find things, those that are attributes."""
    return (name for name in names_used(code) if name == "__subclasses__")


def _set_from_outside(module: Any) -> list[str]:
    """The values of a module that its own file does not set."""
    file = getattr(module, "__file__", None)
    if not isinstance(module, ModuleType) or not file or not file.endswith(".py"):
        return []
    content = decoded(Path(file).read_bytes())
    names = [] if binds(content, "*") else [name for name in vars(module) if not binds(content, name)]
    return [name for name in names if not isinstance(vars(module)[name], ModuleType)]


def _defaults(function: FunctionType) -> list[Any]:
    return [function.__defaults__, function.__kwdefaults__]


def _enclosed(function: FunctionType) -> list[Any]:
    return [_content(cell) for cell in function.__closure__ or ()]


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # empty so far
        return None


def _parts(thing: Any) -> dict[str, Any]:
    """What an object is made of, by what to write behind its name."""
    match thing:
        case property():
            return {"'s getter": thing.fget, "'s setter": thing.fset, "'s deleter": thing.fdel}
        case staticmethod() | classmethod():
            return {"": thing.__func__}
        case cached_property():
            return {"": thing.func}
        case partial():
            return {".func": thing.func, ".args": thing.args, ".keywords": thing.keywords}
    if hasattr(thing, "__wrapped__"):
        return {"": thing.__wrapped__}
    try:
        reduced = thing.__reduce_ex__(4)
    except Exception:  # locks, open files and the like have no content
        return {f".{name}": part for name, part in getattr(thing, "__dict__", {}).items()}
    if isinstance(reduced, str):
        return {"": reduced}
    _, arguments, *state = (*reduced, None, None)[:5]
    return {" (its state)": [arguments, *(part if not isinstance(part, Iterator) else list(part) for part in state)]}


def _equal_arrays(a: Any, b: Any) -> bool:
    """Whether two arrays or tensors hold the same bits, or the same objects."""
    if a.dtype != b.dtype or tuple(a.shape) != tuple(b.shape):
        return False
    if hasattr(a, "tobytes") and not getattr(a.dtype, "hasobject", False):
        return a.tobytes() == b.tobytes()
    same = (a == b) | ((a != a) & (b != b))
    return bool(same.all())


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def patch_in(thing: Callable[..., Any]) -> str:
    """The name of a library's function or method that the user's code has replaced and `thing` may use; "" if none."""
    functions = [
        f for f in (vars(thing).values() if isinstance(thing, type) else [thing]) if isinstance(f, FunctionType)
    ]
    for function in functions:
        names = set(names_used(function.__code__))
        for name in names & function.__globals__.keys():
            module = function.__globals__[name]
            if isinstance(module, ModuleType) and not is_users(getattr(module, "__file__", None) or ""):
                for used in names & vars(module).keys():
                    if found := _patched(vars(module)[used], f"{name}.{used}"):
                        return found
            elif isinstance(module, type) and (found := _patched(module, name)):
                return found
    return ""


def _patched(value: Any, path: str) -> str:
    if isinstance(value, FunctionType):
        return path if is_users(value.__code__.co_filename) else ""
    if not isinstance(value, type) or is_users(_file(value)):
        return ""
    for name, member in vars(value).items():
        if isinstance(member, FunctionType) and is_users(member.__code__.co_filename):
            return f"{path}.{name}"
    return ""


def _file(kind: type) -> str:
    try:
        return inspect.getfile(kind)
    except (OSError, TypeError):
        return ""
