"""penalties: which penalties on codes prefer a sparse decoder of a serpentine, and when does a VAE's loss?

The source asks for an unbounded gradient at 0. Here that is necessary but not sufficient: if the curve is folded closely
enough, a penalty that is continuous at 0 prefers the dense decoder.

Source: Dai, Wenliang & Wipf (2021), Lemmas 2 and 3, Thm. 4 and Fig. 2; "On the regularization balance in autoencoder-based
generative models", Thm. 3.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, at_least, near
from analysis.claims.estimate import computed
from analysis.claims.lacks import uncomputed
from analysis.figures.drawing import Drawing
from analysis.frames.probe_results import ProbeResult, probe_results
from analysis.frames.view import View
from analysis.tables.interval import NOTHING
from analysis.tables.sheet import Sheet
from study.catalog.penalties.changes import BALANCE, CHANGES, SOURCE, expected_of
from study.catalog.penalties.figures import decoders
from study.catalog.penalties.lemmas import of_latents, of_logarithms
from study.catalog.penalties.table import (
    COLUMN_SCALE,
    EPS,
    HUBER,
    LOG,
    LOG_PLUS,
    LOG_PLUS_LESS,
    LOGARITHMS,
    MCP,
    POWER,
    ROOT,
    SATURATING,
    SCAD,
    SMALL_POWER,
    SUPPORT,
    VAE,
    U,
    penalties,
)

SIGNS = {
    U: ("never", "+++++++"),
    HUBER: ("never", "+++++++"),
    SATURATING: ("0.01 is below a critical c", "---++++"),
    LOG_PLUS: ("1e-4 is below a critical δ", "--+++++"),
    LOG_PLUS_LESS: ("1e-8 is below a critical δ", "-----++"),
    ROOT: ("never", "+++++++"),
    POWER: ("0.1 is below a critical p", "---++++"),
    SMALL_POWER: ("0.02 is below a critical p", "-------"),
    MCP: ("ε is above a critical value", "---++++"),
    SCAD: ("ε is above a critical value", "--+++++"),
    SUPPORT: ("always", "-------"),
    LOG: ("always", "-------"),
}
"""Penalty → when it prefers the sparse decoder, and the sign of sparse minus dense at each ε: − where it does."""

NEAR_TIES = {(MCP, 0.1), (SCAD, 0.2)}
"""Cases in which both decoders cost nearly the same, so that the sign does not test theory."""

BOUNDED = (U, HUBER, SATURATING, LOG_PLUS, LOG_PLUS_LESS)
"""Penalties with a finite slope in u at u = 0."""

CONTINUOUS = (ROOT, POWER, MCP, SCAD)
"""Penalties with an infinite slope but no jump; u^0.02 is left out, as it needs ε below 1e-7."""

JUMPS = (SUPPORT, LOG)
"""Penalties that jump at 0, or fall to −∞."""


OF_GROWTH = 0.02
"""Relative tolerance on the growth below the crossing."""


@penalties.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study."""
    return [
        _table(view),
        *(_change(view, name) for name in CHANGES),
        _preferred(
            view,
            BOUNDED,
            "dense",
            "a bounded gradient at 0 is not enough: the penalty prefers the dense decoder",
            ("D18", "D1-4"),
        ),
        _preferred(
            view,
            CONTINUOUS,
            "dense",
            "an unbounded gradient is not enough either, if the penalty is continuous at 0",
            ("D19",),
        ),
        _preferred(
            view,
            JUMPS,
            "sparse",
            "a penalty that jumps at 0, or falls to −∞, prefers the sparse decoder at every ε",
            ("D19",),
        ),
        _growth(view),
        *of_latents(*_of(view, [COLUMN_SCALE])),
        of_logarithms(*_of(view, [LOGARITHMS])),
    ]


@penalties.figures
def drawings(view: View) -> list[Drawing]:
    """The curve, the penalties' preferences against ε, and the VAE's against γ."""
    costs = {name: _by_at(_of(view, [name])[0]) for name in SIGNS}
    shown = [look for found in costs.values() for look in found.values()]
    corners = {look.what["eps"]: arrays["corners"] for look in shown if (arrays := look.arrays(view.home))}
    losses = {
        look.what["eps"]: {**arrays, "expected": np.array(expected)}
        for look, expected in expected_of(CHANGES[VAE], _of(view, [VAE])[0])
        if (arrays := look.arrays(view.home))
    }
    if not corners or not losses:
        return []
    kinds = {"bounded slope": BOUNDED, "infinite slope": (*CONTINUOUS, SMALL_POWER), "jump": JUMPS}
    return [decoders(corners, {kind: {name: costs[name] for name in names} for kind, names in kinds.items()}, losses)]


