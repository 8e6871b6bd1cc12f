"""groundwork: conventions, closed forms and metrics, each where the truth is known.

A verdict here is about the platform as much as about a source: what fails here makes every other verdict doubtful.

Source: Wang & Ziyin (2022), Props. 2 and 3, Thms. 1 and 2, appendix D; Dai, Wenliang & Wipf (2021), eq. 3; Rybkin,
Daniilidis & Levine (2021), section 3; Burda, Grosse & Salakhutdinov (2016), eq. 8; Richardson & Weiss (2018), section 2.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.claims import topics
from analysis.claims.claim import Claim, judged
from analysis.claims.residuals import worst
from analysis.frames.probe_looks import Look, complete, looks
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.interval import NOTHING, number
from analysis.tables.sheet import Sheet
from analysis.theory import fixed_sigma, learned_gamma, linear
from analysis.theory.modes import Modes
from study.catalog.groundwork.identities import IDENTITIES, worst_residual
from study.catalog.groundwork.table import BINS, CONVENTIONS, LIKELIHOOD, MINIMA, MMDS, NOISY, groundwork

IDENTICAL, MINIMAL, GAMMA, EXACT = 1e-5, 1e-6, 1e-4, 1e-10
"""Tolerances: on identities and on minima, both relative; on a learned γ, relative; on densities, nats."""

SHARE, SHARE_WITHIN = 0.05, 0.02
"""Part of the bins that differ by chance alone, and how far a mean over repeats may lie from it."""

DEVIATIONS = 4.0
"""Standard errors within which a mean that should be zero must lie."""

ZEROS = sum(1 + s / (s + 1) - 4 * s / (2 * s + 1) for s in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0))
"""MMD² of a point mass at 0, of very many dimensions; derived from the kernel."""

MANY, ZEROS_WITHIN = 64, 0.02
"""κ at which it is looked for, and within what, relative."""

ONE_MORE = 1
"""Latents by which the count of narrow posteriors may miss r."""

WZ = "Wang & Ziyin (2022)"

PROPOSITIONS = {
    "equal Σ": f"{WZ}, Prop. 2 and Thm. 1",
    "unequal Σ": f"{WZ}, Prop. 2 and Thm. 1, with σ ascending where ζ descends",
    "learned Σ": f"{WZ}, Prop. 3 and Thm. 2",
    "learned γ": f"{WZ}, appendix D, derived again",
}


@groundwork.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study."""
    return [
        *_conventions(view),
        *(_minimum(view, name, probe.variant) for name, probe in MINIMA.items()),
        _learned_gamma(view),
        *(_bins(view, name) for name in BINS),
        *(_mmd(view, name) for name in MMDS),
        *(_collapsed(view, name) for name, probe in MMDS.items() if probe.kappa == MANY),
        _likelihood(view),
        *(claim for name in NOISY for claim in _noisy(view, name)),
    ]


@groundwork.sheets
def sheets(view: View) -> list[Sheet]:
    """Every identity's worst residual, and the metrics' nulls."""
    found = looks(_of(view, [CONVENTIONS]))
    identities = [
        {"identity": name, "worst residual": worst_residual(both, found)} for name, both in IDENTITIES.items()
    ]
    nulls = [
        {"metric": look.row["look"], "seed": int(look.row["seed"])}
        | {"mean": look["mean"], "deviation over repeats": look["deviation"], "error told": look["told_error"]}
        for look in looks(_of(view, [*BINS, *MMDS]))
    ]
    return [
        Sheet("identities", "Identities between objectives, relative residuals", pd.DataFrame(identities)),
        Sheet("nulls", "Metrics of two samples of one distribution", pd.DataFrame(nulls)),
    ]


