"""groundwork: conventions, closed forms and metrics, each where the truth is known.

A verdict here tests the platform as much as a source: a failure here casts doubt on every other verdict.

Source: Wang & Ziyin (2022), Props. 2 and 3, Thms. 1 and 2, appendix D; Dai, Wenliang & Wipf (2021), eq. 3; Rybkin,
Daniilidis & Levine (2021), section 3; Burda, Grosse & Salakhutdinov (2016), eq. 8; Richardson & Weiss (2018), section 2;
Lucas et al. (2019).
"""

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from analysis.claims.claim import CHECK, Claim
from analysis.claims.comparison import Comparison, above, at_most, near, within
from analysis.claims.estimate import mean_count_of, mean_of, worst_of
from analysis.claims.lacks import too_few, uncomputed
from analysis.frames.probe_results import probe_results
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.sheet import Sheet
from study.catalog.groundwork.avoided import of_avoided
from study.catalog.groundwork.identities import IDENTITIES, LITERATURE, STEPS, residuals, worst_residual
from study.catalog.groundwork.likelihoods import of_likelihoods
from study.catalog.groundwork.minima import of_minima
from study.catalog.groundwork.table import BINS, CONVENTIONS, MMDS, NOISY, groundwork

IDENTICAL = 1e-5
"""Relative tolerance on identities."""

SHARE, SHARE_WITHIN = 0.05, 0.02
"""Share of the bins that differ by chance alone, and how far a mean over repeats may lie from it."""

DEVIATIONS = 4.0
"""A mean that should be zero must lie within this many standard errors."""

ZEROS = sum(1 + s / (s + 1) - 4 * s / (2 * s + 1) for s in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0))
"""MMD² of a point mass at 0, in very many dimensions; derived from the kernel."""

MANY, ZEROS_WITHIN = 64, 0.02
"""κ that counts as very many dimensions, and the relative tolerance there."""

ONE_MORE = 1.0
"""How far the count of narrow posteriors may lie from r."""


@groundwork.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study."""
    return [
        *_conventions(view),
        *of_minima(view),
        *of_avoided(view),
        *of_likelihoods(view),
        *(_bins(view, name) for name in _asked(view, BINS)),
        *(_mmd(view, name) for name in _asked(view, MMDS)),
        *(_collapsed(view, name) for name in _asked(view, MMDS) if MMDS[name].kappa == MANY),
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
    found, lacks = probe_results(trials), uncomputed(trials)

    def claim(says: str, source: str, comparisons: list[Comparison], statements: Sequence[str] = ()) -> Claim:
        kind = None if statements else CHECK
        return Claim(
            "random networks",
            says,
            source,
            comparisons=comparisons,
            lacks=lacks,
            trials=len(found),
            statements=[*statements],
            kind=kind,
        )

    def off(what: str, errors: Iterable[float]) -> Comparison:
        return Comparison(f"{what}: largest relative residual", worst_of(errors, "networks"), at_most(IDENTICAL))

    steps = [off(name, residuals(both, found)) for name, both in STEPS.items()]
    slopes = off("∇J of all weights, and of log γ where it is learned", (look["slopes_apart"] for look in found))
    turned = off("∇J(γ, β) against β ∇J(βγ, 1)", (look["turned"] for look in found))
    return [
        claim("what steps minimise and records hold is J, written by hand or by autograd", "the definitions", steps),
        claim("the slopes that a step follows are those of J written out", "the definitions", [slopes]),
        *(
            claim(name, "the definitions", [off("both sides", residuals(both, found))], [statement])
            for name, (statement, both) in LITERATURE.items()
        ),
        claim(
            "only βγ matters where γ is fixed: gradients at (γ, β) and (βγ, 1) point the same way",
            "derived from the definition of J",
            [turned],
            ["W20"],
        ),
    ]


def _bins(view: View, name: str) -> Claim:
    trials = _of(view, [name])
    found = probe_results(trials)
    return Claim(
        name,
        "two samples of one distribution differ in one bin out of twenty",
        "Richardson & Weiss (2018), section 2",
        comparisons=[Comparison("NDB/K", mean_of(look["mean"] for look in found), within(SHARE_WITHIN, SHARE))],
        lacks=uncomputed(trials),
        trials=len(found),
        kind=CHECK,
    )


def _mmd(view: View, name: str) -> Claim:
    trials = _of(view, [name])
    found = probe_results(trials)
    away = worst_of((look["mean"] / (look["deviation"] / math.sqrt(look.what["repeats"])) for look in found), "seeds")
    return Claim(
        name,
        "MMD² between two samples of the prior is zero on average",
        "Tolstikhin et al. (2018), section 4, unbiased; Gretton et al. (2012), lemma 6",
        comparisons=[Comparison("largest mean in standard errors", away, at_most(DEVIATIONS))],
        lacks=uncomputed(trials),
        trials=len(found),
        kind=CHECK,
    )


def _collapsed(view: View, name: str) -> Claim:
    trials = _of(view, [name])
    found = probe_results(trials)
    return Claim(
        name,
        "MMD² of codes that are all zero is that of a point mass",
        "derived from the kernel, for very many dimensions",
        comparisons=[Comparison("MMD²", mean_of(look["of_zeros"] for look in found), near(ZEROS, ZEROS_WITHIN))],
        lacks=uncomputed(trials),
        trials=len(found),
        kind=CHECK,
    )


def _noisy(view: View, name: str) -> list[Claim]:
    trials = _of(view, [name])
    done = trials[trials["status"].eq("finished")]
    kappa, r = (float(trials[of].median()) for of in ("kappa", "intrinsic_dim"))
    lacks = too_few(len(done), len(trials), "have finished")

    def claim(says: str, what: str, comparison: Comparison) -> Claim:
        return Claim(name, says, what, comparisons=[comparison], lacks=lacks, trials=len(done))

    return [
        claim(
            "on noisy data the mean of every latent varies by more than 0.01, whatever the data's dimension",
            "derived: eigenvalues of a sample's noise exceed their mean",
            Comparison(
                f"latents of κ = {kappa:.0f} whose mean varies", mean_count_of(done["n_burda"]), above(kappa - 1)
            ),
        ),
        claim(
            "the latents with a posterior variance below half of the prior's are as many as the data's modes",
            "derived",
            Comparison("such latents", mean_count_of(done["n_active"]), within(ONE_MORE, r)),
        ),
    ]


def _of(view: View, names: Sequence[str]) -> Frame:
    return view.trials[view.trials["look"].isin(list(names))]


def _asked(view: View, names: Iterable[str]) -> list[str]:
    """The looks among these that the study has."""
    return [name for name in names if name in view.header.axes["look"]]
