"""Second stages against first ones: what a second VAE is for."""

import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, most
from analysis.claims.estimate import share_of
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import number
from study.catalog.grid_gamma.question import finished
from study.catalog.grid_gamma.table import ONE_STAGE, TWO_STAGES


def second_stages(frame: Frame, header: Header) -> list[Claim]:
    """For each γ with two-stage trials, whether the second stage's q(u) is nearer to the prior than the first's q(z).

    Generation samples the prior in place of q(u), so this is what the second VAE is for.
    """
    if not {"data", "gamma", "method"} <= header.axes.keys():
        return []
    found, keys = [], header.varying("data", "gamma", "method")
    for (data, gamma), trials in cells(finished(frame), header, ["data", "gamma"]):
        sides = [trials[trials["method"].eq(method)].set_index(keys)["mmd"] for method in (ONE_STAGE, TWO_STAGES)]
        pairs = pd.concat(sides, axis=1, keys=["first", "second"], join="inner").dropna()
        if len(pairs):
            found.append(_nearer(label_text(data), label_text(gamma), pairs))
    return found


def _nearer(data: str, gamma: str, pairs: Frame) -> Claim:
    """Pairs are counted: distances of first stages spread over two orders of magnitude, and a mean is that of the largest."""
    nearer = Comparison(
        "MMD(second) < MMD(first)", share_of(int((pairs["second"] < pairs["first"]).sum()), len(pairs), "pairs"), most()
    )
    first, second = (number(pairs[side].mean()) for side in ("first", "second"))
    return Claim(
        f"{data} at β = 1",
        f"after a first stage with γ {gamma}, the second VAE's aggregate posterior is nearer to the prior",
        "Dai & Wipf (2019), section 4",
        measured=f"{nearer}; mean MMD {first} and {second}",
        trials=2 * len(pairs),
        comparisons=[nearer],
    )
