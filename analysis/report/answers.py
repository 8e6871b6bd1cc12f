"""What a study itself says of its results, beside the table by cells and the general figures: claims, drawings, sheets.

A study of the catalog says it in `study.catalog.NAME.claims`: it offers `claims(view)`, and where the general figures and
the table by cells do not say what the study is about, `drawings(view)` in place of the figures and `sheets(view)` beside the
table.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from analysis.claims.claim import Claim
from analysis.figures.general import Drawing, figures
from analysis.frames.regime import PROBE
from analysis.frames.view import View
from analysis.tables.sheet import Sheet


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
    module = import_module(f"study.catalog.{name}.claims") if _is_of_the_catalog(name) else None
    return getattr(module, what)(view) if hasattr(module, what) else otherwise()


def _is_of_the_catalog(name: str) -> bool:
    return find_spec(f"study.catalog.{name}") is not None