@penalties.sheets
def sheets(view: View) -> list[Sheet]:
    """The signs, penalty by penalty, and the critical parameters beside theory."""
    every = {name: _by_at(_of(view, [name])[0]) for name in SIGNS}
    tried = [eps for eps in EPS if any(eps in found for found in every.values())]
    rows = []
    for name, found in every.items():
        signs = {f"{eps:g}": _sign(found[eps]) if eps in found else NOTHING for eps in tried}
        rows.append({"h(u)": name, "sparse preferred iff": SIGNS[name][0], **signs} if found else None)
    return [
        Sheet.of("signs", "Sign of the difference at each ε: − where the sparse decoder is preferred", rows),
        Sheet.of("critical", "Where the preference changes", _constants(view)),
    ]


def _constants(view: View) -> list[dict[str, Any]]:
    return [
        {"of": change.data, "value": name if name != VAE else "γ*", "ε": look.what["eps"]}
        | {"measured": look[change.number], "theory": expected}
        for name, change in CHANGES.items()
        for look, expected in expected_of(change, _of(view, [name])[0])
    ]


def _of(view: View, names: Iterable[str]) -> tuple[list[ProbeResult], str]:
    """The finished probes of these names, and what is missing where not all have finished."""
    trials = view.trials[view.trials["look"].isin(list(names))]
    return probe_results(trials), uncomputed(trials)


def _by_at(found: Sequence[ProbeResult]) -> dict[float, ProbeResult]:
    return {look.what["eps"]: look for look in found}


def _sign(look: ProbeResult) -> str:
    return {-1.0: "−", 1.0: "+"}.get(look["sign"], "0")


def _table(view: View) -> Claim:
    found, lacks = _of(view, SIGNS)
    expected = {
        (name, eps): sign.replace("-", "−")
        for name, (_, signs) in SIGNS.items()
        for eps, sign in zip(EPS, signs, strict=True)
        if (name, eps) not in NEAR_TIES
    }
    measured = {(look.row["look"], look.what["eps"]): _sign(look) for look in found}
    other = [at for at, sign in expected.items() if measured.get(at) != sign]
    right = len(expected) - len(other)
    others = ", ".join(f"{name} at {eps:g}" for name, eps in other[:5])
    return Claim(
        "serpentine of length 4",
        "which penalties prefer the sparse decoder, at which ε",
        f"{SOURCE}, Thm. 4 and Fig. 2; signs derived",
        expected=f"the {len(expected)} signs of the table, without {len(NEAR_TIES)} near-ties",
        measured=f"{right} of them" + (f"; not {others}" if other else ""),
        comparisons=[Comparison("signs that agree", computed(right, len(expected), "signs"), at_least(len(expected)))],
        lacks=lacks,
        trials=len(found),
        statements=["D20"],
    )


def _change(view: View, name: str) -> Claim:
    change = CHANGES[name]
    found, lacks = _of(view, [name])
    return Claim(
        change.data,
        change.claim,
        change.source,
        comparisons=[
            Comparison(f"at ε = {look.what['eps']:g}", computed(look[change.number]), near(expected, change.tolerance))
            for look, expected in expected_of(change, found)
        ],
        lacks=lacks,
        trials=len(found),
        statements=change.statements,
        kind=change.kind,
    )


def _preferred(view: View, names: Sequence[str], decoder: str, claim: str, statements: Sequence[str]) -> Claim:
    """Whether these penalties prefer `decoder`: the dense one at the least ε, or the sparse one at every ε."""
    found, lacks = _of(view, names)
    least = min((look.what["eps"] for look in found), default=math.nan)
    asked = found if decoder == "sparse" else [look for look in found if look.what["eps"] == least]
    agree = sum(_sign(look) == ("−" if decoder == "sparse" else "+") for look in asked)
    where = "at every ε" if decoder == "sparse" else f"at ε = {least:g}"
    compared = Comparison(f"cases {where} that prefer the {decoder} decoder", computed(agree), at_least(len(asked)))
    return Claim(
        ", ".join(names),
        claim,
        f"{SOURCE}, Thm. 4, corrected: an unbounded gradient is necessary, not sufficient",
        comparisons=[compared],
        lacks=lacks,
        trials=len(asked),
        statements=statements,
        kind="source" if "D18" in statements else "derived",
    )


def _growth(view: View) -> Claim:
    found, lacks = _of(view, [VAE])
    return Claim(
        "VAE with either decoder",
        "below γ* the difference grows as log(1/γ), without bound as γ → 0",
        BALANCE,
        comparisons=[
            Comparison(
                f"per decade of γ at ε = {k.what['eps']:g}", computed(k["growth"]), near(math.log(10), OF_GROWTH)
            )
            for k in found
        ],
        lacks=lacks,
        trials=len(found),
        statements=["B15"],
    )
