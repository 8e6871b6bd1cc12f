"""Namesakes: a home knows a study by its name, so another study of that name must not take its place.

A study is the one that the home holds if the same file declares it, whatever has been edited there. From another place it is
taken for that one, copied or moved, if its table holds all trials of the home's plan; or some of them, where the first file
is gone or declares no study of that name any more. Any other is refused, and nothing of the first is lost.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
    if not lost or (known & mine and not _is_declared(before)):
        return
    there, here = _place(before), _place(now)
    raise OptionError(
        f"{home} holds another study {plan.name}, declared in {there}: {len(lost)} of its {len(known)} trials are not in "
        f"the table of {here}, which would take its place: rename one of them, or choose another --home "
        f"(`{cleaning(home)} --forget {plan.name} --delete` gives up the first)"
    )


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if _place(one) == _place(other):
        return True
    files = [Path(each["file"]) for each in (one, other) if "file" in each and Path(each["file"]).is_file()]
    return len(files) == 2 and files[0].samefile(files[1])  # one file under two paths


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
