"""learned_gamma_collapse: with a learned γ, at which β is the first mode lost, and at which the last?

Without noise the closed form has two events. For β < d/r, with r the dimension of the data, γ falls to zero and no mode is
lost. From β_c = d ζ₁²/T on no mode is left; ζ₁² is the largest eigenvalue of the training set's covariance, and T the sum of
all. A ceiling γ_max delays the collapse: a mode is left iff β γ_max < ζ₁². Training takes finite time, and γ falls ever more
slowly as β approaches d/r. So the first event is the largest β at which the lost fraction of the variance (NRE) is at most
0.05. γ itself is compared with theory where γ* > 0; well below d/r it only has to be small.

On curved data, linear theory predicts the events from r and from the covariance. That it applies there is itself a claim.

Source: Wang & Ziyin (2022), section 4.4 and appendix D; Dai, Wenliang & Wipf (2021), section 2.3.
"""

import math
from dataclasses import replace

import numpy as np

from analysis.claims.beta_sweep import BURDA, LOST, BetaSweep, sweeps
from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, at_least, at_most, between
from analysis.claims.estimate import mean_of, share_of
from analysis.frames.view import View
from analysis.tables.interval import number
from analysis.tables.sheet import Sheet
from analysis.theory import learned_gamma
from study.catalog.learned_gamma_collapse.table import learned_gamma_collapse

WZ = "Wang & Ziyin (2022), section 4.4 and appendix D: β_c = d ζ₁²/T"
DIMENSION = "Dai, Wenliang & Wipf (2021), section 2.3: γ → 0 for β < d/r"
CEILING = "Dai, Wenliang & Wipf (2021), section 4; Wang & Ziyin (2022), appendix D: γ = min(γ*, γ_max)"

FIRST, LAST = (0.8, 1.0), (0.85, 1.1)
"""Where the events are expected, as multiples of d/r and of β_c."""

SMALL_GAMMA, WELL_BELOW = 1e-3, 0.8
"""γ counts as zero below this fraction of T/d; tested for β up to this multiple of d/r."""

GAMMA_ERROR, BEYOND = 0.02, 1.05
"""Largest mean relative error of γ against γ*; tested for β from this multiple of d/r on."""

GUARD = 0.05
"""Share of the threshold around it in which curved data are not judged: J differs by 0.005 nats there, and the threshold is
that of linear theory."""

AGREE = 0.7
"""Least share of trials beyond β_c that the rule for a ceiling is true of."""


