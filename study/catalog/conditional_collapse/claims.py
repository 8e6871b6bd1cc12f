"""conditional_collapse: networks with one hidden layer that learn y = Mx, against the linear theory's minimum.

Theory describes the global minimum. These networks also have worse minima, and many trainings of ReLU networks end in one.
So the claims compare theory with the best seed at each β: the converged trial with the lowest J on the training set. They
also report the other seeds. ζ² is the spectrum of the training set itself; sampling z in the loss leaves half a per cent
of noise.

Source: Wang & Ziyin (2022), figure 1 and appendix A.1.
"""

import math

import pandas as pd

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
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
    apart = (best["loss"] / best["expected"] - 1).abs()
    every = trials.settled[trials.settled["beta"].ge(SMALL) if within == WITHIN else trials.settled["beta"].lt(SMALL)]
    others = (every["loss"] / every["expected"] - 1).abs()
    measured = (
        f"best seed within {apart.max():.2%}, {apart.median():.2%} in the median over β; "
        f"{int(others.le(within).sum())} of {len(others)} single trials within {within:.0%}, the worst {others.max():.1%}"
    )
    return Claim(
        data=f"y = Mx, {name}",
        claim=f"the loss equals the linear minimum for {where}",
        source=SOURCE,
        expected="L/L* = 1",
        measured=measured,
        tolerance=f"{within:.0%}",
        verdict=judge(bool(apart.max() <= within), trials.enough and len(best) > 0),
        trials=len(every),
        topic=topics.CONDITIONAL_SWEEP,
    )


def _counts(name: str, trials: NetworkSweep) -> Claim:
    """The network's small width may cost it a mode just inside its threshold; it cannot gain one."""

    def lost(rows: Frame) -> Column:
        return rows["kept"] - rows["n_burda"]

    best, every = lost(trials.best), lost(trials.settled)
    return Claim(
        data=f"y = Mx, {name}",
        claim="a network keeps as many modes as theory, or one fewer",
        source=SOURCE,
        expected="#{ζᵢ² > βγ} latents with active units, at every β",
        measured=(
            f"{int(best.eq(0).sum())} of {len(best)} β exact with the best seed, {int(best.eq(1).sum())} one short; "
            f"{int(every.isin([0, 1]).sum())} of {len(every)} single trials exact or one short"
        ),
        tolerance="never more, at most one fewer",
        verdict=judge(bool(best.isin([0, 1]).all()), trials.enough),
        trials=len(every),
        topic=topics.CONDITIONAL_SWEEP,
    )


def _collapse(name: str, trials: NetworkSweep) -> Claim:
    best = trials.best.set_index("beta")["au_1"]
    ends = {beta: best.get(beta, math.nan) for beta in (LAST_KEPT, FIRST_COLLAPSED)}
    alive = trials.settled[trials.settled["beta"].isin(ends)].groupby("beta")["au_1"].agg(lambda x: x.gt(ALIVE).sum())
    texts = [f"AU₁ = {number(ends[b], 2)} at β = {b:g} ({int(alive.get(b, 0))} seeds alive)" for b in ends]
    verdict = judge(
        ends[LAST_KEPT] > ALIVE and not alive.get(FIRST_COLLAPSED, 0),
        trials.enough and not any(map(math.isnan, ends.values())),
    )
    return Claim(
        data=f"y = Mx, {name}",
        claim="the last mode is lost at ζ₁²/γ",
        source=SOURCE,
        expected=f"at {number(float(trials.modes.zeta2[0]) / trials.gamma)}: AU₁ > 0 at β = 12, 0 at 14.5",
        measured=", ".join(texts),
        tolerance=f"AU₁ counts as 0 up to {ALIVE}",
        verdict=verdict,
        trials=len(trials.settled),
        topic=topics.CONDITIONAL_SWEEP,
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
