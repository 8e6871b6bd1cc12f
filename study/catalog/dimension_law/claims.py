"""dimension_law: the largest β at which nothing is lost, against d/r.

Something is lost where NRE, the lost part of the variance, is above 0.05. A seed's event lies between the largest β before
that and the next β of the sweep, a tenth higher: their geometric mean stands for it, with half a step as its systematic
error. Training that stops too soon makes it lower.

Source: Dai, Wenliang & Wipf (2021), earlier version, section 2.3; Wang & Ziyin (2022), appendix D, for linear data.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.claims.beta_sweep import LOST
from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, between, near
from analysis.claims.estimate import mean_of
from analysis.claims.lacks import too_few
from analysis.figures.drawing import Drawing
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells
from analysis.tables.sheet import Sheet
from study.catalog.dimension_law.figures import law
from study.catalog.dimension_law.table import dimension_law

NEAR = (0.8, 1.05)
"""Where the event is expected, as parts of d/r."""

HALF_STEP = 0.05
"""Half the distance of two neighbouring β of the sweep, relative."""

SLOPE = 0.05
"""Relative tolerance of the exponent of the law."""

SOURCE = "Dai, Wenliang & Wipf (2021), earlier version, section 2.3"


@dataclass(frozen=True)
class Setting:
    """The trials of one d and r, and the β of the event by seed; without the seeds of which the sweep missed it."""

    d: int
    r: int
    trials: Frame
    events: dict[int, float]

    @property
    def expected(self) -> float:
        """d/r."""
        return self.d / self.r

    @property
    def ratios(self) -> list[float]:
        """The events over d/r."""
        return [beta / self.expected for beta in self.events.values()]


@dimension_law.claims
def claims(view: View) -> list[Claim]:
    """That each event is at d/r, and that β grows with d/r as its first power."""
    found = settings(view)
    places = [
        Comparison(f"d = {each.d}, r = {each.r}", mean_of(each.ratios, systematic=HALF_STEP), between(*NEAR, " of d/r"))
        for each in found
    ]
    done = view.trials["status"].eq("finished")
    lacks = too_few(int((done & view.trials["converged"]).sum()), len(view.trials))
    events = [each.expected for each in found]
    reach = np.log(max(events) / min(events)) if found else math.nan
    slopes = mean_of(_slopes(found), systematic=2 * HALF_STEP / reach)
    return [
        Claim(
            "linear data of r dimensions in d columns",
            "the first mode is lost at β = d/r",
            SOURCE,
            comparisons=places,
            lacks=lacks or ("" if places else "no data set is recorded"),
            trials=int(done.sum()),
            statements=["D1-6"],
        ),
        Claim(
            "linear data of r dimensions in d columns",
            "the β at which it is lost grows as the first power of d/r, over a factor of twenty",
            SOURCE,
            comparisons=[Comparison("slope of log β against log d/r", slopes, near(1.0, SLOPE))],
            lacks=lacks,
            trials=int(done.sum()),
            statements=["D1-6"],
        ),
    ]


@dimension_law.figures
def drawings(view: View) -> list[Drawing]:
    """β of the event against d/r."""
    found = [each for each in settings(view) if each.events]
    return [law([(each.d, each.expected, [*each.events.values()]) for each in found])] if found else []


@dimension_law.sheets
def sheets(view: View) -> list[Sheet]:
    """Each data set's event."""
    rows = [
        {"d": str(each.d), "r": str(each.r), "d/r": each.expected}
        | {"β of the event": float(np.mean([*each.events.values()])), "over d/r": float(np.mean(each.ratios))}
        for each in settings(view)
        if each.events
    ]
    caption = f"The β at which NRE passes {LOST:g}, mean over seeds"
    return [Sheet("events", caption, pd.DataFrame(rows))] if rows else []


def settings(view: View) -> list[Setting]:
    """The data sets that have a record, in declared order."""
    found = []
    for (d, r), trials in cells(view.trials, view.header, ["d", "r"]):
        finished = trials[trials["status"].eq("finished")]
        events = {int(str(seed)): _event(rows) for seed, rows in finished.groupby("seed")}
        met = {seed: beta for seed, beta in events.items() if math.isfinite(beta)}
        found.append(Setting(int(d), int(r), trials, met))
    return found


def _event(rows: Frame) -> float:
    """Midway between the first β that lost something and the one before it; NaN where there are not both."""
    first = rows.loc[rows["nre_test"].gt(LOST), "beta"].min()
    return float(np.sqrt(first * rows.loc[rows["beta"].lt(first), "beta"].max()))


def _slopes(found: list[Setting]) -> list[float]:
    """The slope over all data sets, a seed; of seeds whose event was met in each of them."""
    seeds = set.intersection(*(set(each.events) for each in found)) if len(found) > 1 else set()
    x = np.log([each.expected for each in found])
    return [float(np.polyfit(x, np.log([each.events[seed] for each in found]), 1)[0]) for seed in sorted(seeds)]
