"""groundwork: conventions, closed forms and metrics, each where the truth is known.

A verdict here tests the platform as much as a source: a failure here casts doubt on every other verdict.

Source: Wang & Ziyin (2022), Props. 2 and 3, Thms. 1 and 2, appendix D; Dai, Wenliang & Wipf (2021), eq. 3; Rybkin,
Daniilidis & Levine (2021), section 3; Burda, Grosse & Salakhutdinov (2016), eq. 8; Richardson & Weiss (2018), section 2.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
from analysis.claims.residuals import worst
from analysis.frames.probe_results import all_computed, probe_results
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.interval import NOTHING, number
from analysis.tables.sheet import Sheet
from study.catalog.groundwork.identities import IDENTITIES, worst_residual
from study.catalog.groundwork.minima import of_minima
from study.catalog.groundwork.table import BINS, CONVENTIONS, LIKELIHOOD, MMDS, NOISY, groundwork

IDENTICAL, EXACT = 1e-5, 1e-10
"""Tolerances: on identities, relative; on densities, nats."""

SHARE, SHARE_WITHIN = 0.05, 0.02
"""Share of the bins that differ by chance alone, and how far a mean over repeats may lie from it."""

DEVIATIONS = 4.0
"""A mean that should be zero must lie within this many standard errors."""

ZEROS = sum(1 + s / (s + 1) - 4 * s / (2 * s + 1) for s in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0))
"""MMD² of a point mass at 0, in very many dimensions; derived from the kernel."""

MANY, ZEROS_WITHIN = 64, 0.02
"""κ that counts as very many dimensions, and the relative tolerance there."""

ONE_MORE = 1
"""How far the count of narrow posteriors may lie from r."""


@groundwork.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study."""
    return [
        *_conventions(view),
        *of_minima(view),
        *(_bins(view, name) for name in _asked(view, BINS)),
        *(_mmd(view, name) for name in _asked(view, MMDS)),
        *(_collapsed(view, name) for name, probe in MMDS.items() if probe.kappa == MANY),
        _likelihood(view),
        *(claim for name in _asked(view, NOISY) for claim in _noisy(view, name)),
    ]


@groundwork.sheets
def sheets(view: View) -> list[Sheet]:
    """Each identity's worst residual, and the metrics' null values."""
    found = probe_results(_of(view, [CONVENTIONS]))
    identities = [
        {"identity": name, "worst residual": worst_residual(both, found)} if found else None
        for name, both in IDENTITIES.items()
    ]
    nulls = [
        {"metric": look.row["look"], "seed": int(look.row["seed"])}
        | {"mean": look["mean"], "deviation over repeats": look["deviation"], "error told": look["told_error"]}
        for look in probe_results(_of(view, _asked(view, [*BINS, *MMDS])))
    ]
    return [
        Sheet.of("identities", "Identities between objectives, relative residuals", identities),
        Sheet("nulls", "Metrics of two samples of one distribution", pd.DataFrame(nulls)),
    ]


def _conventions(view: View) -> list[Claim]:
    trials = _of(view, [CONVENTIONS])
    found, enough = probe_results(trials), all_computed(trials)
    errors = {name: worst_residual(both, found) for name, both in IDENTITIES.items()}
    error, turned = worst(errors.values()), worst(look["turned"] for look in found)
    return [
        Claim(
            "random networks",
            "the objectives of the sources convert into each other: " + "; ".join(IDENTITIES),
            "the definitions; Dai, Wenliang & Wipf (2021), eq. 3; Wang & Ziyin (2022), eq. 5; Rybkin et al. (2021)",
            f"{len(IDENTITIES)} identities",
            f"relative residuals of at most {number(error)}" if found else NOTHING,
            f"{IDENTICAL:g}, relative",
            judge(error <= IDENTICAL, enough),
            len(found),
            topics.CONVENTIONS,
        ),
        Claim(
            "random networks",
            "only βγ matters where γ is fixed: gradients at (γ, β) and (βγ, 1) point the same way",
            "derived from the definition of J",
            "∇J(γ, β) = β ∇J(βγ, 1)",
            f"at most {number(turned)} apart, relative" if found else NOTHING,
            f"{IDENTICAL:g}, relative",
            judge(turned <= IDENTICAL, enough),
            len(found),
            topics.CONVENTIONS,
        ),
    ]


