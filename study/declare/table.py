"""The declaration of a study: a named table of trials.

    @study(gamma=[Fixed(1.0), Learned()], kappa=[2, 4, 8], seed=range(3))
    def my_grid(gamma: Gamma, kappa: int, seed: int) -> Trial:
        \"\"\"The caption: what the study asks.\"\"\"
        return Trial(...)

The decorator is the table's header, the function its methods paragraph, the docstring its caption. A second function,
decorated with `@my_grid.paper(gamma=..., ...)`, gives the table at the paper's scale. Where the function returns None the
table has no row: not every value of one axis needs to meet every value of another. Axes are checked when they are declared,
trials when the table is laid out.

Functions of an `analysis.View`, decorated with `@my_grid.claims`, `@my_grid.figures` or `@my_grid.sheets`, say what the
report says of the results.
"""

import inspect
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from study.declare.axes import Label, check_names, check_size, labels_of, values_of
from study.declare.origin import is_file, origin_of
from study.declare.probe import Declared, Probe
from study.docstrings import docstring_of
from study.errors import DeclarationError, FaultsError, OptionError, explain, is_ours, line_in, said
from study.html import paragraph, table

Scale = Literal["laptop", "paper"]

Finding = Literal["claims", "figures", "sheets"]

Finder = TypeVar("Finder", bound=Callable[[Any], Iterable[Any]])

CATALOG = "study.catalog."

MOST_LABELS = 12
"""How many values of an axis a notebook shows."""


class RowError(DeclarationError):
    """A row makes no valid trial: `why` says so of other rows, too, whose function is called otherwise."""

    def __init__(self, call: str, why: str) -> None:
        super().__init__(f"{call}{why}")
        self.why = why


@dataclass(frozen=True)
class Row:
    """One row of a study's table: the labels of its axes, and the trial or probe that it declares.

    To a type checker `trial` is `Any`: whoever reads a study's rows knows which of the two they declare.
    """

    axes: Mapping[str, Label]
    trial: Any


@dataclass(frozen=True)
class Table:
    """A table at one scale: the axes in declared order, their labels, and the function that makes the trial of a row."""

    axes: Mapping[str, tuple[Any, ...]]
    labels: Mapping[str, tuple[Label, ...]]
    function: Callable[..., Any]

    @property
    def choices(self) -> Mapping[str, Sequence[Label] | str]:
        """The labels of each axis."""
        return self.labels

    def __len__(self) -> int:
        """How many rows there are, counting those that the function leaves out."""
        return math.prod(map(len, self.axes.values()))

    def rows(self) -> list[Row]:
        """Every row, in the order of the axes. Raises: DeclarationError for a row that makes no valid trial."""
        pairs = [list(zip(values, self.labels[name], strict=True)) for name, values in self.axes.items()]
        rows = list(filter(None, self._found(dict(zip(self.axes, row, strict=True)) for row in product(*pairs))))
        if not rows:
            raise DeclarationError(f"{self.function.__name__} returned no Trial: end it with `return Trial(...)`")
        first: dict[tuple[Label, ...], str] = {}
        for row in rows:
            if first.setdefault(tuple(row.axes.values()), row.trial.trial_id) != row.trial.trial_id:
                call = _call(self.function, row.axes)
                raise DeclarationError(
                    f"{call} makes two different trials: let the labels and the seed tell them apart"
                )
        return rows

    def _found(self, asked: Iterable[Mapping[str, tuple[Any, Label]]]) -> Iterator[Row | None]:
        """The rows of these values. Raises: DeclarationError, FaultsError for all that is wrong, each fault told once."""
        faults: dict[str, list[RowError]] = {}
        for pairs in asked:
            try:
                yield self.row(pairs)
            except RowError as fault:
                faults.setdefault(fault.why, []).append(fault)
        told = [
            str(first) + (f" (and {len(more)} more of its rows)" if more else "") for first, *more in faults.values()
        ]
        if told:
            raise FaultsError(told)

    def row(self, pairs: Mapping[str, tuple[Any, Label]]) -> Row | None:
        """The row of one value, with its label, on each axis; None where the function leaves it out."""
        labels = {name: text for name, (_, text) in pairs.items()}
        trial = make_trial(self.function, {name: value for name, (value, _) in pairs.items()}, labels)
        return Row(labels, trial) if trial else None


def make_trial(function: Callable[..., Any], values: Mapping[str, Any], labels: Mapping[str, Label]) -> Any:
    """The trial that a study's function makes of `values`, labelled `labels`; None where it leaves the row out.

    Raises: RowError for anything else that the function does.
    """
    call = _call(function, labels)
    try:
        trial = function(**values)
    except (Exception, SystemExit) as fault:
        raise RowError(call, _why_no_trial(function, fault)) from fault
    if trial is not None and not isinstance(trial, Declared):
        raise RowError(call, " returned no Trial: end it with `return Trial(...)`")
    if isinstance(trial, Probe) and (hidden := labels.keys() & trial.what.measures):
        raise RowError(call, f": the axis {min(hidden)} has the name of a measured number: rename the axis")
    return trial


def _why_no_trial(function: Callable[..., Any], fault: BaseException) -> str:
    line = line_in(function.__code__.co_filename, fault).rstrip(",")
    match fault:
        case ValidationError():
            return f": {explain(fault)}"
        case SystemExit():
            return " leaves the program: take sys.exit out of it"
        case ValueError() if is_ours(fault):
            return f"{line}: {fault}"
    return f"{line} raised {said(fault)}: fix the study's function"


