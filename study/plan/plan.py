"""The plan: declared trials − committed trials = packs to run.

There is nothing to resume: relaunching a study *is* resuming it, extending it, or finding that nothing is left to do.
"""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from study.declare.identity import ENGINE
from study.declare.probe import Declared, Probe
from study.declare.search import SearchTable
from study.declare.table import Label, Row, Scale, Study, Table
from study.declare.trial import Trial
from study.errors import OptionError
from study.plan.files import read_header, read_labels, write_table
from study.plan.refinement import Refinement
from study.plan.search_rounds import Searching
from study.record import RESULTS, Home, deciding, stored_ids

MAX_ATTEMPTS = 3
"""How often a trial that fails is tried, over all launches."""


class Growth(Protocol):
    """Whence further rows come where they follow from results."""

    def more(self, rows: Sequence[Row], home: Home) -> list[Row]:
        """Rows that the results of these ask for, and that are not among them."""
        ...


@dataclass(frozen=True)
class Plan:
    """What a launch has to do: the chosen rows (equal trials once), what is already there, and what is missing.

    `left_out` counts the table's rows for which the study makes no trial, `outdated` the home's results of other engine
    versions: they stand, but for trials of other numbers.
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
        """The name of the study's folder, report and experiment: a scale of its own has its own."""
        return self.study.name if self.scale == "laptop" else f"{self.study.name}-{self.scale}"

    @property
    def missing(self) -> list[Declared]:
        """Trials to be trained: chosen ones without a result, and the stages they stand on, that have not failed too often.

        What stands on a stage that was given up, or diverged, cannot be trained: see `groundless`.
        """
        chosen = [trial for trial in self.unsettled if not self._blamed(trial)]
        wanted = {one.trial_id: one for trial in chosen for one in (*trial.stages, trial)}
        return [one for one in wanted.values() if not self._has_result(one) and not self._is_given_up(one)]

    @property
    def missing_stages(self) -> list[Declared]:
        """Of the missing trials those that are no rows of their own."""
        chosen = {row.trial.trial_id for row in self.rows}
        return [trial for trial in self.missing if trial.trial_id not in chosen]

    @property
    def ready(self) -> list[Declared]:
        """Of the missing trials those whose stages all have a result."""
        return [trial for trial in self.missing if all(map(self._has_result, trial.stages))]

    @property
    def groundless(self) -> list[tuple[Declared, Trial]]:
        """Chosen trials without a result that nothing can be trained on, each with the stage that is to blame."""
        pairs = [(trial, self._blamed(trial)) for trial in self.unsettled]
        return [(trial, stage) for trial, stage in pairs if stage]

    @property
    def given_up(self) -> list[Declared]:
        """Chosen trials that failed `MAX_ATTEMPTS` times."""
        return [trial for trial in self.unsettled if self.attempts.get(trial.trial_id, 0) >= MAX_ATTEMPTS]

    @property
    def stages(self) -> list[Trial]:
        """The stages that declared trials stand on and that are no declared trials themselves, each once."""
        declared = {row.trial.trial_id for row in self.declared}
        found = {stage.trial_id: stage for row in self.declared for stage in row.trial.stages}
        return [stage for trial_id, stage in found.items() if trial_id not in declared]

    @property
    def settled(self) -> int:
        """How many of the chosen trials have a result."""
        return len(self.rows) - len(self.unsettled)

    @property
    def unsettled(self) -> list[Declared]:
        """The chosen trials without a result."""
        return [row.trial for row in self.rows if not self._has_result(row.trial)]

    def _has_result(self, trial: Declared) -> bool:
        return self.statuses.get(trial.trial_id) in RESULTS

    def _is_given_up(self, trial: Declared) -> bool:
        return not self.retry_failed and self.attempts.get(trial.trial_id, 0) >= MAX_ATTEMPTS

    def _blamed(self, trial: Declared) -> Trial | None:
        """The first stage of a trial that diverged, or that was given up."""
        return next((one for one in trial.stages if self._is_no_ground(one)), None)

    def _is_no_ground(self, stage: Trial) -> bool:
        diverged = self.statuses.get(stage.trial_id) == "diverged"
        return diverged or (not self._has_result(stage) and self._is_given_up(stage))

    def count(self, status: str) -> int:
        return sum(self.statuses.get(row.trial.trial_id) == status for row in self.rows)


def make_plan(
    study: Study,
    scale: Scale,
    home: Home,
    only: Mapping[str, Sequence[str]] | None = None,
    retry_failed: bool = False,
    refine: float | None = None,
) -> Plan:
    """Lay a study's table over the home's records. Raises: DeclarationError, OptionError, HomeError.

    A sweep that was refined to a relative width stays so, until another is asked for.
    """
    table = study.table(scale)
    with _collecting_nothing():
        rows = table.rows()
    unique = {row.trial.trial_id: row for row in reversed(rows)}
    declared = [row for row in rows if unique[row.trial.trial_id] is row]
    plan = Plan(
        study=study,
        scale=scale,
        only=only or {},
        declared=declared,
        rows=selected(declared, only or {}, study) if declared else [],
        repeated=len(rows) - len(declared),
        left_out=0 if isinstance(table, SearchTable) else len(table) - len(rows),
        outdated=0,
        statuses={},
        attempts={},
        retry_failed=retry_failed,
    )
    return renewed(replace(plan, growth=_growth(plan, table, home, refine)), home)


