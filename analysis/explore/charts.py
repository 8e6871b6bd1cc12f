"""All charts of a study, each where the study has what it shows, and the data sets that they share."""

from altair.utils.schemapi import debug_mode

from analysis.explore.curves import curves_of
from analysis.explore.datasets import cell_rows, trial_rows
from analysis.explore.explored import Explored
from analysis.explore.heatmap import heatmap
from analysis.explore.history import history
from analysis.explore.parallel import parallel
from analysis.explore.planes import front, rate_distortion
from analysis.explore.strips import strips
from analysis.explore.sweeps import active_dimensions, explorer
from analysis.explore.training import training
from analysis.figures.chart import Charts, Rows
from analysis.frames.view import View


@debug_mode(False)
def charts_of(view: View) -> Charts:
    """The charts of a study; none where no trial has finished. Tests validate them: Altair does not, part by part.

    Raises: AnalysisError, HomeError.
    """
    explored = Explored.of(view)
    if explored.finished.empty or not explored.measures:
        return Charts([], {})
    datasets: dict[str, Rows] = {"trials": trial_rows(explored)}
    charts = [make(explored) for make in (history, front, explorer, active_dimensions)]
    if shares := heatmap(explored):
        charts.append(shares[0])
        datasets["importance"] = shares[1]
    if lines := parallel(explored):
        charts.append(lines[0])
        datasets |= {"cells": cell_rows(explored), "ticks": lines[1]}
    charts.append(rate_distortion(explored))
    curves = curves_of(explored, view.curves) if explored.header.trained else None
    if curves:
        charts += training(explored, curves)
        datasets["curves"] = curves.rows
    if pictures := strips(explored, view.home):
        charts.append(pictures[0])
        datasets["strips"] = pictures[1]
    return Charts([chart for chart in charts if chart], datasets)