def _conventions(view: View) -> list[Claim]:
    trials = _of(view, [CONVENTIONS])
    found, enough = looks(trials), complete(trials)
    errors = {name: worst_residual(both, found) for name, both in IDENTITIES.items()}
    error, turned = worst(errors.values()), worst(look["turned"] for look in found)
    return [
        Claim(
            "random networks",
            "the objectives of the sources are one objective: " + "; ".join(IDENTITIES),
            "the definitions; Dai, Wenliang & Wipf (2021), eq. 3; Wang & Ziyin (2022), eq. 5; Rybkin et al. (2021)",
            f"{len(IDENTITIES)} identities",
            f"residuals of {number(error)} at most, relative" if found else NOTHING,
            f"{IDENTICAL:g}, relative",
            judged(error <= IDENTICAL, enough),
            len(found),
            topics.CONVENTIONS,
        ),
        Claim(
            "random networks",
            "only βγ matters where γ is fixed: gradients at (γ, β) and (βγ, 1) point the same way",
            "derived from the definition of J",
            "∇J(γ, β) = β ∇J(βγ, 1)",
            f"{number(turned)} apart at most, relative" if found else NOTHING,
            f"{IDENTICAL:g}, relative",
            judged(turned <= IDENTICAL, enough),
            len(found),
            topics.CONVENTIONS,
        ),
    ]


def _minimum(view: View, name: str, variant: str) -> Claim:
    trials = _of(view, [name])
    found = looks(trials)
    errors = []
    for look in found:
        expected = _lowest(look, view)
        errors.append((look["lowest"] - expected) / max(1.0, abs(expected)))
    return Claim(
        f"linear problems, {variant}",
        "the lowest loss is that of the closed form",
        PROPOSITIONS[variant],
        "the closed form's J",
        f"{number(worst(errors))} from it at most, relative, by L-BFGS from random starts" if found else NOTHING,
        f"{MINIMAL:g}, relative",
        judged(worst(errors) <= MINIMAL, complete(trials)),
        len(found),
        topics.LINEAR_MINIMUM,
    )


def _lowest(look: Look, view: View) -> float:
    """By theory, in nats."""
    modes, arrays = _modes(look, view)
    gamma, beta, kappa = look["at_gamma"], look["at_beta"], int(look["latents"])
    if look.what["variant"] == "learned γ":
        return float(learned_gamma.objective(modes, beta, kappa, floor=gamma))
    if "sigma2" not in arrays:
        return float(linear.objective(modes, gamma, beta, kappa))
    given = fixed_sigma.loss_wz(modes, arrays["sigma2"], gamma, beta, look["prior_std"])
    return float(given) + 0.5 * modes.d2 * math.log(gamma)


def _modes(look: Look, view: View) -> tuple[Modes, dict[str, np.ndarray]]:
    arrays = look.arrays(view.home)
    return Modes(arrays["zeta2"], look["target_variance"], int(look["outputs"])), arrays


def _learned_gamma(view: View) -> Claim:
    """Of problems whose γ lies above the floor."""
    trials = _of(view, [name for name, probe in MINIMA.items() if probe.variant == "learned γ"])
    found = looks(trials)
    errors = []
    for look in found:
        expected = float(learned_gamma.gamma_star(_modes(look, view)[0], look["at_beta"], int(look["latents"])))
        if expected > look["at_gamma"]:
            errors.append(look["found_gamma"] / expected - 1)
    return Claim(
        "linear problems, learned γ",
        "γ* = (C₀ + Σ_{k<i≤m} ζᵢ²)/(d₂ − βk), wherever that is above 0",
        f"{PROPOSITIONS['learned γ']}; k by derivation",
        "the closed form's γ*",
        f"{number(worst(errors))} from it at most, relative, in {len(errors)} problems" if errors else NOTHING,
        f"{GAMMA:g}, relative",
        judged(worst(errors) <= GAMMA, complete(trials) and bool(errors)),
        len(errors),
        topics.LEARNED_GAMMA_LINEAR,
    )


