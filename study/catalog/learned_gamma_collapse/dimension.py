"""learned_gamma_collapse: what the slopes of K and J say of r while γ falls, at β at which no mode is lost."""

import math
from collections.abc import Iterable, Iterator

from analysis.claims.beta_sweep import BetaSweep, sweeps
from analysis.claims.claim import Claim
from analysis.claims.dimension import dimension_claims, dimension_sheet
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.sheet import Sheet
from study.catalog.learned_gamma_collapse.table import learned_gamma_collapse

OF_RATE, OF_OBJECTIVE = ("S3", "D9"), ("D9", "D1-7")

WELL_BELOW = 0.8
"""The largest β, as a multiple of d/r, up to which slopes are taken: nearer to d/r γ falls too slowly."""


@learned_gamma_collapse.claims
def of_dimension(view: View) -> list[Claim]:
    """The claims about slopes, for each data set."""
    return slopes(sweeps(view), view.curves)


def slopes(found: Iterable[BetaSweep], curves: Frame) -> list[Claim]:
    """The claims about the sweeps without a ceiling."""
    return [
        claim
        for sweep in _uncapped(found)
        for claim in dimension_claims(sweep.data, _falling(sweep), curves, OF_RATE, OF_OBJECTIVE)
    ]


@learned_gamma_collapse.sheets
def dimensions(view: View) -> list[Sheet]:
    """r̂ beside r, for each data set and β."""
    groups = (
        ({"data": sweep.title, "β": f"{beta:g}"}, own)
        for sweep in _uncapped(sweeps(view))
        for beta, own in _falling(sweep).groupby("beta")
    )
    sheet = dimension_sheet(groups, view.curves)
    return [sheet] if sheet else []


def _uncapped(found: Iterable[BetaSweep]) -> Iterator[BetaSweep]:
    """Those without a ceiling of γ on data of known dimension."""
    return (sweep for sweep in found if not sweep.capped and math.isfinite(sweep.lossless))


def _falling(sweep: BetaSweep) -> Frame:
    """The finished trials in which γ falls to zero."""
    return sweep.finished[sweep.finished["beta"] <= WELL_BELOW * sweep.lossless]
