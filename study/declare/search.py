"""The declaration of a search: a table whose next rows follow from the results of earlier ones.

    @search(
        minimise={"n_active": 16.0, "nre_mean_test": 1.0},
        samplers=["tpe", "random"],
        repeats=5,
        trials=64,
        shape={"kappa": [2, 4, 8]},
        free={"gamma": [Learned(), Optimal()], "beta": Between(0.01, 100.0)},
    )
    def my_search(kappa: int, gamma: Gamma, beta: float, seed: int) -> Trial:
        \"\"\"The caption: what the search is for.\"\"\"
        return Trial(...)

Each sampler searches `repeats` times, and all of these searches advance together in rounds: a round asks each for `batch`
trials, trains them, and tells it their results. Within a round `alike` trials share what decides their shapes, so that they
train as one pack; everything else varies freely among them. A trial's seed is the repeat of its search.

With `rungs`, numbers of training steps, every trial trains with the fewest steps first, and only the better part of a batch
(the fraction `keep`) trains again with more: the packs of a later rung hold nothing else. The function then takes `steps`.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from study.declare.axes import Label, labels_of, refuse_recorded, values_of
from study.declare.search_space import Between, Settings, Space
from study.declare.table import Row, Scale, Study, make_trial
from study.declare.trial import Trial
from study.errors import DeclarationError, explain

SEARCH_AXES = ("sampler", "repeat", "number")
"""The axes of every search: the sampler and the repeat that asked for a row, and the row's number there, from 0."""

SET_BY_SEARCH = ("seed", "steps")
"""The parameters that the search sets: its repeat, and a rung."""


@dataclass(frozen=True)
class SearchTable:
    """The table of a search at one scale. It declares no row: all of them follow from results."""

    function: Callable[..., Any]
    settings: Settings
    space: Space

    @property
    def axes(self) -> Mapping[str, tuple[Any, ...]]:
        """The names of the axes, without values: those follow from results."""
        return dict.fromkeys((*SEARCH_AXES, *self.space.axes, *(["steps"] if self.settings.rungs else [])), ())

    @property
    def choices(self) -> Mapping[str, Sequence[Label] | str]:
        """The space that is searched: the labels of choices, and ranges in words."""
        return self.space.choices

    def __len__(self) -> int:
        """How many rows the search asks for at most, those of later rungs included: one child may equal another."""
        return self.settings.rows_of(self.settings.trials).total() * self.settings.repeats * len(self.settings.samplers)

    def rows(self) -> list[Row]:
        """No row yet: `SearchRounds` makes them. Raises: DeclarationError where the space makes no valid trial."""
        first = {axis: 0 if isinstance(values, tuple) else values.low for axis, values in self.space.axes.items()}
        self.row(self.settings.samplers[0], 0, 0, first, self.settings.steps[0])
        return []

    def row(self, sampler: str, repeat: int, number: int, asked: Mapping[str, Any], steps: int | None) -> Row:
        """The row of the trial that a search asked for; `asked` maps each axis to a number, or to the number of a choice.

        Raises: DeclarationError where the function makes no trial.
        """
        rung = {"steps": steps} if steps else {}
        values = {axis: self.space.value(axis, item) for axis, item in asked.items()} | rung
        labels = {axis: self.space.label(axis, item) for axis, item in asked.items()} | rung
        trial = make_trial(self.function, values | {"seed": repeat}, labels)
        if trial is None:
            raise DeclarationError(f"{self.function.__name__} left out a row: a search needs a Trial for every choice")
        return Row({"sampler": sampler, "repeat": repeat, "number": number} | labels, trial)


class Search(Study):
    """A named search, at laptop scale and, where declared, at paper scale."""

    def __init__(self, function: Callable[..., Trial], options: Mapping[str, Any]) -> None:
        self._name(function)
        self.tables: dict[Scale, Any] = {"laptop": _table(function, **options)}

    def paper(self, **options: Any) -> Callable[[Callable[..., Any]], Study]:
        """Declare the search at the paper's scale: decorates the function that makes its trials."""

        def declare(function: Callable[..., Any]) -> Study:
            self.tables["paper"] = _table(function, **options)
            return self

        return declare


def search(**options: Any) -> Callable[[Callable[..., Trial]], Search]:
    """Declare a search: `shape` and `free` are its space, all other options say how it is searched.

        @search(minimise={"neg_elbo_test": 1e6}, samplers=["tpe"], trials=64, free={"beta": Between(0.1, 10.0)})
        def my_search(beta: float, seed: int) -> Trial:
            \"\"\"What the search is for.\"\"\"
            return Trial(...)

    minimise: the recorded numbers to minimise, by column, each with the value that a diverged trial counts as; where a
        finished trial is worse than that, a diverged one counts as just worse than the worst finished one so far.
    samplers: what proposes trials, "tpe", "nsga2" or "random"; each searches on its own.
    trials: how many trials each search asks for.
    shape: axes whose choices decide which trials can train as one pack, as lists.
    free: all other axes, as lists of choices or as `Between(low, high)`.
    repeats: how often each sampler searches, each time with another seed; once by default.
    batch: how many trials a search asks for in a round, before it learns their results; 8 by default.
    alike: how many of these in a row share what `shape` lists; 4 by default.
    rungs: numbers of training steps, rising; by default the function says how long trials train.
    keep: the share of a round that trains again at the next rung; half of it by default.

    Raises: DeclarationError for a space that is not exactly the function's parameters, or for impossible settings.
    """
    return lambda function: Search(function, options)


_SPACE = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in ("shape", "free")]
vars(search)["__signature__"] = inspect.Signature([*inspect.signature(Settings).parameters.values(), *_SPACE])


def _table(
    function: Callable[..., Any],
    shape: Mapping[str, Sequence[Any]] | None = None,
    free: Mapping[str, Sequence[Any] | Between] | None = None,
    **options: Any,
) -> SearchTable:
    name = function.__name__
    try:
        settings = Settings(**options)
    except ValidationError as fault:
        raise DeclarationError(f"search {name}: {explain(fault)}") from fault
    shape, free = shape or {}, free or {}
    axes = _space_axes(name, shape, free)
    wanted = {*axes, "seed", *(["steps"] if settings.rungs else [])}
    if not axes or set(inspect.signature(function).parameters) != wanted or set(shape) & set(free):
        raise DeclarationError(
            f"search {name}: its function's parameters should be {', '.join(sorted(wanted))}, and each axis of the space "
            "either shape or free"
        )
    labels = {axis: labels_of(name, axis, values) for axis, values in axes.items() if isinstance(values, tuple)}
    return SearchTable(function, settings, Space(axes, labels, tuple(shape)))


def _space_axes(
    name: str, shape: Mapping[str, Sequence[Any]], free: Mapping[str, Sequence[Any] | Between]
) -> dict[str, tuple[Any, ...] | Between]:
    """The axes of the space. Raises: DeclarationError for a name that is taken, or a range that decides a pack."""
    axes = {
        axis: values if isinstance(values, Between) else values_of(name, axis, values)
        for axis, values in {**shape, **free}.items()
    }
    refuse_recorded(name, axes)
    if taken := [axis for axis in axes if axis in (*SEARCH_AXES, *SET_BY_SEARCH)]:
        raise DeclarationError(f"search {name}: the search itself sets {taken[0]}: rename the axis, or leave it out")
    if ranged := [axis for axis in shape if isinstance(axes[axis], Between)]:
        raise DeclarationError(
            f"search {name}: {ranged[0]} decides the shape of a pack: list its choices, or make it free"
        )
    return axes
