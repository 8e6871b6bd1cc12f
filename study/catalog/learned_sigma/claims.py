"""learned_sigma: is training with a learned Σ more stable, and lower sooner, than with Σ held at the prior's?

Each training with Σ held has a twin with Σ learned: the same steps, γ, learning rate and seed. A training that diverged is a
result. Both are to come down to one level, the least J that there is with Σ held, which theory gives: a training is there
from the first logged step on at which J of the minibatch is within a nat of it.

Source: Wang & Ziyin (2022), section 4.3.
"""

import math

import numpy as np
import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, below, most
from analysis.claims.estimate import mean_of, share_of
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import number
from analysis.tables.sheet import Sheet
from analysis.theory import fixed_sigma, modes_of_spectrum
from study.catalog.learned_sigma.table import HELD, KAPPA, LEARNED, learned_sigma

SOURCE = "Wang & Ziyin (2022), section 4.3"

NEAR = 1.0
"""How near J must come to the level, in nats: minibatches make it vary by about a quarter of that."""

KEY = ["optimiser", "gamma", "rate", "seed"]


@learned_sigma.claims
def claims(view: View) -> list[Claim]:
    """What a learned Σ changes, for each optimiser."""
    pairs = paired(with_arrival(view))
    return [claim for (name,), own in cells(pairs, view.header, ["optimiser"]) for claim in of_pairs(str(name), own)]


def of_pairs(optimiser: str, pairs: Frame) -> list[Claim]:
    """The claims about pairs with the columns `diverged`, `arrived` and those of Σ held, which end in `_held`."""
    ours, theirs = pairs["diverged"].astype(bool), pairs["diverged_held"].astype(bool)
    better, worse = int((theirs & ~ours).sum()), int((ours & ~theirs).sum())
    both = pairs[~ours & ~theirs & np.isfinite(pairs["arrived"]) & np.isfinite(pairs["arrived_held"])]
    sooner = np.log(both["arrived"] / both["arrived_held"]).groupby(both["seed"]).mean()
    arrived, arrived_held = (np.isfinite(pairs[column]) for column in ("arrived", "arrived_held"))
    only, only_held = int((arrived & ~arrived_held).sum()), int((arrived_held & ~arrived).sum())

    def claim(said: str, compared: list[Comparison], trials: int) -> Claim:
        return Claim(
            f"linear r=3, {optimiser}",
            said,
            SOURCE,
            trials=trials,
            comparisons=compared,
            statements=["W10"],
        )

    return [
        claim(
            "fewer trainings diverge with Σ learned than with Σ held",
            [
                Comparison(
                    f"of pairs of which one diverges ({int(ours.sum())} learned, {int(theirs.sum())} held, of "
                    f"{len(pairs)} each) it is the one with Σ held in",
                    share_of(better, better + worse, "pairs"),
                    most(),
                )
            ],
            2 * len(pairs),
        ),
        claim(
            "more trainings come down to the least J of Σ held with Σ learned, and sooner",
            [
                Comparison("it alone does in", share_of(only, only + only_held, "pairs"), most()),
                Comparison("where both do, the logarithm of learned over held steps", mean_of(sooner), below(0.0)),
            ],
            2 * len(pairs),
        ),
    ]


def paired(trials: Frame) -> Frame:
    """One row for each optimiser, γ, rate and seed with both results: columns of Σ learned, and of Σ held in `_held`."""
    sides = [
        trials.loc[trials["sigma"].eq(sigma), [*KEY, "diverged", "arrived"]].set_index(KEY) for sigma in (LEARNED, HELD)
    ]
    return sides[0].join(sides[1].add_suffix("_held"), how="inner").reset_index()


def with_arrival(view: View) -> Frame:
    """Trials with a result, with `diverged`, and `arrived`: the step from which on J is near the level, else infinite."""
    known = view.trials[view.trials["status"].isin(["finished", "diverged"])]
    rows = known.assign(diverged=known["status"].eq("diverged"), arrived=math.inf)
    if rows.empty:
        return rows
    level = {str(row["trial_id"]): _level(view, row) for row in rows.to_dict("records")}
    curves = view.curves[view.curves["trial_id"].isin(rows["trial_id"])]
    excess = curves["objective"] - curves["trial_id"].astype(str).map(level)
    first = curves[excess <= NEAR].groupby("trial_id")["step"].min() + 1
    arrived = rows["trial_id"].map(first).astype(float).where(~rows["diverged"]).fillna(math.inf)
    return rows.assign(arrived=arrived)


def _level(view: View, row: dict[object, object]) -> float:
    """min J in nats with Σ held, whatever Σ the trial has. Source: Wang & Ziyin (2022), Prop. 2."""
    modes, gamma = modes_of_spectrum(view.spectrum(str(row["data_id"]))), float(str(row["gamma_value"]))
    return float(fixed_sigma.loss_wz(modes, np.ones(KAPPA), gamma, 1.0)) + 0.5 * modes.d2 * math.log(gamma)


@learned_sigma.sheets
def sheets(view: View) -> list[Sheet]:
    """How training ends, and how soon, for every optimiser, γ, learning rate and Σ."""
    rows = []
    for labels, own in cells(with_arrival(view), view.header, ["optimiser", "gamma", "rate", "sigma"]):
        optimiser, gamma, rate, sigma = map(label_text, labels)
        middle = float(own["arrived"].median())
        rows.append(
            {
                "steps": optimiser,
                "γ": gamma,
                "learning rate": rate,
                "Σ": sigma,
                "diverged": f"{int(own['diverged'].sum())} of {len(own)}",
                "down after": number(middle) if math.isfinite(middle) else "never",
            }
        )
    caption = (
        f"Outcome by Σ: trials that diverged, and the median step from which on J is within {NEAR:g} nat of the least "
        "J with Σ held; learning rates of SGD in units of γ"
    )
    return [Sheet("outcome", caption, pd.DataFrame(rows))]
