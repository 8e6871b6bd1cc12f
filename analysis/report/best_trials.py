"""The best trials of a study: a sheet of every report with a finished trial that can be ranked, a column an axis."""

import pandas as pd

from analysis.explore.explored import Explored
from analysis.explore.fronts import on_front
from analysis.explore.measures import Measure
from analysis.frames.standards import are_densities
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import MEASURES, label_text
from analysis.tables.sheet import Sheet

BEST = "best_trials"
"""The sheet's file name."""

MOST = 5

BY_DEFAULT = "neg_elbo_test"
"""What ranks the trials of a study that is no search: −ELBO is J at β = 1, and so compares trials of any β."""


def best_trials(view: View) -> list[Sheet]:
    """One sheet: the trials that are best by what a search minimises, otherwise by −ELBO; of several data sets, each one's.

    Where a search minimises several measures together, those are best that no trial betters in all of them.
    """
    if not view.header.trained:
        return []
    explored = Explored.of(view)
    named = [*view.header.minimised] or [BY_DEFAULT]
    aims = [measure for column in named if (measure := explored.measure(column))]
    if len(aims) < len(named):
        return []
    ranked = explored.finished.dropna(subset=named)
    if named == [BY_DEFAULT]:
        ranked = ranked[are_densities(ranked)] if are_densities(ranked).any() else ranked
    best, how = _best(ranked, aims, explored)
    shown = pd.DataFrame({MEASURES.get(aim.column, aim.name): best[aim.column].astype(float) for aim in aims})
    for axis in explored.axes:
        labels = best[axis.name]
        shown[axis.symbol or axis.title] = labels if axis.is_numeric else labels.map(label_text).astype(str)
    shown["trial id"] = best["trial_id"].astype(str)
    return [Sheet(BEST, f"Best trials, by {how}", shown)]


def _best(ranked: Frame, aims: list[Measure], explored: Explored) -> tuple[Frame, str]:
    """A few trials, the best first, and what makes them so."""
    columns = [aim.column for aim in aims]
    names = " and ".join(aim.name for aim in aims)
    in_order = ranked.sort_values(columns, kind="stable")
    if len(aims) > 1:
        front = in_order[on_front(in_order[columns].to_numpy(float))].drop_duplicates(columns)
        kept = front.iloc[sorted({round(i * (len(front) - 1) / (MOST - 1)) for i in range(MOST)})]
        return kept, f"{names}, which the search minimises: {len(kept)} of {len(front)} that none betters in all"
    why = ", which the search minimises" if explored.header.minimised else ""
    if len(ranked["data_id"].unique()) > 1:
        return in_order.drop_duplicates("data_id").head(MOST), f"{names}{why}, on each data set"
    return in_order.head(MOST), f"{names}{why}"
