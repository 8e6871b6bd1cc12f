"""The plan: declared trials − recorded trials = missing trials.

There is nothing to resume: launching a study again *is* resuming it, extending it, or finding that nothing is left to do.
"""

import gc
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from study.declare.identity import ENGINE
from study.declare.probe import Declared
from study.declare.search import SearchTable
from study.declare.table import Label, Row, Scale, Study, Table
from study.declare.trial import Trial
from study.plan.files import read_header, read_rows, write_dropped, write_table
from study.plan.measured_columns import measured_columns
from study.plan.refinement import Refinement
from study.plan.search_rounds import SearchRounds
from study.plan.selection import select_rows
from study.record import RESULTS, Home, deciding_rows, stored_ids

MAX_ATTEMPTS = 3
"""How often a failing trial is tried, over all launches."""


class Growth(Protocol):
    """What adds rows to a table as results come in: a search or a refinement."""

    def more(self, rows: Sequence[Row], home: Home) -> list[Row]:
        """Further rows, given the results of these."""
        ...

    @property
    def remaining(self) -> Counter[int | None]:
        """Rung, or None where there are none → how many rows are still to come at most, as far as that is known."""
        ...


@dataclass(frozen=True)
class Plan:
    """A study's table held against a home: the rows that `only` selects, and which of their trials have a result.

    `declared` and `rows` (the selected ones) hold equal trials once; `repeated` counts the others. `left_out` counts the rows
    for which the function returns None. `outdated` counts the home's results of other engine versions, which are kept but
    belong to other trial ids.
    """

    study: Study
    scale: Scale
    only: Mapping[str, Sequence[str]]
    declared: Sequence[Row]
    rows: Sequence[Row]
    repeated: int
    left_out: int
    outdated: int
    statuses: Mapping[str, str]
    attempts: Mapping[str, int]
    retry_failed: bool
    growth: "Growth | None" = None

    @property
    def name(self) -> str:
        """The name of the study's folder, report and experiment; the paper scale has its own."""
        return self.study.name if self.scale == "laptop" else f"{self.study.name}-{self.scale}"

    @property
    def choices(self) -> Mapping[str, Sequence[Label]]:
        """What a search may choose on an axis, whether it has a row there yet or not."""
        table: object = self.study.table(self.scale)
        return table.space.labels if isinstance(table, SearchTable) else {}

    @property
    def remaining(self) -> Counter[int | None]:
        """Rung → how many rows a search will still ask for, at most."""
        return self.growth.remaining if self.growth else Counter()

    @property
    def expected(self) -> int:
        """How many trials the study declares: its rows, and those that a search will still ask for."""
        return len(self.declared) + self.remaining.total()

    @property
    def remarks(self) -> Sequence[str]:
        """What a person must know of a search that has changed since its last launch."""
        return self.growth.remarks if isinstance(self.growth, SearchRounds) else ()

    @property
    def missing(self) -> list[Declared]:
        """The trials to train: selected ones without a result, and the stages they stand on, unless given up.

        A trial whose stage diverged or was given up cannot be trained: see `blocked`.
        """
        asked = [trial for trial in self.unsettled if not self._blocking_stage(trial)]
        wanted = {one.trial_id: one for trial in asked for one in (*trial.stages, trial)}
        return [one for one in wanted.values() if not self._has_result(one) and not self._is_given_up(one)]

    @property
    def missing_stages(self) -> list[Declared]:
        """The missing trials that are only stages of others, not rows themselves."""
        selected = {row.trial.trial_id for row in self.rows}
        return [trial for trial in self.missing if trial.trial_id not in selected]

    @property
    def ready(self) -> list[Declared]:
        """The missing trials whose stages all have a result."""
        return [trial for trial in self.missing if all(map(self._has_result, trial.stages))]

    @property
    def blocked(self) -> list[tuple[Declared, Trial]]:
        """Selected trials that cannot be trained, each with the stage that is to blame."""
        pairs = [(trial, self._blocking_stage(trial)) for trial in self.unsettled]
        return [(trial, stage) for trial, stage in pairs if stage]

    @property
    def given_up(self) -> list[Declared]:
        """Selected trials that failed `MAX_ATTEMPTS` times."""
        return [trial for trial in self.unsettled if self.attempts.get(trial.trial_id, 0) >= MAX_ATTEMPTS]

    @property
    def stages(self) -> list[Trial]:
        """The stages of declared trials that are not rows themselves, each once."""
        declared = {row.trial.trial_id for row in self.declared}
        found = {stage.trial_id: stage for row in self.declared for stage in row.trial.stages}
        return [stage for trial_id, stage in found.items() if trial_id not in declared]

    @property
    def settled(self) -> int:
        """How many of the selected trials have a result."""
        return len(self.rows) - len(self.unsettled)

    @property
    def unsettled(self) -> list[Declared]:
        """The selected trials without a result."""
        return [row.trial for row in self.rows if not self._has_result(row.trial)]

    def _has_result(self, trial: Declared) -> bool:
        return self.statuses.get(trial.trial_id) in RESULTS

    def _is_given_up(self, trial: Declared) -> bool:
        return not self.retry_failed and self.attempts.get(trial.trial_id, 0) >= MAX_ATTEMPTS

    def _blocking_stage(self, trial: Declared) -> Trial | None:
        """The first stage of a trial that diverged or was given up."""
        return next((one for one in trial.stages if self._is_blocking(one)), None)

    def _is_blocking(self, stage: Trial) -> bool:
        diverged = self.statuses.get(stage.trial_id) == "diverged"
        return diverged or (not self._has_result(stage) and self._is_given_up(stage))

    def count(self, status: str) -> int:
        """How many of the selected trials have this status."""
        return sum(self.statuses.get(row.trial.trial_id) == status for row in self.rows)


