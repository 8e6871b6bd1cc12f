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

from analysis.claims import topics
from analysis.claims.beta_sweep import BURDA, LOST, BetaSweep, sweeps
from analysis.claims.claim import Claim, judge
from analysis.claims.topics import Topic
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
"""Largest median relative error of γ against γ*; tested for β from this multiple of d/r on."""


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
    inside = [low <= beta <= high for beta in s.kept()]
    return _claim(
        s,
        "the first mode is lost at β = d/r",
        DIMENSION,
        f"largest β with NRE ≤ {LOST:g} in [{number(low)}, {number(high)}], d/r = {number(s.lossless)}",
        f"{_listed(s.kept())} by seed; at the next β a mode is lost",
        f"[{FIRST[0]:g}, {FIRST[1]:g}]·d/r, every seed",
        all(inside),
        topics.DIMENSIONS_OVER_RANK,
    )


def _last(s: BetaSweep) -> Claim:
    low, high = (times * s.collapse for times in LAST)
    inside = [low <= beta <= high for beta in s.dead()]
    event, of = "ζ₁²/γ_max" if s.capped else "β_c", "" if s.linear else ", by linear theory from the covariance"
    return _claim(
        s,
        f"everything is lost at {event}{of}",
        CEILING if s.capped else WZ,
        f"smallest β without a latent in use in [{number(low)}, {number(high)}], {event} = {number(s.collapse)}",
        f"{_listed(s.dead())} by seed",
        f"[{LAST[0]:g}, {LAST[1]:g}]·{event}, every seed",
        all(inside),
        topics.GAMMA_CEILING if s.capped else topics.LEARNED_GAMMA_LINEAR if s.linear else topics.DIMENSIONS_OVER_RANK,
    )


def _vanishing(s: BetaSweep) -> Claim:
    limit, below = SMALL_GAMMA * s.variance, s.finished[s.finished["beta"] <= WELL_BELOW * s.lossless]
    return _claim(
        s,
        "where no mode is lost, γ falls to zero",
        DIMENSION,
        f"γ < {number(limit)} = {SMALL_GAMMA:g}·T/d for β ≤ {WELL_BELOW:g}·d/r",
        f"largest γ {number(below['gamma_value'].max())} of {len(below)} trials",
        "every trial",
        bool(below["gamma_value"].lt(limit).all()),
        topics.LEARNED_GAMMA_LINEAR,
        enough=len(below) >= 2,
    )


def _closed_form(s: BetaSweep) -> Claim:
    above = s.finished[s.finished["beta"] >= BEYOND * s.lossless]
    theory = learned_gamma.gamma_star(s.modes, above["beta"].to_numpy(float), s.kappa)
    error = np.abs(above["gamma_value"].to_numpy(float) / theory - 1)
    middle, largest = (float(f(error)) if len(error) else math.nan for f in (np.median, np.max))
    return _claim(
        s,
        "where modes are lost, γ equals the closed form γ*",
        WZ,
        f"relative error of γ for β ≥ {BEYOND:g}·d/r",
        f"median {number(middle)}, largest {number(largest)} of {len(above)} trials",
        f"median ≤ {GAMMA_ERROR:g}",
        middle <= GAMMA_ERROR,
        topics.LEARNED_GAMMA_LINEAR,
        enough=len(above) >= 2,
    )


def _ceiling(s: BetaSweep) -> Claim:
    beyond = s.finished[s.finished["beta"] >= learned_gamma.collapse_beta(s.modes)]
    level = beyond["beta"] * s.gamma_max
    agree = beyond["n_burda"].ge(1).eq(level.lt(s.modes.zeta2[0]))
    at = s.modes.zeta2[0] / s.gamma_max
    wrong = [f"{beta:g} ({number(beta / at)} of the threshold)" for beta in sorted(set(beyond["beta"][~agree]))]
    return _claim(
        s,
        "beyond β_c a latent is in use iff β γ_max < ζ₁²",
        CEILING,
        f"a latent in use below, none from β = ζ₁²/γ_max = {number(at)} on",
        f"true of {int(agree.sum())} of {len(beyond)} trials{', not of all at β = ' + ', '.join(wrong) if wrong else ''}",
        "every trial",
        bool(agree.all()),
        topics.GAMMA_CEILING,
        enough=len(beyond) >= 2,
    )


def _claim(
    s: BetaSweep,
    claim: str,
    source: str,
    expected: str,
    measured: str,
    tolerance: str,
    agrees: bool,
    topic: Topic,
    enough: bool = True,
) -> Claim:
    data = f"{s.data}, γ ≤ {s.ceiling}" if s.capped else s.data
    verdict = judge(agrees, enough and s.enough)
    return Claim(data, claim, source, expected, measured, tolerance, verdict, len(s.finished), topic)


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