def _call(function: Callable[..., Any], labels: Mapping[str, Label]) -> str:
    return f"{function.__name__}({', '.join(f'{name}={text}' for name, text in labels.items())})"


class Study:
    """A named table of trials, at laptop scale and, where declared, at the paper's.

    `findings` are the functions that the report asks about the results, by kind and by name.
    """

    def __init__(self, function: Callable[..., Declared | None], axes: Mapping[str, Iterable[Any]]) -> None:
        self._name(function)
        self.tables: dict[Scale, Table] = {"laptop": _table(function, axes)}

    def _name(self, function: Callable[..., Any]) -> None:
        self.name = function.__name__
        if not self.name.isidentifier():
            raise DeclarationError(f"{self.name} cannot be a study's name: declare the study with `def`")
        self.caption = docstring_of(function)
        self.file = inspect.getsourcefile(function) or ""
        self.module = function.__module__
        self.findings: dict[Finding, dict[str, Callable[[Any], Iterable[Any]]]]
        self.findings = {"claims": {}, "figures": {}, "sheets": {}}
        if not self.caption:
            raise DeclarationError(f"study {self.name} has no docstring: say in one line what it asks")

    def paper(self, **axes: Iterable[Any]) -> Callable[[Callable[..., Declared | None]], "Study"]:
        """Declare the table at the paper's scale: decorates the function that makes its trials."""

        def declare(function: Callable[..., Declared | None]) -> Study:
            self.tables["paper"] = _table(function, axes)
            return self

        return declare

    def claims(self, function: Finder) -> Finder:
        """Decorate a function of an `analysis.View` whose claims the report judges; another of the same name replaces it."""
        return self._finding("claims", function)

    def figures(self, function: Finder) -> Finder:
        """Decorate a function of an `analysis.View` that draws what the report shows beside the charts of any study."""
        return self._finding("figures", function)

    def sheets(self, function: Finder) -> Finder:
        """Decorate a function of an `analysis.View` that makes tables of the study's own."""
        return self._finding("sheets", function)

    def __repr__(self) -> str:
        """ "Study my_grid: gamma 2 × kappa 3 × seed 3"."""
        table_ = self.tables["laptop"]
        axes = (f"{axis} {len(labels)}" for axis, labels in table_.choices.items() if not isinstance(labels, str))
        return f"Study {self.name}: {' × '.join(axes) or 'a search'}"

    def _repr_html_(self) -> str:
        """What a notebook shows: the caption, and the axes with their labels at each scale."""
        shown = paragraph(f"{self.name}: {self.caption}")
        for scale, table_ in self.tables.items():
            axes = (
                (axis, labels if isinstance(labels, str) else _few(labels)) for axis, labels in table_.choices.items()
            )
            shown += table(("axis", "values"), axes, f"at most {len(table_):,} trials at {scale} scale")
        return shown

    def _finding(self, kind: Finding, function: Finder) -> Finder:
        self.findings[kind][function.__name__] = function
        return function

    @property
    def declared_in(self) -> dict[str, Any]:
        """Where a report finds the study: its package in the catalog, or its file and whether that has findings.

        `origin` is what tells the file from others, and all there is of a notebook: see `study.declare.origin`.
        """
        if self.module.startswith(CATALOG):
            return {"study": self.name, "package": self.module.rpartition(".")[0]}
        found = [kind for kind, functions in self.findings.items() if functions]
        place = {"study": self.name, "origin": origin_of(self.file), "findings": found}
        if not is_file(self.file):
            return place
        return place | {"file": str(Path(self.file).resolve()), "beside": _relative(self.file)}

    def table(self, scale: Scale) -> Table:
        """The table at a scale. Raises: OptionError where the study does not declare it."""
        if scale not in self.tables:
            raise OptionError(f"study {self.name} declares no {scale} scale: launch it with --scale laptop")
        return self.tables[scale]


def study(*unnamed: Any, **axes: Iterable[Any]) -> Callable[[Callable[..., Declared | None]], Study]:
    """Declare a study: the keyword arguments are its axes, and their order is the order of the rows.

    Raises: DeclarationError for an empty axis, or axes that are not exactly the function's parameters.
    """
    if unnamed:
        raise DeclarationError("a study's axes have names: write @study(seed=range(3)) before its function")
    return lambda function: Study(function, axes)


def _few(labels: Sequence[Label]) -> str:
    """Labels in a line; of many the first ones, and the last."""
    shown = labels if len(labels) <= MOST_LABELS else [*labels[: MOST_LABELS - 1], "…", labels[-1]]
    return ", ".join(map(str, shown))


def _relative(file: str) -> str:
    """A path relative to the launch folder: from there it is found where the home is read on another machine."""
    try:
        return os.path.relpath(file)
    except ValueError:  # on another drive
        return Path(file).name


def _table(function: Callable[..., Declared | None], axes: Mapping[str, Iterable[Any]]) -> Table:
    name = function.__name__
    check_names(name, axes, inspect.signature(function).parameters)
    listed = {axis: values_of(name, axis, values) for axis, values in axes.items()}
    check_size(name, listed)
    return Table(listed, {axis: labels_of(name, axis, values) for axis, values in listed.items()}, function)
