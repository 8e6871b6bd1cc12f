"""kappa_saturation: what the slopes of K and J say of r while γ falls, in networks with latents to spare."""

from collections.abc import Iterator

from analysis.claims.claim import Claim
from analysis.claims.dimension import dimension_claims, dimension_sheet
from analysis.figures.bands import SKIPS
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.sheet import Sheet
from study.catalog.kappa_saturation.table import kappa_saturation

OF_RATE, OF_OBJECTIVE = ("S3", "D9"), ("D9", "D1-7")


@kappa_saturation.claims
def of_dimension(view: View) -> list[Claim]:
    """The claims about slopes, for each data set and kind of skip."""
    return slopes(view.trials, view.header, view.curves)


def slopes(trials: Frame, header: Header, curves: Frame) -> list[Claim]:
    """The claims about trials with the axes `data`, `skip`, `kappa` and `seed`."""
    return [
        claim
        for where, own in _with_latents_to_spare(trials, header)
        for claim in dimension_claims(where, own, curves, OF_RATE, OF_OBJECTIVE)
    ]


@kappa_saturation.sheets
def dimensions(view: View) -> list[Sheet]:
    """r̂ beside r and the active latents, for each data set, kind of skip and κ."""
    groups = (
        ({"data, decoder": where, "κ": kappa}, own)
        for where, trials in _with_latents_to_spare(view.trials, view.header)
        for kappa, own in trials.groupby("kappa")
    )
    sheet = dimension_sheet(groups, view.curves)
    return [sheet] if sheet else []


def _with_latents_to_spare(trials: Frame, header: Header) -> Iterator[tuple[str, Frame]]:
    """The trials of each data set and kind of skip with κ ≥ r; where r is not known, of each κ of which no trial uses all."""
    for (data, skip), own in cells(trials, header, ["data", "skip"]):
        where = f"{label_text(data)}, {SKIPS[skip].label if skip in SKIPS else skip}"
        if own["intrinsic_dim"].notna().any():
            yield where, own[own["kappa"].ge(own["intrinsic_dim"])]
            continue
        to_spare = own[own["kappa"].gt(own.groupby("kappa")["n_active"].transform("max"))]
        if len(to_spare):
            yield where, to_spare
