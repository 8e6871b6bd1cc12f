"""The rounds of a search: the rows that its samplers ask for once the rows before have results.

What a search asks for follows from its declaration and the results so far, so launched again it goes on where it was. Where
that leads to other trials than the home holds of it, the search has changed: results whose trials the changed search could
have asked for are then known to its samplers from the beginning, and stay in its table; the others no longer belong to it.
The order of axes and of choices changes nothing: a home keeps to the first one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby, product
from typing import Any, NamedTuple

from study.declare.axes import Label
from study.declare.search import SearchTable
from study.declare.search_space import Sampler
from study.declare.table import Row
from study.errors import DeclarationError
from study.plan.files import cleaning, read_header, read_rows
from study.record import RESULTS, Home, read

Results = Mapping[str, Mapping[str, Any]]


class Known(NamedTuple):
    """What a search asked for in an earlier form and still could: its values on the axes, and its rows, one for each rung."""

    asked: Mapping[str, Any]
    rows: Sequence[Row]


class SearchRounds:
    """All searches of a table, each as far as the results in the home let it go.

    `remarks` says what has become of earlier results, where the search has changed, and which value of a diverged trial is
    too low.
    """

    def __init__(self, table: SearchTable, home: Home, name: str) -> None:
        header: Mapping[str, Any] = read_header(home, name).get("search", {})
        self._table = replace(table, space=table.space.in_order_of(header.get("choices", {})))
        self._columns = ["trial_id", "status", *table.settings.minimise]
        self._known: dict[str, list[str]] = {}
        results = self._results(home)
        earlier = {key: axes for key, axes in read_rows(home, name).items() if _has_result(results, key)}
        searches = [
            self._search(sampler, repeat, earlier, header.get("known", {}), results)
            for sampler, repeat in product(table.settings.samplers, range(table.settings.repeats))
        ]
        self._searches = [search for search, _ in searches]
        asked = {row.trial.trial_id for search in self._searches for row in search.more(results)}
        has_changed = any(changed for _, changed in searches) or not asked.issuperset(earlier)
        self.remarks = self._outdone(name, [results[trial] for trial in asked if trial in results])
        if has_changed:
            self.remarks += self._remarks(home, name, header, len(earlier), len(asked & earlier.keys()))

    def more(self, rows: Sequence[Row], home: Home) -> list[Row]:
        """The next round of every search whose own rows all have results."""
        results = self._results(home)
        there = {row.trial.trial_id for row in rows}
        found: dict[str, Row] = {}
        for row in (row for search in self._searches for row in search.more(results)):
            if row.trial.trial_id not in there:  # a child of the genetic algorithm may equal a parent: one trial
                found.setdefault(row.trial.trial_id, row)
        return list(found.values())

    @property
    def remaining(self) -> Counter[int | None]:
        """Rung → how many rows the searches will still ask for, at most: one child may equal another."""
        return sum((search.remaining for search in self._searches), Counter[int | None]())

    @property
    def header(self) -> dict[str, Any]:
        """What the next launch must know: the order of choices, the settings, and the results that were taken over.

        And what reports must know: the columns that are minimised, each with the value of a diverged trial.
        """
        minimise = self._table.settings.minimise
        return {
            "minimise": minimise,
            "choices": self._table.space.choices,
            "settings": self._settings,
            "known": self._known,
        }

    @property
    def _settings(self) -> dict[str, str]:
        """What decides the course of the search, as sentences say it."""
        settings, space = self._table.settings, self._table.space
        content = settings.model_dump() | {"shape": space.shape} | space.choices
        return {name: _said(value) for name, value in content.items()}

    def _results(self, home: Home) -> Results:
        return {row["trial_id"]: row for row in read(home, "trials", self._columns).to_pylist()}

    def _search(
        self,
        sampler: Sampler,
        repeat: int,
        earlier: Mapping[str, Mapping[str, Label]],
        taken_over: Mapping[str, Sequence[str]],
        results: Results,
    ) -> tuple[Any, bool]:
        """One search, and whether it has changed: then it knows the results that still fit."""
        from study.plan.optuna_search import OptunaSearch  # imports Optuna, which nothing else needs

        settings, key = self._table.settings, f"{sampler} {repeat}"
        make = partial(self._table.row, sampler, repeat)
        started = partial(OptunaSearch, settings, self._table.space, sampler, repeat, make)
        own = _of_search(earlier, sampler, repeat)
        before = {trial_id: own[trial_id] for trial_id in taken_over.get(key, ()) if trial_id in own}
        known = self._still_known(before, sampler, repeat)
        search = started(known)
        asked = {row.trial.trial_id for row in search.more(results)}
        expected = set(sorted({axes["number"] for axes in own.values()})[: settings.trials])
        has_changed = any(trial not in asked and axes["number"] in expected for trial, axes in own.items())
        if has_changed:
            known = self._still_known(own, sampler, repeat)
            search = started(known)
        if known:
            self._known[key] = [row.trial.trial_id for each in known for row in each.rows]
        return search, has_changed

    def _still_known(self, rows: Mapping[str, Mapping[str, Label]], sampler: Sampler, repeat: int) -> list[Known]:
        """The rows that the search could ask for as it is now, by their numbers, as many as it may ask for."""
        fitting = [self._known_row(trial_id, axes, sampler, repeat) for trial_id, axes in rows.items()]
        found = sorted((each for each in fitting if each), key=lambda each: _place(each.rows[0]))
        grouped = (list(group) for _, group in groupby(found, key=lambda each: each.rows[0].axes["number"]))
        known = [Known(group[0].asked, [row for each in group for row in each.rows]) for group in grouped]
        return known[: self._table.settings.trials]

    def _known_row(self, trial_id: str, axes: Mapping[str, Label], sampler: Sampler, repeat: int) -> Known | None:
        """The row with these labels, if it still makes this trial."""
        space = self._table.space
        asked = {axis: space.asked(axis, axes[axis]) if axis in axes else None for axis in space.axes}
        steps = int(axes["steps"]) if "steps" in axes else None
        if None in asked.values() or steps not in self._table.settings.steps:
            return None
        try:
            row = self._table.row(sampler, repeat, int(axes["number"]), asked, steps)
        except DeclarationError:  # of a value that the changed function does not take
            return None
        return Known(asked, [row]) if row.trial.trial_id == trial_id else None

    def _outdone(self, name: str, results: Sequence[Mapping[str, Any]]) -> list[str]:
        """A sentence for each column in which a finished trial is worse than what a diverged one is declared to count as."""
        finished = [result for result in results if result["status"] == "finished"]
        found = []
        for column, declared in self._table.settings.minimise.items():
            most = max((result[column] for result in finished if result[column] is not None), default=declared)
            if most > declared:
                found.append(
                    f"the search {name} declares that a diverged trial counts as {column}={declared:g}, and a finished one "
                    f"has {most:.5g}: so a diverged one counts as worse than every finished one so far"
                )
        return found

    def _remarks(self, home: Home, name: str, header: Mapping[str, Any], results: int, kept: int) -> list[str]:
        """One sentence: what has changed, and what becomes of the results."""
        others = "asked again, it asks for other trials" if kept else "its trials are others now"
        why = _changes(header.get("settings"), self._settings) or others
        lost = results - kept
        if kept:
            goes = f"{kept} of its {results} results in this home count, and it goes on from there"
        else:
            goes = f"none of its {results} results in this home fits any more, so it begins anew"
        left = f" (`{cleaning(home)}` would remove the {lost} that do not fit)" if lost else ""
        return [f"the search {name} has changed, since {why}: {goes}{left}"]


def _of_search(
    rows: Mapping[str, Mapping[str, Label]], sampler: Sampler, repeat: int
) -> dict[str, Mapping[str, Label]]:
    """The rows that one of the searches asked for."""
    return {key: axes for key, axes in rows.items() if (axes.get("sampler"), axes.get("repeat")) == (sampler, repeat)}


def _has_result(results: Results, trial_id: str) -> bool:
    return trial_id in results and results[trial_id]["status"] in RESULTS


def _place(row: Row) -> tuple[int, int]:
    return int(row.axes["number"]), int(row.axes.get("steps", 0))


def _changes(before: Mapping[str, str] | None, now: Mapping[str, str]) -> str:
    """What is declared otherwise than before, as a clause; nothing where all is the same, or a home does not say."""
    if before is None:
        return ""
    new = [f"{name} is new" for name in now if name not in before]
    gone = [f"{name} is gone" for name in before if name not in now]
    other = [f"{name} was {before[name]}, now {now[name]}" for name in now if before.get(name, now[name]) != now[name]]
    return ", ".join([*other, *new, *gone])


def _said(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return " ".join(f"{name}={each:g}" for name, each in value.items())
    is_listed = isinstance(value, Iterable) and not isinstance(value, str)
    return " or ".join(map(str, value)) or "nothing" if is_listed else str(value)