def _bins(view: View, name: str) -> Claim:
    trials = _of(view, [name])
    found = looks(trials)
    mean = float(np.mean([look["mean"] for look in found])) if found else math.nan
    return Claim(
        name,
        "samples of the data's own distribution differ in one bin of twenty",
        "Richardson & Weiss (2018), section 2; Regularization balance, Table 4, “Downsample”",
        f"NDB/K = {SHARE:g}",
        f"{number(mean)}",
        f"{SHARE_WITHIN:g}",
        judged(abs(mean - SHARE) <= SHARE_WITHIN, complete(trials)),
        len(found),
        topics.NULLS_OF_METRICS,
    )


def _mmd(view: View, name: str) -> Claim:
    trials = _of(view, [name])
    found = looks(trials)
    away = worst(look["mean"] / (look["deviation"] / math.sqrt(look.what["repeats"])) for look in found)
    return Claim(
        name,
        "MMD² of two samples of the prior is zero in the mean",
        "Tolstikhin et al. (2018), section 4, unbiased; Gretton et al. (2012), lemma 6",
        "0",
        f"{number(away)} standard errors of the mean at most" if found else NOTHING,
        f"{DEVIATIONS:g} standard errors",
        judged(away <= DEVIATIONS, complete(trials)),
        len(found),
        topics.NULLS_OF_METRICS,
    )


def _collapsed(view: View, name: str) -> Claim:
    trials = _of(view, [name])
    found = looks(trials)
    error = worst(look["of_zeros"] / ZEROS - 1 for look in found)
    return Claim(
        name,
        "MMD² of codes that are all zero is that of a point mass",
        "derived from the kernel, for very many dimensions",
        number(ZEROS, 4),
        f"{number(error)} from it at most, relative" if found else NOTHING,
        f"{ZEROS_WITHIN:.0%}",
        judged(error <= ZEROS_WITHIN, complete(trials)),
        len(found),
        topics.NULLS_OF_METRICS,
    )


def _likelihood(view: View) -> Claim:
    trials = _of(view, [LIKELIHOOD])
    found = looks(trials)
    error = worst(size for look in found for size in (look["spread"], look["misjudged"]))
    return Claim(
        "linear VAE at its optimum, β = 1",
        "every draw's importance weight is the exact likelihood",
        "Burda, Grosse & Salakhutdinov (2016), eq. 8; Tipping & Bishop (1999), section 3.2",
        "log weights without spread, and equal to log p(x)",
        f"{number(error)} nats at most" if found else NOTHING,
        f"{EXACT:g} nats",
        judged(error <= EXACT, complete(trials)),
        len(found),
        topics.EXACT_LIKELIHOOD,
    )


def _noisy(view: View, name: str) -> list[Claim]:
    trials = _of(view, [name])
    done = trials[trials["status"].eq("finished")]
    kappa, r, burda, active = (done[of].astype(float) for of in ("kappa", "intrinsic_dim", "n_burda", "n_active"))
    enough = complete(trials)
    return [
        Claim(
            name,
            "on noisy data the mean of every latent varies by more than 0.01, whatever the data's dimension",
            "derived: eigenvalues of a sample's noise exceed their mean",
            f"all of κ = {_counts(kappa.unique())}",
            _counts(burda),
            "exact",
            judged(bool(burda.eq(kappa).all()), enough),
            len(done),
            topics.WHAT_IS_ACTIVE,
        ),
        Claim(
            name,
            "the latents whose posterior is narrower than half of the prior are those of the data",
            "derived",
            f"r = {_counts(r.unique())}",
            _counts(active),
            f"± {ONE_MORE}",
            judged(bool((active - r).abs().le(ONE_MORE).all()), enough),
            len(done),
            topics.WHAT_IS_ACTIVE,
        ),
    ]


def _counts(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.0f}" for value in values) or NOTHING


def _of(view: View, names: Sequence[str]) -> Frame:
    return view.trials[view.trials["look"].isin(list(names))]
