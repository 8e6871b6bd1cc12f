"""rotations: rotating the latents of a linear VAE at its minimum.

The theorem allows any orthogonal matrix. By our derivation only signed permutations (Σ permuted with the latents) and
rotations among equal modes leave J unchanged. If Σ is proportional to the identity, every rotation does.

Source: Wang & Ziyin (2022), Thm. 2, corrected.
"""

import math
from collections.abc import Sequence

import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, above, at_most
from analysis.claims.estimate import computed
from analysis.claims.lacks import uncomputed
from analysis.frames.probe_results import ProbeResult, probe_results
from analysis.frames.view import View
from analysis.tables.sheet import Sheet
from study.catalog.rotations.table import BEST, GIVEN, KEPT, ORTHOGONAL, SIGNED, rotations

FREE = 1e-12
"""Largest change of J, in nats, under a rotation that should leave it unchanged; relative where J is large."""

RAISED = 1e-6
"""Nats by which every other rotation must raise J."""

SOURCE = "Wang & Ziyin (2022), Thm. 2"

SAID = {KEPT: "Σ stays as it is", BEST: "Σ is optimal for each rotation", GIVEN: "Σ is fixed at the prior's"}


@rotations.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study."""
    found, lacks = probe_results(view.trials), uncomputed(view.trials)
    turned = [look for look in found if look.what["turn"] == ORTHOGONAL]
    unequal = [look for look in turned if not _are_equal(look)]
    free = [look for look in turned if _are_equal(look) or look.what["sigma"] == GIVEN]
    signed = [look for look in found if look.what["turn"] == SIGNED]
    any_turn = "every rotation leaves J unchanged if Σ is fixed, or if all modes are equal"
    return [
        *(_raised(sigma, [look for look in unequal if look.what["sigma"] == sigma], lacks) for sigma in (KEPT, BEST)),
        _free("any modes", "signed permutations of the latents leave J unchanged", signed, lacks),
        _free("Σ ∝ I", any_turn, free, lacks),
    ]


@rotations.sheets
def sheets(view: View) -> list[Sheet]:
    """How much J rises under each kind of matrix and Σ."""
    rows = [
        {
            "modes": look.row["modes"],
            "turn": look.what["turn"],
            "Σ": SAID[look.what["sigma"]],
            "κ": look.what["kappa"],
            "seed": int(look.row["seed"]),
            "turns": look.what["count"],
            "least rise, nats": look["least_rise"],
            "largest rise, nats": look["largest_rise"],
        }
        for look in probe_results(view.trials)
    ]
    return [Sheet("rises", "How much J rises when the latents are rotated", pd.DataFrame(rows))] if rows else []


def _are_equal(look: ProbeResult) -> bool:
    return len(set(look.what["eigenvalues"])) == 1


def _raised(sigma: str, found: Sequence[ProbeResult], lacks: str) -> Claim:
    least = min((look["least_rise"] for look in found), default=math.nan)
    turns = sum(look.what["count"] for look in found)
    rise = Comparison(f"least rise over {turns} matrices, nats", computed(least, turns, "matrices"), above(RAISED))
    return Claim(
        f"unequal modes, {SAID[sigma]}",
        "an orthogonal matrix that is not a signed permutation raises J",
        f"{SOURCE}, corrected: it allows any orthogonal matrix",
        comparisons=[rise],
        lacks=lacks,
        trials=len(found),
        statements=["W5"],
        kind="derived",
    )


def _free(data: str, claim: str, found: Sequence[ProbeResult], lacks: str) -> Claim:
    worst = max((_change(look) for look in found), default=math.nan)
    turns = sum(look.what["count"] for look in found)
    change = Comparison(
        f"largest change over {turns} matrices, nats", computed(worst, turns, "matrices"), at_most(FREE)
    )
    return Claim(
        data,
        claim,
        f"{SOURCE}, corrected",
        comparisons=[change],
        lacks=lacks,
        trials=len(found),
        statements=["W5"],
        kind="derived",
    )


def _change(look: ProbeResult) -> float:
    """The largest change of J, up or down; relative where J is large."""
    return max(abs(look["least_rise"]), abs(look["largest_rise"])) / max(1.0, abs(look["lowest"]))
