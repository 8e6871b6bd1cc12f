"""Cleaning a home: `python -m study.clean [--home ./runs] [--delete]` counts or removes what no study refers to.

A study refers to the trials of its plan: its table as it was last launched. Trials that were dropped from a table, or
whose study was forgotten, are referred to no more. Without `--delete` nothing changes.
"""

import difflib
from collections.abc import Mapping, Set
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from study.cli import command_of, counted, refuse, run, tell
from study.record import WORK_LOCK, Home, HomeError
from study.record.garbage import Garbage, declared_ids, dropped_ids, find_garbage, remove
from study.record.read import patiently
from study.record.study_files import PLAN, study_file

YOUNG_S = 600.0
"""Left-over files younger than this stay: a worker may outlive its launch, and data come before the lock."""


def clean(home: Home, forgotten: frozenset[str] = frozenset(), delete: bool = False, alone: bool = False) -> Garbage:
    """What no study refers to, the `forgotten` ones left out of account; removed if `delete`. Raises: HomeError."""
    _check_forgotten(home, forgotten)
    _declared(home, forgotten)  # refuse a wrong home before a lock file is put there
    if not delete:
        return patiently(lambda: find_garbage(home, _declared(home, forgotten), YOUNG_S))
    if not (home.local or alone):
        raise HomeError(
            f"{home} cannot be locked against a launch at work: add --alone when nothing else is at work there"
        )
    with home.claim(WORK_LOCK, "a cleaning") as other, home.lock("records/.lock"):
        if other is not None:
            raise HomeError(f"a launch is at work in {home}: clean it when that is done")
        home.learn_clock()  # before anything is judged too young to delete
        declared = _declared(home, forgotten)
        for study in (
            forgotten
        ):  # the plan first: once it is gone the study refers to nothing, whatever a kill leaves of its folder
            home.delete(study_file(study, PLAN))
            home.drop(f"studies/{study}")
        found = find_garbage(home, declared, YOUNG_S)
        remove(home, found)
    return found


def _declared(home: Home, forgotten: frozenset[str]) -> frozenset[str]:
    plans = declared_ids(home, forgotten)
    if not plans and not forgotten:
        raise HomeError(f"{home} holds no studies, so nothing in it is referred to: name the home with --home")
    return frozenset().union(*plans.values())


def _check_forgotten(home: Home, studies: frozenset[str]) -> None:
    known = home.folders("studies")
    for study in studies.difference(known):
        near = difflib.get_close_matches(study, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it holds {', '.join(known) or 'none'}"
        raise HomeError(f"there is no study {study} in {home}: {hint}")


def main(
    home: Annotated[str, typer.Option(metavar="DIR|URI", help="The home to clean.")] = "./runs",
    delete: Annotated[bool, typer.Option("--delete", help="Remove it, and do not only count it.")] = False,
    forget: Annotated[
        list[str] | None, typer.Option("--forget", metavar="STUDY", help="Drop a study's plan and report (repeatable).")
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Nothing else is at work in this object store.")] = False,
) -> None:
    """Count, and with --delete remove, what no study of a home refers to any more. Run it while no launch is at work."""
    try:
        place = Home(home)
        dropped = dropped_ids(place)
        found = clean(place, frozenset(forget or ()), delete, alone)
    except HomeError as fault:
        refuse(str(fault))
    console = Console(highlight=False)
    for line in (*_lines(found), *_dropped(found, dropped)):
        tell(console, line)
    done = "forgotten" if delete else "to be forgotten"
    for study in forget or ():
        tell(console, f"{done}: the study {escape(study)}, its plan and its report")
    tell(console, f"{'removed' if delete else 'to remove'}: {_size(found.size)}; stays: {_stays(found)}")
    if found.young:
        tell(
            console,
            f"left alone: {counted(found.young, 'file')} of the last ten minutes, which a launch may still be writing",
        )
    if found.trials:
        tell(console, "MLflow's runs of these trials stay: delete them in MLflow")
    if not delete and (found or forget):
        tell(console, "nothing was removed: add --delete to remove it")


def _lines(found: Garbage) -> list[str]:
    lines = []
    if rows := found.rows.total():
        whose = f"{counted(found.trials, 'trial')} that no study declares, and of attempts that do not count"
        lines.append(f"{counted(rows, 'row')} of {whose}, about {_size(found.row_bytes)}")
    if found.shared:
        lines.append(f"weights and pictures within {counted(len(found.shared), 'file')}, {_size(found.shared_bytes)}")
    for kind, files in sorted(found.files.items()):
        lines.append(f"{kind}: {counted(len(files), 'file')}, {_size(sum(file.size for file in files))}")
    return lines


def _dropped(found: Garbage, dropped: Mapping[str, Set[str]]) -> list[str]:
    counts = {study: len(ids & found.going) for study, ids in dropped.items()}
    return [
        f"among them {counted(count, 'trial')} that {escape(study)} declared until its table changed"
        for study, count in counts.items()
        if count
    ]


def _stays(found: Garbage) -> str:
    return f"{counted(len(found.kept), 'trial')}, {_size(found.staying_bytes)}"


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"


app = command_of(main)

if __name__ == "__main__":
    run(app, "python -m study.clean")
