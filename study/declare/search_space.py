"""The space of a search, choices and ranges, and the settings of how to search it."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args

import pyarrow as pa
from pydantic import Field, ValidationError, model_validator

from models.specs.spec import Count, Positive, Real, Spec, brief
from study.declare.axes import Label
from study.errors import DeclarationError, explain
from study.record.schema import TRIALS

Sampler = Literal["tpe", "nsga2", "random"]
"""What proposes trials: a tree of Parzen estimators, a genetic algorithm that sorts by dominance, or chance."""

DIGITS = 4
"""Significant digits of a proposed number: it stands in tables, and is part of a trial's identity."""


class Between(Spec):
    """Any number from `low` to `high`, uniform in its logarithm, or with `log=False` in itself."""

    low: Real
    """The smallest number."""
    high: Real
    """The largest number."""
    log: bool = True
    """Whether numbers are proposed uniformly in their logarithm; with False, in themselves."""

    def __init__(self, low: float, high: float, **fields: Any) -> None:
        try:
            super().__init__(low=low, high=high, **fields)
        except ValidationError as fault:
            raise DeclarationError(explain(fault)) from fault

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError("should go from a lower number to a higher one, above zero unless log=False")
        return self

    @property
    def label(self) -> str:
        """ "0.1 to 10", or "0 to 1, linear"."""
        return f"{brief(self.low)} to {brief(self.high)}{'' if self.log else ', linear'}"


class Settings(Spec):
    """What a search declares beside its space: see `study.declare.search`."""

    minimise: Annotated[dict[str, Real], Field(min_length=1)]
    """The recorded numbers to minimise, by column, each with the value that a diverged trial counts as; where a finished
    trial is worse than that, a diverged one counts as just worse than the worst finished one so far."""
    samplers: Annotated[tuple[Sampler, ...], Field(min_length=1)]
    """What proposes trials: "tpe", "nsga2" or "random"; each searches on its own."""
    trials: Count
    """How many trials each search asks for."""
    repeats: Count = 1
    """How often each sampler searches, each time with another seed."""
    batch: Count = 8
    """How many trials a search asks for in a round, before it learns their results."""
    alike: Count = 4
    """How many of these in a row share what `shape` lists, so that they can train as one pack."""
    rungs: Annotated[tuple[Count, ...], Field(min_length=1)] | None = None
    """Numbers of training steps, rising: all trials train with the first, the better ones again with the next; by
    default the function says how long."""
    keep: Annotated[Positive, Field(lt=1)] = 0.5
    """The share of a round that trains again at the next rung."""

    @model_validator(mode="after")
    def _rungs_rise(self) -> Self:
        if self.rungs and list(self.rungs) != sorted(set(self.rungs)):
            raise ValueError("rungs should be numbers of training steps, each larger than the one before")
        numbers = [field.name for field in TRIALS if field.type in (pa.int64(), pa.float64())]
        if strangers := [column for column in self.minimise if column not in numbers]:
            raise ValueError(
                f"minimise names {strangers[0]}, which is not a recorded number: choose a column of trials"
            )
        if len(set(self.samplers)) < len(self.samplers):
            raise ValueError(f"samplers repeats one: choose among {', '.join(get_args(Sampler))}")
        return self

    @property
    def steps(self) -> tuple[int | None, ...]:
        """The rungs; a single None for a search without rungs."""
        return self.rungs or (None,)

    def rows_of(self, trials: int) -> Counter[int | None]:
        """Rung → how many rows, where so many trials are asked for, in rounds."""
        rounds, rest = divmod(trials, self.batch)
        found = Counter(self.rows_from(rest, 0))
        for steps, count in self.rows_from(self.batch, 0).items():
            found[steps] += rounds * count
        return found

    def rows_from(self, trials: int, rung: int) -> dict[int | None, int]:
        """Rung → how many rows, where so many trials train at the rung of this number, and the better part of them again."""
        found = {}
        for steps in self.steps[rung:]:
            found[steps] = trials
            trials = math.ceil(self.keep * trials)
        return found


@dataclass(frozen=True)
class Space:
    """The axes that are searched: choices with their labels, and ranges. Those named in `shape` decide the pack."""

    axes: Mapping[str, tuple[Any, ...] | Between]
    labels: Mapping[str, tuple[Label, ...]]
    shape: tuple[str, ...]

    @property
    def choices(self) -> dict[str, list[Label] | str]:
        """The axes in their order: the labels of choices in theirs, and ranges in words."""
        return {axis: list(self.labels[axis]) if axis in self.labels else str(self.axes[axis]) for axis in self.axes}

    def in_order_of(self, choices: Mapping[str, list[Label] | str]) -> "Space":
        """The same space with axes, and choices on an axis, in the order of these `choices` where they are the same ones."""
        names = [*choices] if set(choices) == set(self.axes) else [*self.axes]
        axes, labels = {name: self.axes[name] for name in names}, dict(self.labels)
        for name, own in self.labels.items():
            places = {str(label): place for place, label in enumerate(own)}
            wanted, chosen = [str(label) for label in choices.get(name, ())], axes[name]
            if sorted(wanted) == sorted(map(str, own)) and isinstance(chosen, tuple):
                axes[name] = tuple(chosen[places[label]] for label in wanted)
                labels[name] = tuple(own[places[label]] for label in wanted)
        return Space(axes, labels, self.shape)

    def asked(self, axis: str, label: Label) -> Any:
        """What was asked for where a table shows `label`: the number of a choice, or the number; None if nothing could be."""
        chosen = self.axes[axis]
        if isinstance(chosen, tuple):
            return next((place for place, own in enumerate(self.labels[axis]) if str(own) == str(label)), None)
        try:
            number = float(label)
        except ValueError:
            return None
        return number if chosen.low <= number <= chosen.high else None

    def value(self, axis: str, asked: Any) -> Any:
        """The value that the study's function gets: the choice of the number that was asked, or the number itself."""
        chosen = self.axes[axis]
        return asked if isinstance(chosen, Between) else chosen[asked]

    def rounded(self, axis: str, asked: Any) -> Any:
        """What a sampler asked for, as tables show it."""
        chosen = self.axes[axis]
        if isinstance(chosen, tuple):
            return asked
        return min(max(float(f"{asked:.{DIGITS}g}"), chosen.low), chosen.high)

    def label(self, axis: str, asked: Any) -> Label:
        """How the declaration labels what was asked: a choice by its label, a number by itself."""
        return asked if isinstance(self.axes[axis], Between) else self.labels[axis][asked]
