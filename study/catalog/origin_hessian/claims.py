"""origin_hessian: is the origin, where nothing is encoded, a minimum exactly when it is the global one?

Automatic differentiation over all free parameters measures the curvature, and L-BFGS finds the global minimum. In theory
both follow from ζ₁² ≤ βγ, in units of the narrowest latent's variance if Σ is fixed, and at γ = T/d2 if γ is learned.

Source: Wang & Ziyin (2022), Thm. 3, for linear models; that it fails for two layers is derived.
"""

import math
from collections.abc import Sequence

import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, at_least, within
from analysis.claims.estimate import computed
from analysis.claims.lacks import uncomputed
from analysis.figures.drawing import Drawing
from analysis.frames.probe_results import ProbeResult, probe_results
from analysis.frames.view import View
from analysis.tables.sheet import Sheet
from analysis.theory import hessian
from study.catalog.origin_hessian.figures import depths
from study.catalog.origin_hessian.table import DEEP, origin_hessian

CURVED = 1e-9
"""A negative eigenvalue below this fraction of the largest one counts as rounding."""

BELOW = 1e-8
"""The lowest J counts as below the origin's from this many nats on, relative where J is large."""

EXACT = 1e-6
"""Tolerance on the counterexample's eigenvalues and losses."""

SOURCE = "Wang & Ziyin (2022), Thm. 3"


@origin_hessian.claims
def claims(view: View) -> list[Claim]:
    """One claim for each kind of linear model, and one for the counterexample."""
    found = []
    for variant in view.header.axes["variant"]:
        trials = view.trials[view.trials["variant"].eq(variant)]
        of = _deep if variant == DEEP else _equivalence
        if len(trials):
            found.append(of(str(variant), probe_results(trials), uncomputed(trials)))
    return found


@origin_hessian.figures
def drawings(view: View) -> list[Drawing]:
    """How far below the origin the global minimum lies, against the ratio that decides in theory."""
    found = [look for look in probe_results(view.trials) if look.what["variant"] != DEEP]
    return (
        [depths({name: _of(found, name) for name in dict.fromkeys(look.what["variant"] for look in found)})]
        if found
        else []
    )


@origin_hessian.sheets
def sheets(view: View) -> list[Sheet]:
    """How many problems have a minimum at the origin, have the global one there, and should have it in theory."""
    found, rows = probe_results(view.trials), []
    for variant in dict.fromkeys(look.what["variant"] for look in found):
        of = _of(found, variant)
        rows.append(
            {
                "model": variant,
                "problems": len(of),
                "origin a minimum": sum(map(is_minimum, of)),
                "origin the global one": sum(map(is_global, of)),
                "both or neither": sum(is_minimum(look) == is_global(look) for look in of),
                "ζ₁² ≤ βγ": sum(map(_by_theory, of)),
            }
        )
    return [Sheet("origin", "The origin of random problems", pd.DataFrame(rows))] if rows else []


def is_minimum(look: ProbeResult) -> bool:
    """Whether the Hessian at the origin is positive semi-definite."""
    return look["least_eigenvalue"] >= -CURVED * look["largest_eigenvalue"]


def is_global(look: ProbeResult) -> bool:
    """Whether no minimisation ended below the origin."""
    return look["at_origin"] - look["lowest"] <= BELOW * max(1.0, abs(look["at_origin"]))


def _by_theory(look: ProbeResult) -> bool:
    return bool(hessian.origin_is_minimum([look["threshold_ratio"]], 1.0))


def _of(found: Sequence[ProbeResult], variant: str) -> list[ProbeResult]:
    return [look for look in found if look.what["variant"] == variant]


def _equivalence(variant: str, found: Sequence[ProbeResult], lacks: str) -> Claim:
    agree = sum(is_minimum(look) == is_global(look) == _by_theory(look) for look in found)
    kept = sum(map(is_global, found))
    share = agree / len(found) if found else math.nan
    one_sided = "" if 0 < kept < len(found) or agree < len(found) else "the problems have only one of the two outcomes"
    return Claim(
        variant,
        "the origin is a minimum iff it is the global one, iff ζ₁² ≤ βγ",
        SOURCE,
        expected=f"all of {len(found)} problems, with both outcomes",
        measured=f"{agree} of {len(found)}: {kept} with the global minimum at the origin, {len(found) - kept} without",
        comparisons=[Comparison("share of the problems", computed(share, len(found)), at_least(1.0))],
        lacks=lacks or one_sided,
        trials=len(found),
        statements=["W19"],
    )


def _deep(variant: str, found: Sequence[ProbeResult], lacks: str) -> Claim:
    """u₂u₁z with x of variance 4 at β = γ = 1."""
    known = {
        "least_eigenvalue": ("least eigenvalue", 0.0),
        "largest_eigenvalue": ("largest eigenvalue", 4.0),
        "at_origin": ("J at the origin", 2.0),
        "lowest": ("J at its lowest", 1.5),
    }
    return Claim(
        variant,
        "with two layers in the decoder the origin is a minimum, but not the global one",
        f"{SOURCE}: it does not extend to deeper models; derived",
        comparisons=[
            Comparison(what, computed(found[0][name] if found else math.nan), within(EXACT, value))
            for name, (what, value) in known.items()
        ],
        lacks=lacks,
        trials=len(found),
        statements=["W19"],
        kind="derived",
    )
