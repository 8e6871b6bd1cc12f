"""One search, by one sampler of Optuna. No other file imports Optuna.

No state of Optuna is stored. What a search asks for follows from its declaration and the results of what it asked for
before; so a search that starts again in a home with results asks for the same trials, up to the first without a result.

Sources: Bergstra et al. (2011) and Ozaki et al. (2022) for the tree of Parzen estimators, Deb et al. (2002) for NSGA-II.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, assert_never

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import Trial as Asked
from optuna.trial import TrialState, create_trial

from models.seeds import stream_seed
from study.declare.search_space import Sampler, Settings, Space
from study.declare.table import Row
from study.plan.search_rounds import Known
from study.record import RESULTS

optuna.logging.set_verbosity(optuna.logging.ERROR)

Results = Mapping[str, Mapping[str, Any]]
"""trial_id → its record: the status, and the columns to minimise."""

Values = tuple[float, ...]

Numbers = tuple[float | None, ...]
"""What is minimised of a trial; None for what it lacks: all where it diverged."""

_FIRST_GENERATION = {NSGAIISampler._get_generation_key(): 0}
"""Marks parents for the genetic algorithm, which goes by generations."""

Make = Callable[[int, Mapping[str, Any], int | None], Row]
"""(number, what was asked for on each axis, rung) → row."""


class OptunaSearch:
    """One search: the rows that it has asked for, and the round whose results it awaits."""

    def __init__(
        self, settings: Settings, space: Space, sampler: Sampler, repeat: int, make: Make, known: Sequence[Known] = ()
    ) -> None:
        """`known`, by their numbers, have results that count although this search did not ask for them."""
        self._settings, self._space, self._make = settings, space, make
        self._known: Sequence[Known] = known
        self._skipped = int(known[-1].rows[0].axes["number"]) + 1 - len(known) if known else 0
        self._sampler: Sampler = sampler
        self._repeat = repeat
        after = f" after {len(known)}" if known else ""  # or chance would ask for the same again
        self._study = self._begun(after)
        self._told: list[Numbers | None] = []
        """What the trials of the study showed, in their order; None for one without a result."""
        self._lacking: Values = tuple(settings.minimise.values())
        """What a trial counts as that diverged or lacks a number."""
        self._distributions = _distributions(space)
        self._rows: list[Row] = []
        self._round: list[tuple[Asked, Row]] = []
        self._rung = 0
        self._racing: list[int] = []
        """The members of the round that train at the current rung."""

    def _begun(self, after: str) -> optuna.Study:
        """A study of Optuna without trials; `after` tells its chance from that of the one before."""
        seed = stream_seed(self._repeat, f"search {self._sampler}{after}") % 2**32
        return optuna.create_study(
            directions=[StudyDirection.MINIMIZE] * len(self._settings.minimise),
            sampler=_sampler(self._sampler, seed, self._settings.batch),
        )

    def more(self, results: Results) -> Sequence[Row]:
        """Every row asked for so far, including the next round where the one before is over."""
        self._recall(results)
        while all(self._round[i][1].trial.trial_id in results for i in self._racing):
            self._set_what_lacking_counts_as(self._rows, results)
            if self._racing and self._rung + 1 < len(self._settings.steps):
                self._climb(results)
                continue
            for asked, row in self._round:
                self._tell(asked, results.get(row.trial.trial_id))
            left = self._settings.trials - len(self._study.trials)
            if left <= 0:
                self._round, self._racing = [], []
                break
            self._retell()
            self._ask(min(left, self._settings.batch))
        return self._rows

    @property
    def remaining(self) -> Counter[int | None]:
        """Rung → how many rows it will still ask for."""
        found = self._settings.rows_of(max(0, self._settings.trials - len(self._study.trials)))
        if self._racing:
            found += Counter(self._settings.rows_from(len(self._racing), self._rung))
            found[self._settings.steps[self._rung]] -= len(self._racing)
        return found

    def _recall(self, results: Results) -> None:
        """Tell the sampler, before it is asked for anything, what is known."""
        known, self._known = self._known, ()
        self._set_what_lacking_counts_as([row for each in known for row in each.rows], results)
        for each in known:
            numbers = self._numbers(results[each.rows[-1].trial.trial_id])
            self._told.append(numbers)
            self._study.add_trial(
                create_trial(
                    values=self._values(numbers),
                    params=dict(each.asked),
                    distributions=self._distributions,
                    system_attrs=_FIRST_GENERATION,
                )
            )
            self._rows += each.rows

    def _set_what_lacking_counts_as(self, rows: Sequence[Row], results: Results) -> None:
        """The declared values; but where a finished trial of these rows is as bad as that or worse, just worse than it.

        Otherwise the search would be led to where trials diverge.
        """
        seen = [self._numbers(results[row.trial.trial_id]) for row in rows if row.trial.trial_id in results]
        columns = ([number for number in column if number is not None] for column in zip(*seen, strict=True))
        beyond = [math.nextafter(max(column), math.inf) if column else -math.inf for column in columns]
        declared = self._settings.minimise.values()
        self._lacking = tuple(map(max, declared, beyond)) if beyond else tuple(declared)

    def _retell(self) -> None:
        """Tell Optuna anew all that is known, if a trial that diverged was told as better than one that has finished since.

        A study of Optuna takes nothing back, hence another one.
        """
        values = [None if numbers is None else self._values(numbers) for numbers in self._told]
        trials = self._study.trials
        if values == [trial.values and tuple(trial.values) for trial in trials]:
            return
        self._study = self._begun(f" again after {len(trials)}")
        for trial, counted in zip(trials, values, strict=True):
            self._study.add_trial(
                create_trial(
                    state=trial.state,
                    values=counted,
                    params=trial.params,
                    distributions=trial.distributions,
                    system_attrs=trial.system_attrs,
                )
            )

    def _climb(self, results: Results) -> None:
        """Ask for the better part of the round again, at the next rung."""
        self._rung += 1
        kept = math.ceil(self._settings.keep * len(self._racing))
        values = [self._values(self._numbers(results[self._round[i][1].trial.trial_id])) for i in self._racing]
        self._racing = [self._racing[place] for place in rank(values)[:kept]]
        for i in self._racing:
            asked, row = self._round[i]
            again = self._row(asked, int(row.axes["number"]))
            self._round[i] = (asked, again)
            self._rows.append(again)

    def _ask(self, count: int) -> None:
        self._round, self._rung, self._racing = [], 0, list(range(count))
        shape: dict[str, Any] = {}
        for i in range(count):
            if i % self._settings.alike == 0:
                shape = {}
            if shape:
                self._study.enqueue_trial(shape)  # fixes the shape; the sampler chooses the rest
            asked = self._study.ask(self._distributions)
            shape = {axis: asked.params[axis] for axis in self._space.shape}
            self._round.append((asked, self._row(asked, asked.number + self._skipped)))
        self._rows += [row for _, row in self._round]

    def _row(self, asked: Asked, number: int) -> Row:
        params = {axis: self._space.rounded(axis, value) for axis, value in asked.params.items()}
        return self._make(number, params, self._settings.steps[self._rung])

    def _tell(self, asked: Asked, result: Mapping[str, Any] | None) -> None:
        numbers = self._numbers(result) if result and result["status"] in RESULTS else None
        self._told.append(numbers)
        if numbers:
            self._study.tell(asked, self._values(numbers))
        else:
            self._study.tell(asked, state=TrialState.FAIL)

    def _numbers(self, result: Mapping[str, Any]) -> Numbers:
        """The values to minimise, as far as a trial has them."""
        found = [result[column] if result["status"] == "finished" else None for column in self._settings.minimise]
        return tuple(None if number is None else float(number) for number in found)

    def _values(self, numbers: Numbers) -> Values:
        """The values to minimise, as they count."""
        return tuple(lack if each is None else each for each, lack in zip(numbers, self._lacking, strict=True))


def rank(values: Sequence[Values]) -> list[int]:
    """Places from best to worst: by how many others dominate, then by the sum of the ranks in each value."""
    table = np.array(values)
    worse = (table[:, None] >= table[None]).all(2) & (table[:, None] > table[None]).any(2)
    ranks = table.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable").sum(1)
    return [int(place) for place in np.lexsort((ranks, worse.sum(1)))]


def _sampler(name: Sampler, seed: int, batch: int) -> BaseSampler:
    match name:
        case "tpe":
            return TPESampler(seed=seed, n_startup_trials=batch)
        case "nsga2":
            return NSGAIISampler(seed=seed, population_size=batch)
        case "random":
            return RandomSampler(seed=seed)
        case _:
            assert_never(name)


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    return {
        axis: CategoricalDistribution(range(len(chosen)))
        if isinstance(chosen, tuple)
        else FloatDistribution(chosen.low, chosen.high, log=chosen.log)
        for axis, chosen in space.axes.items()
    }