def _bins(view: View, name: str) -> Claim:
    trials = _of(view, [name])
    found = probe_results(trials)
    mean = float(np.mean([look["mean"] for look in found])) if found else math.nan
    return Claim(
        name,
        "two samples of one distribution differ in one bin out of twenty",
        "Richardson & Weiss (2018), section 2; Regularization balance, Table 4, “Downsample”",
        f"NDB/K = {SHARE:g}",
        f"{number(mean)}",
        f"{SHARE_WITHIN:g}",
        judge(abs(mean - SHARE) <= SHARE_WITHIN, all_computed(trials)),
        len(found),
        topics.NULLS_OF_METRICS,
    )


def _mmd(view: View, name: str) -> Claim:
    trials = _of(view, [name])
    found = probe_results(trials)
    away = worst(look["mean"] / (look["deviation"] / math.sqrt(look.what["repeats"])) for look in found)
    return Claim(
        name,
        "MMD² between two samples of the prior is zero on average",
        "Tolstikhin et al. (2018), section 4, unbiased; Gretton et al. (2012), lemma 6",
        "0",
        f"at most {number(away)} standard errors of the mean" if found else NOTHING,
        f"{DEVIATIONS:g} standard errors",
        judge(away <= DEVIATIONS, all_computed(trials)),
        len(found),
        topics.NULLS_OF_METRICS,
    )


def _collapsed(view: View, name: str) -> Claim:
    trials = _of(view, [name])
    found = probe_results(trials)
    error = worst(look["of_zeros"] / ZEROS - 1 for look in found)
    return Claim(
        name,
        "MMD² of codes that are all zero is that of a point mass",
        "derived from the kernel, for very many dimensions",
        number(ZEROS, 4),
        f"at most {number(error)} from it, relative" if found else NOTHING,
        f"{ZEROS_WITHIN:.0%}",
        judge(error <= ZEROS_WITHIN, all_computed(trials)),
        len(found),
        topics.NULLS_OF_METRICS,
    )


def _likelihood(view: View) -> Claim:
    trials = _of(view, [LIKELIHOOD])
    found = probe_results(trials)
    error = worst(size for look in found for size in (look["spread"], look["misjudged"]))
    return Claim(
        "linear VAE at its optimum, β = 1",
        "every draw's importance weight is the exact likelihood",
        "Burda, Grosse & Salakhutdinov (2016), eq. 8; Tipping & Bishop (1999), section 3.2",
        "log weights without spread, and equal to log p(x)",
        f"at most {number(error)} nats" if found else NOTHING,
        f"{EXACT:g} nats",
        judge(error <= EXACT, all_computed(trials)),
        len(found),
        topics.EXACT_LIKELIHOOD,
    )


def _noisy(view: View, name: str) -> list[Claim]:
    trials = _of(view, [name])
    done = trials[trials["status"].eq("finished")]
    kappa, r, burda, active = (done[of].astype(float) for of in ("kappa", "intrinsic_dim", "n_burda", "n_active"))
    enough = all_computed(trials)
    return [
        Claim(
            name,
            "on noisy data the mean of every latent varies by more than 0.01, whatever the data's dimension",
            "derived: eigenvalues of a sample's noise exceed their mean",
            f"all of κ = {_counts(kappa.unique())}",
            _counts(burda),
            "exact",
            judge(bool(burda.eq(kappa).all()), enough),
            len(done),
            topics.WHAT_IS_ACTIVE,
        ),
        Claim(
            name,
            "the latents with a posterior variance below half of the prior's are as many as the data's modes",
            "derived",
            f"r = {_counts(r.unique())}",
            _counts(active),
            f"± {ONE_MORE}",
            judge(bool((active - r).abs().le(ONE_MORE).all()), enough),
            len(done),
            topics.WHAT_IS_ACTIVE,
        ),
    ]


def _counts(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.0f}" for value in values) or NOTHING


def _of(view: View, names: Sequence[str]) -> Frame:
    return view.trials[view.trials["look"].isin(list(names))]


def _asked(view: View, names: Iterable[str]) -> list[str]:
    """The looks among these that the study has."""
    return [name for name in names if name in view.header.axes["look"]]