@learned_gamma_collapse.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, one data set after the other."""
    return collapse_claims(sweeps(view))


def collapse_claims(found: list[BetaSweep]) -> list[Claim]:
    """The claims about sweeps, with and without a ceiling."""
    listed = []
    for sweep in found:
        if sweep.capped:
            listed += [_last(sweep), _ceiling(sweep)]
            continue
        listed += [_dimension(sweep)] if math.isfinite(sweep.lossless) else []
        listed += [_last(sweep)]
        listed += [_vanishing(sweep), _closed_form(sweep)] if sweep.linear else []
    return listed


def _dimension(s: BetaSweep) -> Claim:
    low, high = (times * s.lossless for times in FIRST)
    return _claim(
        s,
        f"the first mode is lost at β = d/r = {number(s.lossless)}",
        DIMENSION,
        [Comparison(f"largest β with NRE ≤ {LOST:g}", mean_of(s.kept()), between(low, high))],
        ["D1-6"],
        f"; by seed {_listed(s.kept())}",
    )


def _last(s: BetaSweep) -> Claim:
    low, high = (times * s.collapse for times in LAST)
    event, of = "ζ₁²/γ_max" if s.capped else "β_c", "" if s.linear else ", by linear theory from the covariance"
    beyond = BEYOND * s.trials["beta"].max()
    dead = mean_of(min(beta, beyond) for beta in s.dead())
    return _claim(
        s,
        f"everything is lost at {event} = {number(s.collapse)}{of}",
        CEILING if s.capped else WZ,
        [Comparison("smallest β without a latent in use", dead, between(low, high))],
        ["D1-5"] if s.capped else ["W14"] if s.linear else [],
        f"; by seed {_listed(s.dead())}",
    )


def _vanishing(s: BetaSweep) -> Claim:
    limit, below = SMALL_GAMMA * s.variance, s.finished[s.finished["beta"] <= WELL_BELOW * s.lossless]
    return _claim(
        s,
        f"where no mode is lost, for β ≤ {WELL_BELOW:g}·d/r, γ falls to zero",
        DIMENSION,
        [Comparison("γ, data²", mean_of(below["gamma_value"], "trials"), at_most(limit))],
        ["D1-6", "W17"],
        f"; the largest {number(below['gamma_value'].max())}",
    )


def _closed_form(s: BetaSweep) -> Claim:
    above = s.finished[s.finished["beta"] >= BEYOND * s.lossless]
    theory = learned_gamma.gamma_star(s.modes, above["beta"].to_numpy(float), s.kappa)
    error = np.abs(above["gamma_value"].to_numpy(float) / theory - 1)
    return _claim(
        s,
        f"where modes are lost, for β ≥ {BEYOND:g}·d/r, γ equals the closed form γ*",
        WZ,
        [Comparison("relative error of γ", mean_of(error, "trials"), at_most(GAMMA_ERROR))],
        ["W14"],
        f"; the largest {number(float(error.max()))}" if len(error) else "",
    )


def _ceiling(s: BetaSweep) -> Claim:
    beyond = s.finished[s.finished["beta"] >= learned_gamma.collapse_beta(s.modes)]
    if not s.linear:
        beyond = beyond[(beyond["beta"] * s.gamma_max / s.modes.zeta2[0] - 1).abs() > GUARD]
    level = beyond["beta"] * s.gamma_max
    agree = beyond["n_burda"].ge(1).eq(level.lt(s.modes.zeta2[0]))
    at = s.modes.zeta2[0] / s.gamma_max
    wrong = [f"{beta:g} ({number(beta / at)} of the threshold)" for beta in sorted(set(beyond["beta"][~agree]))]
    return _claim(
        s,
        f"beyond β_c a latent is in use iff β γ_max < ζ₁², that is for β < {number(at)}"
        + ("" if s.linear else f"; β within {GUARD:.0%} of it are not judged"),
        CEILING,
        [Comparison("that is so in", share_of(int(agree.sum()), len(agree)), at_least(AGREE))],
        ["D1-5"],
        f"; not in all at β = {', '.join(wrong)}" if wrong else "",
    )


def _claim(
    s: BetaSweep,
    said: str,
    source: str,
    compared: list[Comparison],
    statements: list[str],
    more: str = "",
) -> Claim:
    rested = int(s.trials["converged"].sum())
    return Claim(
        f"{s.data}, γ ≤ {s.ceiling}" if s.capped else s.data,
        said,
        source,
        measured="; ".join(map(str, compared)) + more,
        trials=len(s.finished),
        comparisons=compared,
        lacks="" if s.enough else f"{rested} of {len(s.trials)} trials have converged",
        statements=statements,
    )


def _listed(values: list[float]) -> str:
    return ", ".join("beyond the sweep" if math.isinf(value) else f"{value:g}" for value in values) or "—"


@learned_gamma_collapse.sheets
def sheets(view: View) -> list[Sheet]:
    """The two events: their β in theory, and the two β of the sweep between which they occurred."""
    rows = []
    for s in sweeps(view):
        if s.finished.empty:
            rows += [None, None]
            continue
        place = {"data": s.title, "ceiling": s.ceiling}
        kept, dead = min(s.kept(), default=math.nan), max(s.dead(), default=math.nan)
        events = [(f"first, NRE > {LOST:g}", s.lossless, kept, s.after(max(s.kept(), default=math.nan)))]
        last_alive = s.before(min(s.dead(), default=math.nan))
        events.append((f"last, Var E[z|x] ≤ {BURDA:g}", s.collapse, last_alive, dead))
        for event, theory, low, high in events:
            row = {"event": event, "β, theory": theory, "last β before": low, "first β after": high}
            rows.append(place | row | {"first/theory": high / theory})
    caption = "The β at which the first and the last mode are lost, γ learned: theory, and the sweep's β around it"
    found = Sheet.of("events", f"{caption}, over all seeds", rows)
    return [replace(found, frame=found.frame.replace(math.inf, math.nan))]
