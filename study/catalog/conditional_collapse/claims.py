"""conditional_collapse: networks with one hidden layer that learn y = Mx, against the linear theory's minimum.

Theory describes the global minimum. These networks also have worse minima, and many trainings of ReLU networks end in one.
So the claims compare theory with the best seed at each β: the converged trial with the lowest J on the training set. They
also report the other seeds. ζ² is the spectrum of the training set itself; sampling z in the loss leaves half a per cent
of noise.

Source: Wang & Ziyin (2022), figure 1 and appendix A.1.
"""

import math

import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, above, at_least, at_most, below
from analysis.claims.estimate import computed, mean_of, share_of, worst_of
from analysis.claims.network_sweep import NetworkSweep, network_sweeps
from analysis.claims.thresholds import threshold_pairs, threshold_rows
from analysis.figures.drawing import Drawing
from analysis.frames.types import Column, Frame
from analysis.frames.view import View
from analysis.tables.interval import number
from analysis.tables.sheet import Sheet
from study.catalog.conditional_collapse.figures import figures
from study.catalog.conditional_collapse.table import conditional_collapse

SOURCE = "Wang & Ziyin (2022), figure 1"

SMALL = 0.9
"""Below this β the network's small width matters."""

WITHIN, WITHIN_SMALL = 0.01, 0.1
"""Relative tolerance on the loss, above and below that β."""

ALIVE = 0.01
"""A latent with more active units than this carries a mode. Source: Burda, Grosse & Salakhutdinov (2016)."""

AGREEING = 0.8
"""Share of the β at which the number of modes must agree."""

LAST_KEPT, FIRST_COLLAPSED = 12.0, 14.5
"""β on either side of the planted ζ₁² = 14."""


@conditional_collapse.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, one activation after the other."""
    return [claim for name, trials in network_sweeps(view, "activation").items() for claim in _claims(name, trials)]


@conditional_collapse.figures
def drawings(view: View) -> list[Drawing]:
    """Loss and posterior standard deviations against β."""
    return figures({name: trials for name, trials in network_sweeps(view, "activation").items() if len(trials.settled)})


@conditional_collapse.sheets
def sheets(view: View) -> list[Sheet]:
    """Loss and modes after training at each β, and thresholds fitted over all seeds."""
    every = {name: trials for name, trials in network_sweeps(view, "activation").items() if len(trials.settled)}
    if not every:
        return []
    losses = [_loss_rows(name, trials) for name, trials in every.items()]
    fits = [
        threshold_rows({"activation": name}, threshold_pairs(trials.by_rank, trials.modes.zeta2 / trials.gamma))
        for name, trials in every.items()
    ]
    return [
        Sheet("loss", "Loss and modes kept by the best seed, against the linear minimum", _stacked(losses)),
        Sheet("thresholds", "Collapse thresholds from active units, over all seeds", _stacked(fits)),
    ]


def _claims(name: str, trials: NetworkSweep) -> list[Claim]:
    best = trials.best
    large, small = best[best["beta"].ge(SMALL)], best[best["beta"].lt(SMALL)]
    return [
        _loss(name, trials, large, f"β ≥ {SMALL:g}", WITHIN),
        _loss(name, trials, small, f"β < {SMALL:g}", WITHIN_SMALL),
        _counts(name, trials),
        _collapse(name, trials),
    ]


def _loss(name: str, trials: NetworkSweep, best: Frame, where: str, within: float) -> Claim:
    apart = best["loss"] / best["expected"] - 1
    every = trials.settled[trials.settled["beta"].ge(SMALL) if within == WITHIN else trials.settled["beta"].lt(SMALL)]
    others = (every["loss"] / every["expected"] - 1).abs()
    nearest = Comparison("L/L* − 1 of the best seed, largest over β", worst_of(apart, "β"), at_most(within))
    return Claim(
        f"y = Mx, {name}",
        f"the loss equals the linear minimum for {where}",
        SOURCE,
        measured=(
            f"{nearest}; {int(others.le(within).sum())} of {len(others)} single trials within {within:.0%}, "
            f"the worst {others.max():.1%}"
        ),
        comparisons=[nearest],
        lacks=trials.lacks,
        trials=len(every),
        statements=["W22"],
    )


def _counts(name: str, trials: NetworkSweep) -> Claim:
    """The network's small width may cost it a mode just inside its threshold; it cannot gain one."""

    def lost(rows: Frame) -> Column:
        return rows["kept"] - rows["n_burda"]

    best, every = lost(trials.best), lost(trials.settled)
    agree = share_of(int(best.isin([0, 1]).sum()), len(best), "β")
    kept = Comparison("the best seed keeps as many, or one fewer, at", agree, at_least(AGREEING))
    return Claim(
        f"y = Mx, {name}",
        "a network keeps as many modes as theory, or one fewer",
        SOURCE,
        measured=(
            f"{kept}, {int(best.eq(0).sum())} of them exact; "
            f"{int(every.isin([0, 1]).sum())} of {len(every)} single trials exact or one short"
        ),
        comparisons=[kept],
        lacks=trials.lacks,
        trials=len(every),
        statements=["W23", "W28"],
    )


def _collapse(name: str, trials: NetworkSweep) -> Claim:
    """That a network can keep the mode takes one seed; that it cannot, all."""
    best = trials.best.set_index("beta")["au_1"]
    settled = trials.settled
    dead = mean_of(settled.loc[settled["beta"].eq(FIRST_COLLAPSED), "au_1"])
    alive = computed(float(best.get(LAST_KEPT, math.nan)), of="best of seeds")
    return Claim(
        f"y = Mx, {name}",
        f"the last mode is lost at ζ₁²/γ = {number(float(trials.modes.zeta2[0]) / trials.gamma)}",
        SOURCE,
        comparisons=[
            Comparison(f"AU₁ of the best seed at β = {LAST_KEPT:g}", alive, above(ALIVE)),
            Comparison(f"AU₁ at β = {FIRST_COLLAPSED:g}", dead, below(ALIVE)),
        ],
        lacks=trials.lacks,
        trials=len(settled),
        statements=["W23", "W7"],
    )


def _loss_rows(name: str, trials: NetworkSweep) -> Frame:
    best = trials.best
    return pd.DataFrame(
        {
            "activation": name,
            "β": best["beta"],
            "L": best["loss"],
            "L*": best["expected"],
            "L/L* − 1, %": [f"{100 * x:+.2f}" for x in best["loss"] / best["expected"] - 1],
            "modes": best["n_burda"],
            "modes, theory": best["kept"],
            "AU₁": best["au_1"],
            "seeds": [int(trials.settled["beta"].eq(beta).sum()) for beta in best["beta"]],
        }
    )


def _stacked(parts: list[Frame]) -> Frame:
    return pd.concat(parts, ignore_index=True)
