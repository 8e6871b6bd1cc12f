"""Finding the study that declared a home's trials, which the report asks for claims, figures and sheets.

The study's record says where it is declared. A study of the catalog is a package: its modules, `claims` and `figures` for
example, decorate functions with the study of its `table`. A user's study is in the user's own file, which runs only if it
decorates such functions. Nothing is imported before the report asks.
"""

import os
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, NamedTuple

from analysis.frames.load import Header

CATALOG = "study.catalog"

KINDS = ("claims", "figures", "sheets")
"""The decorators of a study, see `study.declare.table.Study`."""


class Declaring(NamedTuple):
    """The study to ask, if any; its name if it is the catalog's; and the fault if it cannot be asked."""

    study: Any = None
    in_catalog: str | None = None
    fault: str | None = None


def declaring_study(header: Header, live: Any = None) -> Declaring:
    """The study behind a header. `live` is the study object, if this process has it: then its file does not run again."""
    place = header.declared_in or _of_an_earlier_version(header)
    if package := place.get("package"):
        return _of_catalog(str(package), place["study"])
    if live is not None:
        return Declaring(live)
    if "file" in place:
        return _of_file(place, header)
    return Declaring(fault=_left_in_notebook(place)) if place.get("findings") else Declaring()


def _left_in_notebook(place: dict[str, Any]) -> str:
    name, origin = place["study"], place["origin"]
    return (
        f"the {_listed(place['findings'])} of {name} are left out, which only its notebook knows ({origin}): "
        f"write_report({name!r}, home, {name}) there adds them"
    )


def _of_catalog(package: str, name: str) -> Declaring:
    try:
        if package != f"{CATALOG}.{name}":
            raise ImportError(f"{package} is not in {CATALOG}")
        study = getattr(import_module(f"{package}.table"), name)
        for module in sorted(each.name for each in iter_modules(import_module(package).__path__)):
            import_module(f"{package}.{module}")
    except Exception as fault:
        return Declaring(
            None, name, f"the claims of {name} are left out: {package} cannot be imported ({_said(fault)})"
        )
    return Declaring(study, name)


def _of_an_earlier_version(header: Header) -> dict[str, Any]:
    """For headers of earlier versions, which do not say: the catalog's study of that name, if its table has these axes."""
    package = f"{CATALOG}.{header.study}"
    try:
        table = getattr(import_module(f"{package}.table"), header.study).tables[header.scale]
    except (ImportError, AttributeError, KeyError):
        return {}
    return {"study": header.study, "package": package} if _has_axes(header, table) else {}


def _has_axes(header: Header, table: Any) -> bool:
    """Whether the table has the same axes in the same order, and every text among their labels."""
    labels = getattr(table, "labels", {})  # a search's labels follow from its results
    if table is None:
        return False
    texts = {axis: {one for one in of if isinstance(one, str)} for axis, of in header.axes.items() if axis in labels}
    return list(header.axes) == list(table.axes) and all(of <= {*map(str, labels[axis])} for axis, of in texts.items())


def _of_file(place: dict[str, Any], header: Header) -> Declaring:
    name, found = place["study"], _found(place)
    if found is None and place["findings"]:
        return Declaring(fault=f"the {_listed(place['findings'])} of {name} are left out: {place['file']} is gone")
    if found is None:
        return Declaring()
    try:
        module = _imported(found) or (_load(found) if _registers(found) else None)
    except (Exception, SystemExit) as fault:
        return Declaring(fault=f"the {_listed(KINDS)} of {name} are left out: {fault}")
    if module is None:
        return Declaring()
    study = next((one for one in vars(module).values() if _is_study(one, name)), None)
    if study is None:
        return Declaring(fault=f"the {_listed(KINDS)} of {name} are left out: {found} does not declare {name} any more")
    if found != Path(place["file"]) and not _has_axes(header, study.tables.get(header.scale)):
        return Declaring(
            fault=f"the {_listed(KINDS)} of {name} are left out: {found} declares another study of that name"
        )
    return Declaring(study)


def _found(place: dict[str, Any]) -> Path | None:
    """The file at its recorded path, or at its path from the launch folder, taken from the current one."""
    return next((path for path in map(Path, (place["file"], place["beside"])) if path.is_file()), None)


def _registers(file: Path) -> bool:
    """Whether the file decorates a claim, figure or sheet: an unrelated script must not run."""
    lines = (line.partition("#")[0].strip() for line in file.read_text("utf-8", "replace").splitlines())
    return any(line.startswith("@") and line.endswith(tuple(f".{kind}" for kind in KINDS)) for line in lines)


def _imported(file: Path) -> ModuleType | None:
    """The module of the file, if this process imported it: a script that analyses its own study does not run again."""
    path = os.path.realpath(file)
    names = [name for name in sys.modules if not name.startswith("collapsar_study_")]
    found = (sys.modules[name] for name in names)
    return next((one for one in found if os.path.realpath(getattr(one, "__file__", None) or "") == path), None)


def _load(file: Path) -> ModuleType:
    """The file's module, loaded as a launch does. Imported here: only a user's file needs what declarations need."""
    return import_module("study.launch.find").load(file)


def _is_study(value: object, name: str) -> bool:
    return getattr(value, "name", None) == name and hasattr(value, "findings")


def _listed(kinds: Any) -> str:
    *others, last = kinds
    return f"{', '.join(others)} and {last}" if others else last


def _said(fault: BaseException) -> str:
    return " ".join(str(fault).split()) or type(fault).__name__
