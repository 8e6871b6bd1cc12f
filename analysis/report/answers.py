"""What the studies of the catalog claim, draw and tabulate: one module a study, of the study's name.

A module offers `claims(view)`, and where the general figures and the table by cells do not say what the study is about,
`drawings(view)` in place of the figures and `sheets(view)` beside the table. A study of the user's own has none.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from analysis.claim import Claim
from analysis.figures import Drawing, figures
from analysis.regime import PROBE
from analysis.sheet import Sheet
from analysis.view import View

NAMES = tuple(module.name for module in iter_modules(__path__))
"""Studies that have a module here."""


def claims(view: View) -> list[Claim]:
    """Every claim of the study, at either scale."""
    return _said(view, "claims", list)


def drawings(view: View) -> list[Drawing]:
    """The study's own figures, or the general ones where it has none."""
    return _said(view, "drawings", lambda: _general(view))


def sheets(view: View) -> list[Sheet]:
    """The study's own tables."""
    return _said(view, "sheets", list)


def _general(view: View) -> list[Drawing]:
    """Figures of trainings, in which probes have no place."""
    trained = view.trials[view.trials["stage"].ne(PROBE)]
    return figures(trained, view.curves, view.header) if view.header.trained else []


def _said(view: View, what: str, otherwise: Any) -> Any:
    name = view.header.name.removesuffix("-paper")
    module = import_module(f"analysis.studies.{name}") if name in NAMES else None
    return getattr(module, what)(view) if hasattr(module, what) else otherwise()
