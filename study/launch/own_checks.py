"""Checks of the user's code before anything is started for it: all that is wrong with a launch's studies, at once."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape

from models.specs import OwnData
from models.specs.source import is_changed
from study.cli import counted, tell
from study.declare.table import Label
from study.declare.trial import Trial
from study.errors import FaultsError
from study.plan.launch_plan import LaunchPlan


def check_own(plan: LaunchPlan, console: Console) -> None:
    """Try each distinct network and data set of the user's that missing trials need, and print what should be known.

    Raises: FaultsError with one sentence for each that is wrong.
    """
    if changed := _changed_data(plan):
        raise FaultsError(changed)
    trials = [trial for trial in plan.missing if isinstance(trial, Trial)]
    if not any(map(_has_own, trials)):
        return
    from study.train.rehearsal import key, rehearse  # imports torch, which other launches need later or never

    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        if (own := key(trial)) is not None:
            groups.setdefault(own, []).append(trial)
    faults, notes, axes = dict[str, list[Trial]](), dict[str, None](), _axes(plan)
    for group in groups.values():
        found = rehearse(group[0])
        for fault in found.faults:
            faults.setdefault(fault, []).extend(group)
        notes |= dict.fromkeys(found.notes)
    for note in notes:
        tell(console, escape(note))
    if faults:
        raise FaultsError([f"{fault} ({_where(group, axes)})" for fault, group in faults.items()])


def _changed_data(plan: LaunchPlan) -> list[str]:
    """A sentence for each file that is another one than its data were declared with, also where no result is missing.

    A file that is gone matters to those alone who must read it.
    """
    trials = [row.trial for own in plan.plans for row in own.declared if isinstance(row.trial, Trial)]
    specs = {id(spec): spec for trial in trials for spec in trial.datasets if isinstance(spec, OwnData) and spec.files}
    declared = ((path, before, spec.name) for spec in specs.values() for path, before in spec.files.items())
    sentences = (
        f"{path} has changed since {name} was declared: run the cell or file with OwnData.of({name}, ...) again"
        for path, before, name in declared
        if is_changed(path, before, if_unreadable=False)
    )
    return list(dict.fromkeys(sentences))


def _has_own(trial: Trial) -> bool:
    has_functions = bool(trial.objective.terms or trial.metrics)
    return has_functions or trial.model.kind == "Own" or any(spec.is_own for spec in trial.datasets)


def _axes(plan: LaunchPlan) -> dict[str, Mapping[str, Label]]:
    return {row.trial.trial_id: row.axes for own in plan.plans for row in own.rows}


def _where(trials: Sequence[Trial], axes: Mapping[str, Mapping[str, Label]]) -> str:
    """The rows that trials stand in, by the labels that they share: `net=Mine, 3 trials`."""
    rows = [axes[trial.trial_id] for trial in trials if trial.trial_id in axes]
    shared = rows[0].items() if rows else ()
    for row in rows:
        shared = [item for item in shared if item in row.items()]
    return ", ".join([*(f"{axis}={label}" for axis, label in shared), counted(len(trials), "trial")])
