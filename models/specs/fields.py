"""The fields of a declaration as people read them, for `help` and notebooks: type in words, default, description.

A field's description is the text below it in its class, which editors and the site show too. It is read from the source when
somebody asks: to read a hundred classes at import would make every command a tenth of a second slower. Where there is no
source to read, in a folder of .pyc files for instance, a field is listed without.
"""

import ast
import inspect
import json
import sys
import textwrap
import types
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple, Self, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

WIDTH = 96
"""Columns of a page of `help`, beside its margin."""

TINY, HUGE = 1e-15, 2**31
"""Bounds beyond these only keep numbers within what arrays can hold, and are not worth a word."""

UNIONS = (Union, types.UnionType)

WORDS = {
    int: ("whole number", "whole numbers"),
    float: ("number", "numbers"),
    bool: ("True or False", "truth values"),
    str: ("text", "texts"),
    dict: ("dict", "dicts"),
    types.NoneType: ("None", "None"),
    Any: ("any value", "any values"),
    Self: ("another of its kind", "others of its kind"),
}
"""What a type is called, of one value and of several."""

BOUNDS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


class Described(NamedTuple):
    """A field as a person reads it: type and default in words, no default where one must be given."""

    name: str
    type: str
    default: str | None
    description: str


def page(kind: type[BaseModel], docstring: str) -> str:
    """A class's docstring, and below it a paragraph for each field."""
    fields = [_paragraph(each) for each in described(kind)]
    return "\n".join([inspect.cleandoc(docstring), *(["", "Fields:", *fields] if fields else [])])


def described(kind: type[BaseModel]) -> list[Described]:
    """What a person reads of each field."""
    known = descriptions(kind)
    return [
        Described(
            name,
            _in_words(field.annotation, field.metadata),
            None if field.is_required() else _written(default_of(field)),
            known.get(name, ""),
        )
        for name, field in public(kind).items()
    ]


def public(kind: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields that a person writes: all but `kind`, which follows from the class."""
    return {name: field for name, field in kind.model_fields.items() if name != "kind"}


def descriptions(kind: type[BaseModel]) -> dict[str, str]:
    """Field → its description, as the nearest class says it; empty where the source cannot be read."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            found |= _in_module(each.__module__).get(each.__qualname__, {})
    return {name: text for name, text in found.items() if name in kind.model_fields}


@lru_cache
def _in_module(name: str) -> dict[str, dict[str, str]]:
    """Class → field → the text below it, of a module's outermost classes."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except (KeyError, OSError, TypeError, SyntaxError):
        return {}
    return {each.name: dict(_below_fields(each)) for each in tree.body if isinstance(each, ast.ClassDef)}


def _below_fields(kind: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(kind.body, kind.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            text = below.value.value if isinstance(below.value, ast.Constant) else None
            if isinstance(text, str):
                yield field.target.id, " ".join(text.split())


def _paragraph(field: Described) -> str:
    default = "required" if field.default is None else f"default {field.default}"
    head = f"{field.name}: {field.type}; {default}"
    lines = [textwrap.wrap(head, WIDTH, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False)]
    lines += [textwrap.wrap(field.description, WIDTH, initial_indent="      ", subsequent_indent="      ")]
    return "\n".join(line for part in lines for line in part)


def default_of(field: FieldInfo) -> Any:
    """What a field holds where nobody declares it."""
    return field.get_default(call_default_factory=True)


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _in_words(annotation: Any, metadata: Sequence[Any] = (), several: bool = False) -> str:
    """A type as a person says it: "whole number ≥ 1", '"none" or "group"', "Learned, Optimal or None"."""
    if get_origin(annotation) is Annotated:
        return _in_words(annotation.__origin__, (*annotation.__metadata__, *metadata), several)
    inner = get_args(annotation)
    match get_origin(annotation):
        case None:
            words = WORDS.get(annotation) or (getattr(annotation, "__name__", str(annotation)),) * 2
            return words[several] + _bounds(metadata)
        case kind if kind is Literal or kind in UNIONS:
            return _listed(list(_choices(annotation, several)))
        case kind if kind is tuple and ... in inner:
            return f"tuple of {_in_words(inner[0], several=True)}"
        case kind if kind is tuple:
            return f"({', '.join(map(_in_words, inner))})"
        case _:
            return f"dict of {' to '.join(_in_words(each, several=True) for each in inner)}"


def _choices(annotation: Any, several: bool) -> Iterator[str]:
    """Each choice of a union, and of the unions in it."""
    if get_origin(annotation) is Annotated and get_origin(annotation.__origin__) in UNIONS:
        annotation = annotation.__origin__
    if get_origin(annotation) is Literal:
        yield from map(_written, get_args(annotation))
    elif get_origin(annotation) in UNIONS:
        yield from (word for each in get_args(annotation) for word in _choices(each, several))
    else:
        yield _in_words(annotation, several=several)


def _listed(words: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _bounds(metadata: Sequence[Any]) -> str:
    """The narrowest bounds that are asked of a number: " ≥ 0 and < 1"."""
    asked = [part for each in metadata for part in getattr(each, "metadata", [each])]
    given = [(getattr(each, name), name) for each in asked for name in BOUNDS if hasattr(each, name)]
    known = [(bound, name) for bound, name in given if bound == 0 or TINY < abs(bound) < HUGE]
    lowest = max(
        (pair for pair in known if pair[1] in ("ge", "gt")), default=None
    )  # of one bound gt, which is narrower
    highest = min(
        (pair for pair in known if pair[1] in ("lt", "le")), default=None, key=lambda pair: (pair[0], pair[1] == "le")
    )
    text = " and ".join(f"{BOUNDS[name]} {bound:g}" for bound, name in filter(None, (lowest, highest)))
    return text and f" {text}"
