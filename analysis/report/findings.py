"""What a study says about its own results: claims, figures and sheets.

If a function of the study raises or returns something else, the report keeps what the others return, and one sentence
names the study, the file, the line and the fault.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from traceback import walk_tb
from types import CodeType
from typing import Any

from analysis.claims.claim import Claim
from analysis.explore.names import NAMES
from analysis.figures.drawing import Drawing
from analysis.frames.view import View
from analysis.report.best_trials import BEST, best_trials
from analysis.report.declaring_study import declaring_study
from analysis.report.failures import FAILURES, failures
from analysis.tables.sheet import Sheet
from study.record import HomeError

MOST_LETTERS = 300
"""The length to which a fault's own message is cut."""

TABLE = "table"
"""The file name of the table by cells, which every report has."""


@dataclass
class Findings:
    """What a study says about its results. `faults` are sentences about what is missing.

    `in_catalog` is the study's name if it is the catalog's. `own_sheets` names the sheets that not every report has, and
    `left_out` counts in a sentence what of them is left out, since nothing of it is measured; it is empty where nothing is.
    """

    claims: list[Claim] = field(default_factory=list)
    figures: list[Drawing] = field(default_factory=list)
    sheets: list[Sheet] = field(default_factory=list)
    own_sheets: list[str] = field(default_factory=list)
    left_out: str = ""
    faults: list[str] = field(default_factory=list)
    in_catalog: str | None = None


def findings(view: View, live: Any = None) -> Findings:
    """Claims, figures and sheets of the study; `live` is the study object, if this process has it."""
    found = claims_of(view, live)
    study = declaring_study(view.header, live).study
    found.figures = _asked(study, "figures", Drawing, view, found.faults) if study else []
    found.sheets = _asked(study, "sheets", Sheet, view, found.faults) if study else []
    _refuse_names(found, view.study)
    found.sheets, found.left_out = _measured(found.sheets, view)
    found.own_sheets = [sheet.name for sheet in found.sheets]
    found.sheets += [*best_trials(view), *failures(view)]
    return found


def claims_of(view: View, live: Any = None) -> Findings:
    """The study's claims, without its figures and sheets."""
    study, in_catalog, fault = declaring_study(view.header, live)
    found = Findings(faults=[fault] if fault else [], in_catalog=in_catalog)
    claims = _asked(study, "claims", Claim, view, found.faults) if study else []
    seeds = int(view.trials["seed"].nunique()) if claims and "seed" in view.trials else 0
    found.claims = [replace(one, scale=view.header.scale, seeds=one.seeds or seeds) for one in claims]
    return found


def _asked(study: Any, kind: str, wanted: type, view: View, faults: list[str]) -> list[Any]:
    """What all functions of a kind return; a sentence is added to `faults` for each that fails."""
    found = []
    for function in study.findings[kind].values():
        try:
            found += _checked(function, wanted, view)
        except HomeError:
            raise
        except (Exception, SystemExit) as fault:
            faults.append(f"the {kind} of {view.study} are incomplete: {_where(function.__code__, fault)}")
    return found


class _NoFindingError(TypeError):
    """A function returned something else than findings."""


def _checked(function: Callable[[View], Iterable[Any]], wanted: type, view: View) -> list[Any]:
    found = function(view)
    listed = [] if isinstance(found, str) or not isinstance(found, Iterable) else list(found)
    if not isinstance(found, Iterable) or isinstance(found, str) or not all(isinstance(one, wanted) for one in listed):
        raise _NoFindingError(f"`{function.__name__}` returned no list of {wanted.__name__}")
    return listed


def _where(code: CodeType, fault: BaseException) -> str:
    """The fault, with its last line in the function's own file."""
    lines = [line for frame, line in walk_tb(fault.__traceback__) if frame.f_code.co_filename == code.co_filename]
    where = f"{code.co_filename}, line {lines[-1] if lines else code.co_firstlineno},"
    if isinstance(fault, _NoFindingError):
        return f"{where} {fault}"
    said = " ".join(str(fault).split())[:MOST_LETTERS]
    return f"{where} raised {type(fault).__name__}{f': {said}' if said else ''}"


def _measured(sheets: list[Sheet], view: View) -> tuple[list[Sheet], str]:
    """The sheets without rows of which nothing is measured, and the sentence that counts what is left out."""
    shown = [sheet.measured(view.header.axes) for sheet in sheets]
    kept = [sheet for sheet in shown if len(sheet.frame)]
    counts = {"row": sum(sheet.unmeasured for sheet in kept), "whole table": len(shown) - len(kept)}
    told = [f"{n} {name}{'s' * (n > 1)}" for name, n in counts.items() if n]
    if not told:
        return kept, ""
    one = sum(counts.values()) == 1
    return kept, (
        f"Of the study's own tables {' and '.join(told)} {'is' if one else 'are'} left out: "
        f"nothing in {'it' if one else 'them'} is measured yet."
    )


def _refuse_names(found: Findings, study: str) -> None:
    """Leave out figures and sheets whose names are taken or make no file name."""
    for kind, taken in (("figures", {*NAMES}), ("sheets", {TABLE, BEST, FAILURES})):
        kept = {}
        for one in getattr(found, kind):
            if one.name in {*taken, *kept} or not one.name or set(one.name) & set("/\\:"):
                found.faults.append(f"the {kind} of {study} are incomplete: give {one.name!r} a name of its own")
            else:
                kept[one.name] = one
        setattr(found, kind, [*kept.values()])
