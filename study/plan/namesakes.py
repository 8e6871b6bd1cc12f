"""Namesakes: a home knows a study by its name, so another study of that name must not take its place.

A study is the one that the home holds if the same file declares it, whatever has been edited there. From another place it is
taken for that one, copied or moved, if its table holds all trials of the home's plan; or, where the first file is gone or
declares no study of that name any more, some of them, or none if the files have one name: a path among the options of its
data, say, made them others when the folder moved. Any other is refused, and nothing of the first is lost.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from study.cli import counted
from study.errors import OptionError
from study.plan.files import cleaning, read_header, read_rows
from study.plan.plan import Plan
from study.record import Home


def refuse_namesake(plan: Plan, home: Home) -> None:
    """Raises: OptionError where the home holds another study of the plan's name."""
    before, now = read_header(home, plan.name).get("declared_in"), plan.study.declared_in
    if not before or _is_same(before, now):  # homes of earlier versions do not say
        return
    known, mine = set(read_rows(home, plan.name)), {row.trial.trial_id for row in plan.declared}
    lost = known - mine
    if not lost or ((known & mine or _has_one_file_name(before, now)) and not _is_declared(before)):
        return
    there, here = _place(before), _place(now)
    raise OptionError(
        f"{home} already holds a study {plan.name}, from {there}, and {here} declares {_share(lost, known)}: rename one of "
        f"the two, choose another --home, or give the first up (`{cleaning(home)} --forget {plan.name} --delete`)"
    )


def _share(lost: Collection[str], known: Collection[str]) -> str:
    """ "none of its 8 trials", "6 of its 8 trials"."""
    kept = len(known) - len(lost)
    return f"{kept or 'none'} of its {counted(len(known), 'trial')}"


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if _place(one) == _place(other):
        return True
    files = [Path(each["file"]) for each in (one, other) if "file" in each and Path(each["file"]).is_file()]
    return len(files) == 2 and files[0].samefile(files[1])  # one file under two paths


def _has_one_file_name(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    names = [Path(each["file"]).name for each in (one, other) if "file" in each]
    return len(names) == 2 and names[0] == names[1]


def _is_declared(place: Mapping[str, Any]) -> bool:
    """Whether a study is still to be found where the home says that it is declared."""
    if "package" in place:
        return True
    try:
        text = Path(place.get("file") or place["origin"]).read_text("utf-8", "replace")
    except OSError:
        return False
    return re.search(rf"\bdef\s+{re.escape(place['study'])}\b", text) is not None


def _place(declared_in: Mapping[str, Any]) -> str:
    """What sentences call the place, and what tells it from others."""
    return str(declared_in.get("package") or declared_in.get("origin") or declared_in.get("file"))
