"""The axes of a study's table: their values, and the labels that name these in tables, plans and on the command line."""

import json
import math
from collections.abc import Iterable, Mapping, Set
from itertools import islice
from typing import Any

from models.specs import Spec
from study.declare.identity import canonical
from study.errors import DeclarationError, shown
from study.record import RESERVED

Label = str | int | float | bool

MOST_ROWS = 100_000
"""The most rows a table may have: to lay them out takes some ten seconds and half a gigabyte."""


def check_names(study: str, axes: Iterable[str], parameters: Iterable[str]) -> None:
    """Raises: DeclarationError unless the axes are exactly the function's parameters and hide no recorded column."""
    axes, parameters = list(axes), list(parameters)
    refuse_recorded(study, axes)
    if strangers := [axis for axis in axes if axis not in parameters]:
        raise DeclarationError(
            f"study {study}: the axis {strangers[0]} is not a parameter of its function: add it there, or drop it"
        )
    if missing := [parameter for parameter in parameters if parameter not in axes]:
        raise DeclarationError(
            f"study {study}: the parameter {missing[0]} has no axis: add {missing[0]}=[...] to @study"
        )


def refuse_recorded(study: str, axes: Iterable[str]) -> None:
    """Raises: DeclarationError for an axis that would hide a recorded column."""
    if hidden := [axis for axis in axes if axis in RESERVED]:
        raise DeclarationError(
            f"study {study}: the axis {hidden[0]} has the name of a recorded column: rename the axis"
        )


def check_size(study: str, axes: Mapping[str, tuple[Any, ...]]) -> None:
    """Raises: DeclarationError for a table that is too large to lay out."""
    if (rows := math.prod(map(len, axes.values()))) > MOST_ROWS:
        raise DeclarationError(
            f"study {study} declares {rows:,} rows, more than {MOST_ROWS:,}: shorten an axis, or split the study"
        )


def values_of(study: str, axis: str, values: Iterable[Any]) -> tuple[Any, ...]:
    """The values of an axis, in declared order. Raises: DeclarationError for one that is empty, too long, or no list."""
    if isinstance(values, str | bytes | Mapping | Set) or not _is_iterable(values):
        one = "..." if isinstance(values, Mapping | Set) else shown(values)
        raise DeclarationError(f"study {study}: the axis {axis} is not a list: write {axis}=[{one}]")
    listed = tuple(islice(values, MOST_ROWS + 1))  # a generator may never end
    if not listed:
        raise DeclarationError(f"study {study}: the axis {axis} is empty: give it at least one value")
    if len(listed) > MOST_ROWS:
        raise DeclarationError(f"study {study}: the axis {axis} has more than {MOST_ROWS:,} values: shorten it")
    return listed


def _is_iterable(values: object) -> bool:
    try:
        return bool(iter(values))  # pyright: ignore[reportArgumentType, reportCallIssue]
    except TypeError:
        return False


def label(value: Any) -> Label:
    """What tables show for the value of an axis: a spec's label; numbers and text as they are."""
    if isinstance(value, Spec):
        return value.label
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a NumPy scalar, without importing NumPy
        plain = value.item()
        return label(plain) if type(plain) is not type(value) else str(value)  # a long double has no plainer form
    if isinstance(value, str | int | float):
        return value
    return str(getattr(value, "__name__", None) or value)


def labels_of(study: str, axis: str, values: tuple[Any, ...]) -> tuple[Label, ...]:
    """The labels of an axis. Where unequal values share one, each gets the fields that differ from their defaults.

    Raises: DeclarationError where a label cannot be written down, or different values would share one.
    """
    plain = [_plain_label(study, axis, value) for value in values]
    if len({isinstance(text, bool) for text in plain if not isinstance(text, str)}) > 1:
        raise DeclarationError(f"study {study}: the axis {axis} mixes booleans with numbers: use one or the other")
    meanings: dict[Label, set[Label]] = {}
    for text, value in zip(plain, values, strict=True):
        meanings.setdefault(text, set()).add(_meaning(value))
    first = {text: text for text in reversed(plain)}  # `1` and `1.0` are one value, shown as it was typed first
    labels = tuple(
        first[text] if len(meanings[text]) == 1 or not isinstance(value, Spec) else f"{text}{_details(value)}"
        for text, value in zip(plain, values, strict=True)
    )
    if len(set(map(str, labels))) < len(set(map(_meaning, values))):
        raise DeclarationError(
            f"study {study}: different values of the axis {axis} would share a label: rename one of them"
        )
    return labels


def _plain_label(study: str, axis: str, value: Any) -> Label:
    """Raises: DeclarationError for a value whose label another process could not make, or a table not hold."""
    text = label(value)
    if isinstance(text, float) and not math.isfinite(text):
        raise DeclarationError(f"study {study}: the axis {axis} holds {text}: give it finite numbers")
    try:
        has_address = b" at 0x" in str(text).encode()  # of an object: the next process has it elsewhere
    except ValueError:  # an integer of thousands of digits, or half of a surrogate pair
        has_address = True
    if has_address:
        raise DeclarationError(
            f"study {study}: the axis {axis} holds {shown(value)}: give it numbers, text or declarations"
        )
    return text


def _meaning(value: Any) -> Label:
    """What makes two values of an axis equal: the canonical content of a spec, the label of anything else."""
    return json.dumps(canonical(value), sort_keys=True) if isinstance(value, Spec) else label(value)


def _details(value: Spec) -> str:
    """The fields that differ from their defaults, as ` lr=0.01 init=0.1`."""
    fields = {name: getattr(value, name) for name, field in type(value).model_fields.items() if not field.is_required()}
    changed = {k: v for k, v in fields.items() if k != "kind" and k in canonical(value)}
    return "".join(f" {name}={label(item)}" for name, item in changed.items())
