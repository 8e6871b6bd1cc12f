"""gamma_star: what the slopes of K and J say of r while γ is learned."""

from analysis.claims.claim import Claim
from analysis.claims.dimension import dimension_claims, dimension_sheet
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.sheet import Sheet
from study.catalog.gamma_star.table import gamma_star

OF_RATE, OF_OBJECTIVE = ("S3", "D9"), ("D9", "D1-7")


@gamma_star.claims
def of_dimension(view: View) -> list[Claim]:
    """The claims about slopes, for each data set."""
    return slopes(view.trials, view.header, view.curves)


def slopes(trials: Frame, header: Header, curves: Frame) -> list[Claim]:
    """The claims about trials with the axes `data`, `mode` and `seed`: those with a learned γ count."""
    return [
        claim
        for (data,), own in cells(trials, header, ["data"])
        for claim in dimension_claims(label_text(data), own, curves, OF_RATE, OF_OBJECTIVE)
    ]


@gamma_star.sheets
def dimensions(view: View) -> list[Sheet]:
    """r̂ beside r and the active latents, for each data set."""
    groups = (({"data": label_text(data)}, own) for (data,), own in cells(view.trials, view.header, ["data"]))
    sheet = dimension_sheet(groups, view.curves)
    return [sheet] if sheet else []