def make_plan(
    study: Study,
    scale: Scale,
    home: Home,
    only: Mapping[str, Sequence[str]] | None = None,
    retry_failed: bool = False,
    refine: float | None = None,
) -> Plan:
    """Hold a study's table against the home's records. Raises: DeclarationError, OptionError, HomeError.

    A sweep that was refined to a relative width stays refined until another width is asked for.
    """
    table = study.table(scale)
    with _no_garbage_collection():
        rows = table.rows()
    unique = {row.trial.trial_id: row for row in reversed(rows)}
    declared = [row for row in rows if unique[row.trial.trial_id] is row]
    plan = Plan(
        study=study,
        scale=scale,
        only=only or {},
        declared=declared,
        rows=select_rows(declared, only or {}, study) if declared else [],
        repeated=len(rows) - len(declared),
        left_out=0 if isinstance(table, SearchTable) else len(table) - len(rows),
        outdated=0,
        statuses={},
        attempts={},
        retry_failed=retry_failed,
    )
    return replan(replace(plan, growth=_growth(plan, table, home, refine)), home)


def trials_of(table: Table | SearchTable) -> int:
    """How many trials a table declares, each counted once; a search, how many it will ask for. Raises: DeclarationError."""
    if isinstance(table, SearchTable):
        return len(table)
    with _no_garbage_collection():
        return len({row.trial.trial_id for row in table.rows()})


def check(study: Study, scale: Scale, only: Mapping[str, Sequence[str]], refine: float | None) -> None:
    """Raises: DeclarationError or OptionError where `make_plan` would, without reading a home."""
    table = study.table(scale)
    rows = table.rows()
    if rows:
        select_rows(rows, only, study)
    if refine is not None:
        Refinement.of(study, table, refine)


def _growth(plan: Plan, table: Table | SearchTable, home: Home, width: float | None) -> "Growth | None":
    """What adds rows to the table: a search does so by itself, any other table where it is refined."""
    if width is None:
        if isinstance(table, SearchTable):
            return SearchRounds(table, home, plan.name)
        width = read_header(home, plan.name).get("refine")
    return None if width is None else Refinement.of(plan.study, table, width, [*read_rows(home, plan.name).values()])


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A plan of 100,000 trials is millions of objects without a cycle: looking for cycles takes as long as making them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def replan(plan: Plan, home: Home) -> Plan:
    """The plan again, with what the home holds now and the rows that follow from it. Raises: HomeError."""
    while plan.growth and (rows := plan.growth.more(plan.declared, home)):
        declared = [*plan.declared, *rows]
        plan = replace(plan, declared=declared, rows=select_rows(declared, plan.only, plan.study, plan.choices))
    return _with_records(plan, home)


def _with_records(plan: Plan, home: Home) -> Plan:
    """The same rows, with the statuses and attempts that the home holds now."""
    counted = {trial.trial_id for row in plan.declared for trial in (*row.trial.stages, row.trial)}
    ids = stored_ids(home)
    decided = {trial_id: ids[index] for trial_id, index in deciding_rows(ids).items() if trial_id in counted}
    return replace(
        plan,
        outdated=sum(row.status in RESULTS and row.engine != ENGINE for row in ids),
        statuses={trial_id: row.status for trial_id, row in decided.items()},
        attempts={trial_id: row.attempt for trial_id, row in decided.items()},
    )


def write_plan(plan: Plan, home: Home) -> None:
    """Write the study's table, caption and axes beside its records, for the analysis and for whoever reads the home."""
    header = {
        "name": plan.name,
        "caption": plan.study.caption,
        "scale": plan.scale,
        "declared_in": plan.study.declared_in,
        "stages": [stage.trial_id for stage in plan.stages],
        "axes": {name: _labels(plan, name) for name in plan.study.table(plan.scale).axes},
        **measured_columns([row.trial for row in plan.declared]),
    }
    if isinstance(plan.growth, Refinement):
        header["refine"] = plan.growth.width
    if isinstance(plan.growth, SearchRounds):
        header["search"] = plan.growth.header
    stages = {stage.trial_id for stage in plan.stages}
    write_dropped(home, plan.name, stages.union(row.trial.trial_id for row in plan.declared))
    write_table(home, plan.name, plan.declared, header)


def _labels(plan: Plan, axis: str) -> list[Label]:
    """The labels of an axis as declared; where rows were added, numbers are sorted."""
    labels = list(dict.fromkeys(row.axes[axis] for row in plan.declared))
    return sorted(labels) if plan.growth and not any(isinstance(item, str) for item in labels) else labels