def check(study: Study, scale: Scale, only: Mapping[str, Sequence[str]], refine: float | None) -> None:
    """Raises: DeclarationError, OptionError where no plan could be made."""
    table = study.table(scale)
    rows = table.rows()
    if rows:
        selected(rows, only, study)
    if refine is not None:
        Refinement.of(study, table, refine)


def _growth(plan: Plan, table: Table | SearchTable, home: Home, width: float | None) -> "Growth | None":
    """Whence further rows come: a search's table asks for them itself, and any other's as far as it is refined."""
    if width is None:
        if isinstance(table, SearchTable):
            return Searching(table)
        width = read_header(home, plan.name).get("refine")
    return None if width is None else Refinement.of(plan.study, table, width, read_labels(home, plan.name))


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    """A plan of 100,000 trials is millions of objects without a cycle: to look for some takes as long as to make them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def renewed(plan: Plan, home: Home) -> Plan:
    """The table over what the home holds by now, with the rows that follow from it. Raises: HomeError."""
    while plan.growth and (rows := plan.growth.more(plan.declared, home)):
        declared = [*plan.declared, *rows]
        plan = replace(plan, declared=declared, rows=selected(declared, plan.only, plan.study))
    return _over(plan, home)


def _over(plan: Plan, home: Home) -> Plan:
    """The same rows over what the home holds by now."""
    counted = {trial.trial_id for row in plan.declared for trial in (*row.trial.stages, row.trial)}
    ids = stored_ids(home)
    decided = {trial_id: ids[index] for trial_id, index in deciding(ids).items() if trial_id in counted}
    return replace(
        plan,
        outdated=sum(row.status in RESULTS and row.engine != ENGINE for row in ids),
        statuses={trial_id: row.status for trial_id, row in decided.items()},
        attempts={trial_id: row.attempt for trial_id, row in decided.items()},
    )


def write_plan(plan: Plan, home: Home) -> None:
    """Leave the study's table, caption and axes beside its records, for the analysis and whoever reads the home."""
    header = {
        "name": plan.name,
        "caption": plan.study.caption,
        "scale": plan.scale,
        "declared_in": plan.study.declared_in,
        "stages": [stage.trial_id for stage in plan.stages],
        "axes": {name: _labels(plan, name) for name in plan.study.table(plan.scale).axes},
        **_probed(plan),
    }
    if isinstance(plan.growth, Refinement):
        header["refine"] = plan.growth.width
    write_table(home, plan.name, plan.declared, header)


def _labels(plan: Plan, axis: str) -> list[Label]:
    """The labels of an axis, as declared; numbers that came later stand among the others."""
    labels = list(dict.fromkeys(row.axes[axis] for row in plan.declared))
    return sorted(labels) if plan.growth and not any(isinstance(item, str) for item in labels) else labels


def _probed(plan: Plan) -> dict[str, object]:
    """What the probes of a study measure, where it has any, and whether trials are trained beside them."""
    probes = [row.trial for row in plan.declared if isinstance(row.trial, Probe)]
    if not probes:
        return {}
    measures = {name: told for probe in probes for name, told in probe.what.measures.items()}
    return {"measures": measures, "trained": len(probes) < len(plan.declared)}


def selected(rows: Sequence[Row], only: Mapping[str, Sequence[str]], study: Study) -> list[Row]:
    """The rows that `only` chooses. Raises: OptionError for an axis or a value that the table does not have."""
    kept = list(rows)
    for axis, texts in only.items():
        if axis not in rows[0].axes:
            raise OptionError(f"study {study.name} has no axis {axis}: choose among {', '.join(rows[0].axes)}")
        labels = list(dict.fromkeys(row.axes[axis] for row in rows))
        wanted = [part for text in texts for part in _parts(text, labels)]
        for part in wanted:
            if not any(matches(label, part) for label in labels):
                choices = ", ".join(str(label) for label in labels)
                raise OptionError(
                    f"{study.name}'s axis {axis} has no value {part or repr(part)}: choose among {choices}"
                )
        kept = [row for row in kept if any(matches(row.axes[axis], part) for part in wanted)]
    return kept


def _parts(text: str, labels: Sequence[Label]) -> list[str]:
    """The values in `V1,V2`; a label that holds a comma is one value."""
    return [text] if any(matches(label, text) for label in labels) else text.split(",")


def matches(label: Label, text: str) -> bool:
    """Whether a value typed on the command line means this label (`->` for `→` and `<=` for `≤` will do)."""
    if str(label).replace("→", "->").replace("≤", "<=").lower() == text.replace("→", "->").replace("≤", "<=").lower():
        return True
    try:
        return not isinstance(label, str) and float(text) == float(label)
    except (ValueError, OverflowError):
        return False
