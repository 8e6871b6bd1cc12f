"""The declaration of a study: a named table of trials.

    @study(gamma=[Fixed(1.0), Learned()], kappa=[2, 4, 8], seed=range(3))
    def my_grid(gamma: Gamma, kappa: int, seed: int) -> Trial:
        \"\"\"The caption: what the study asks.\"\"\"
        return Trial(...)

The decorator is the table's header, the function its methods paragraph, the docstring its caption. A second function gives
the table at the paper's scale: `@my_grid.paper(gamma=..., ...)`. Axes are checked when they are declared, trials when the
table is laid out.
"""

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from pydantic import ValidationError

from models.specs import Spec
from study.record import RESERVED
from study.trial import Trial, canonical

Scale = Literal["laptop", "paper"]
Label = str | int | float | bool


class DeclarationError(Exception):
    """A declaration that cannot be carried out; the message names the fault and the remedy."""


@dataclass(frozen=True)
class Row:
    """One row of a study's table: the labels of its axes, and the trial they make."""

    axes: Mapping[str, Label]
    trial: Trial


@dataclass(frozen=True)
class Table:
    """The rows of one scale: axes in declared order with their labels, and the function that makes a row's trial."""

    axes: Mapping[str, tuple[Any, ...]]
    labels: Mapping[str, tuple[Label, ...]]
    function: Callable[..., Trial]

    def rows(self) -> list[Row]:
        """Every row, in the order of the axes. Raises: DeclarationError for a row that makes no valid trial."""
        pairs = [list(zip(values, self.labels[name], strict=True)) for name, values in self.axes.items()]
        return [self._row(dict(zip(self.axes, row, strict=True))) for row in product(*pairs)]

    def _row(self, pairs: dict[str, tuple[Any, Label]]) -> Row:
        values = {name: value for name, (value, _) in pairs.items()}
        labels = {name: text for name, (_, text) in pairs.items()}
        where = ", ".join(f"{name}={text}" for name, text in labels.items())
        try:
            trial = self.function(**values)
        except ValidationError as fault:
            raise DeclarationError(f"{self.function.__name__}({where}): {explain(fault)}") from fault
        except Exception as fault:
            text = f"{type(fault).__name__}: {fault}"
            raise DeclarationError(
                f"{self.function.__name__}({where}) raised {text}: mend the study's function"
            ) from fault
        if not isinstance(trial, Trial):
            raise DeclarationError(
                f"{self.function.__name__}({where}) returned no Trial: end it with `return Trial(...)`"
            )
        return Row(labels, trial)


class Study:
    """A named table of trials, at laptop scale and, where declared, at the paper's."""

    def __init__(self, function: Callable[..., Trial], axes: Mapping[str, Iterable[Any]]) -> None:
        self.name = function.__name__
        self.caption = inspect.getdoc(function) or ""
        self.file = inspect.getsourcefile(function) or ""
        self.tables: dict[Scale, Table] = {"laptop": _table(function, axes)}
        if not self.caption:
            raise DeclarationError(f"study {self.name} has no docstring: say in one line what it asks")

    def paper(self, **axes: Iterable[Any]) -> Callable[[Callable[..., Trial]], "Study"]:
        """Declare the table at the paper's scale; decorates the function that makes its trials."""

        def declare(function: Callable[..., Trial]) -> Study:
            self.tables["paper"] = _table(function, axes)
            return self

        return declare

    def table(self, scale: Scale) -> Table:
        """Raises: DeclarationError where the study declares no such scale."""
        if scale not in self.tables:
            raise DeclarationError(f"study {self.name} declares no {scale} scale: launch it with --scale laptop")
        return self.tables[scale]


def study(**axes: Iterable[Any]) -> Callable[[Callable[..., Trial]], Study]:
    """Declare a study: the keyword arguments are its axes, in the order the table is laid out.

    Raises: DeclarationError for an empty axis, or axes that are not exactly the function's parameters.
    """
    return lambda function: Study(function, axes)


def label(value: Any) -> Label:
    """How an axis value is written in tables: a spec by its label, numbers and text as they are."""
    if isinstance(value, Spec):
        return value.label
    if hasattr(value, "item"):  # a NumPy scalar, without importing NumPy
        return value.item()
    return value if isinstance(value, str | int | float) else str(value)


def labels_of(values: tuple[Any, ...]) -> tuple[Label, ...]:
    """The labels of an axis: where unequal values share one, what sets each apart from its defaults is added."""
    plain = [label(value) for value in values]
    meanings: dict[Label, set[Label]] = {}
    for text, value in zip(plain, values, strict=True):
        meanings.setdefault(text, set()).add(_meaning(value))
    return tuple(
        text if len(meanings[text]) == 1 or not isinstance(value, Spec) else f"{text}{_details(value)}"
        for text, value in zip(plain, values, strict=True)
    )


def _meaning(value: Any) -> Label:
    """What must be equal for two values of an axis to be one: a spec's canonical content, anything else's label."""
    return json.dumps(canonical(value), sort_keys=True) if isinstance(value, Spec) else label(value)


def _details(value: Spec) -> str:
    """The fields that are not at their default, as ` lr=0.01 init=0.1`; nothing where all are."""
    fields = {name: getattr(value, name) for name, field in type(value).model_fields.items() if not field.is_required()}
    changed = {k: v for k, v in fields.items() if k != "kind" and k in canonical(value)}
    return "".join(f" {name}={label(item)}" for name, item in changed.items())


def explain(fault: ValidationError) -> str:
    """The first thing pydantic found wrong, as one clause."""
    first = fault.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    text = first["msg"].removeprefix("Value error, ")
    text = text.replace("Input should", "should") if where else text
    given = "" if isinstance(first["input"], dict | Spec) else f", not {first['input']!r}"
    return f"{fault.title}{'.' + where if where else ''} {text}{given}"


def _table(function: Callable[..., Trial], axes: Mapping[str, Iterable[Any]]) -> Table:
    name = function.__name__
    parameters = list(inspect.signature(function).parameters)
    listed = {axis: _values(name, axis, values) for axis, values in axes.items()}
    if hidden := [axis for axis in listed if axis in RESERVED]:
        raise DeclarationError(f"study {name}: the axis {hidden[0]} has the name of a recorded column: rename the axis")
    if strangers := [axis for axis in listed if axis not in parameters]:
        raise DeclarationError(
            f"study {name}: the axis {strangers[0]} is no parameter of its function: add it, or drop it"
        )
    if missing := [parameter for parameter in parameters if parameter not in listed]:
        raise DeclarationError(
            f"study {name}: the parameter {missing[0]} has no axis: add {missing[0]}=[...] to @study"
        )
    labels = {axis: labels_of(values) for axis, values in listed.items()}
    for axis, values in listed.items():
        if len(set(labels[axis])) < len(set(map(_meaning, values))):
            raise DeclarationError(f"study {name}: different values of the axis {axis} would share a label: rename one")
    return Table(listed, labels, function)


def _values(study_name: str, axis: str, values: Iterable[Any]) -> tuple[Any, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise DeclarationError(f"study {study_name}: the axis {axis} is not a list: write {axis}=[{values!r}]")
    listed = tuple(values)
    if not listed:
        raise DeclarationError(f"study {study_name}: the axis {axis} is empty: give it at least one value")
    return listed
