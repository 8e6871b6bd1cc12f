"""affine_minima: the minima that random starts reach on the loss over affine decoders, against their number in theory.

With g = γ at β = 1 and k = #{i ≤ κ: λᵢ > g}, the k kept modes can be assigned to latents in κ!/(κ − k)! ways, and their
columns have 2^k signs. All of these minima are global. The lowest ways between them cross saddles that do not depend on κ;
rotations of two latents rise higher.

Source: "On the regularization balance in autoencoder-based generative models", Thm. 1 and its footnote 2, which ignores
the signs; rises derived (`analysis.theory.minima`).
"""

import math
from collections.abc import Callable, Sequence

import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, at_least, at_most, within
from analysis.claims.estimate import computed, worst_of
from analysis.claims.lacks import uncomputed
from analysis.figures.drawing import Drawing
from analysis.frames.probe_results import ProbeResult, probe_results
from analysis.frames.view import View
from analysis.tables.interval import NOTHING, number
from analysis.tables.sheet import Sheet
from analysis.theory import conventions, linear, minima, modes_of_spectrum
from study.catalog.affine_minima.figures import barriers
from study.catalog.affine_minima.table import affine_minima

GLOBAL = 1e-6
"""Tolerance in nats: of a start's final loss, and of the decoder's loss against minimising over encoder and variances."""

STATIONARY, MISSED = 1e-8, 1e-4
"""A gradient that counts as zero, in nats over data; how far from a minimum a descent may end, in data."""

ON_GRID = 1e-4
"""Tolerance in nats of the highest point of a grid of angles."""

BETWEEN = {
    "swap_saddle": (
        "two kept modes swap latents over a saddle of 4 log c − log λ₁λ₂, c = (√λ₁ + √λ₂)/2",
        GLOBAL,
        ["B8"],
    ),
    "slot_saddle": (
        "a mode moves to an unused latent over a saddle of 2 log(γ + s/2) + λ/(γ + s) − log λγ − 1, "
        "s² + (2γ − λ/2)s + γ² − λγ = 0",
        GLOBAL,
        ["B8"],
    ),
    "swap_rotation": ("a rotation that swaps two kept modes rises higher, by 2 log((λ₁+λ₂)/2) − log λ₁λ₂", ON_GRID, []),
    "slot_rotation": ("so does one that moves a mode to an unused latent, by 2 log((λ+γ)/2) − log λγ", ON_GRID, []),
}
"""Measured rise → what is said of it, its tolerance in nats, and the statements that say it."""

SOURCE = "On the regularization balance in autoencoder-based generative models, Thm. 1"


@affine_minima.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study; each covers all settings together."""
    found, lacks = probe_results(view.trials), uncomputed(view.trials)
    excess = [abs(look["lowest"] - _least(look)) + look["excess"] for look in found]
    starts = sum(look.what["starts"] for look in found)
    right = sum((look["supports"], look["minima"]) == _counts(look) for look in found)
    counted = computed(right / len(found) if found else math.nan, len(found), "settings")
    over, apart = worst_of(excess, "settings"), worst_of((look["profile_error"] for look in found), "settings")
    return [
        _claim(
            found,
            "every start ends at a global minimum",
            [Comparison(f"2J + κ at the worst of {starts} ends, off the closed form", over, at_most(GLOBAL, " nats"))],
            ["B4"],
            lacks,
        ),
        _claim(
            found,
            "the starts reach one minimum for each choice of latents and of signs of their columns",
            [Comparison("settings with as many as theory has", counted, at_least(1.0))],
            ["B5"],
            lacks,
            expected=_listed(found, lambda look: _counted(*_counts(look))),
            measured=_listed(found, lambda look: _counted(int(look["supports"]), int(look["minima"]))),
        ),
        *(_between(found, which, lacks) for which in BETWEEN),
        _saddles(found, lacks),
        _claim(
            found,
            "the loss of the decoder alone equals the minimum over encoder and posterior variances",
            [Comparison("largest difference", apart, at_most(GLOBAL, " nats"))],
            ["B7"],
            lacks,
        ),
    ]


@affine_minima.figures
def drawings(view: View) -> list[Drawing]:
    """Rises against γ."""
    found = [look for look in probe_results(view.trials) if not math.isnan(look["slot_saddle"])]
    return [barriers(found)] if found else []


@affine_minima.sheets
def sheets(view: View) -> list[Sheet]:
    """The minima that the starts of each setting reached."""
    rows = [
        {
            "modes": ", ".join(map(number, look.what["eigenvalues"])),
            "κ": look.what["kappa"],
            "γ": f"{look.what['gamma']:g}",
            "seed": str(look.row["seed"]),
            "supports": f"{look['supports']:g} of {_counts(look)[0]}",
            "with signs": f"{look['minima']:g} of {_counts(look)[1]}",
            "excess": look["excess"],
            "swap, saddle": look["swap_saddle"],
            "swap, rotation": look["swap_rotation"],
            "slot, saddle": look["slot_saddle"],
            "slot, rotation": look["slot_rotation"],
        }
        for look in probe_results(view.trials)
    ]
    return (
        [
            Sheet(
                "minima",
                "Minima that random starts reach, out of those in theory; excess and rises in nats of 2J",
                pd.DataFrame(rows),
            )
        ]
        if rows
        else []
    )


def _least(look: ProbeResult) -> float:
    kappa = look.what["kappa"]
    modes = modes_of_spectrum(look.what["eigenvalues"])
    return float(conventions.eq3(linear.objective(modes, look.what["gamma"], 1.0, kappa), kappa))


def _counts(look: ProbeResult) -> tuple[int, int]:
    found = minima.count(look.what["eigenvalues"], look.what["gamma"], look.what["kappa"])
    return found.supports, found.signed


def _counted(supports: int, signed: int) -> str:
    return f"{supports}, {signed} with signs"


def expected_rise(look: ProbeResult, which: str) -> float:
    """What theory says of a measured rise; NaN where no two minima lie so."""
    values, level, kappa = sorted(look.what["eigenvalues"], reverse=True), look.what["gamma"], look.what["kappa"]
    k = int(linear.active_modes(values, level, kappa))
    if which.startswith("swap"):
        rise = minima.swap_saddle if which == "swap_saddle" else minima.rotation_rise
        return float(rise(values[0], values[1])) if k > 1 else math.nan
    if not 0 < k < kappa:
        return math.nan
    if which == "slot_rotation":
        return float(minima.rotation_rise(values[k - 1], level))
    return float(minima.empty_slot_saddle(values[k - 1], level, values[k] if k < len(values) else 0.0))


def _between(found: Sequence[ProbeResult], which: str, lacks: str) -> Claim:
    """A measured rise against its closed form, in the settings that have it."""
    claim, tolerance, statements = BETWEEN[which]
    asked = [look for look in found if not math.isnan(expected_rise(look, which))]
    # Where theory predicts a rise, a missing measurement counts as infinitely wrong.
    apart = [abs(look[which] - expected_rise(look, which)) for look in asked]
    off = worst_of((math.inf if math.isnan(value) else value for value in apart), "settings")
    return _claim(
        asked,
        claim,
        [Comparison("largest distance to the closed form", off, at_most(tolerance, " nats"))],
        statements,
        lacks,
        expected=_listed(asked, lambda look: number(expected_rise(look, which))),
    )


def _saddles(found: Sequence[ProbeResult], lacks: str) -> Claim:
    """That the stationary points found are saddles between the two minima, and nothing else."""
    met = [look for look in found if not math.isnan(look["saddle_slope"])]
    of = {name: [look[f"saddle_{name}"] for look in met] for name in ("slope", "falls", "missed")}
    comparisons = [
        Comparison("largest component of the gradient", worst_of(of["slope"], "settings"), at_most(STATIONARY)),
        *(
            Comparison(f"negative curvatures, {end}", computed(which(of["falls"], default=math.nan)), within(0.0, 1.0))
            for end, which in (("least", min), ("most", max))
        ),
        Comparison("largest distance of an end to its minimum", worst_of(of["missed"], "settings"), at_most(MISSED)),
    ]
    return _claim(
        met,
        "at each of these saddles the gradient is zero and one curvature negative; descents both ways end in the two minima",
        comparisons,
        [],
        lacks,
    )


def _listed(found: Sequence[ProbeResult], text: Callable[[ProbeResult], object]) -> str:
    """The text of each setting, without repeats."""
    said = {f"κ = {look.what['kappa']}, γ = {look.what['gamma']:g}: {text(look)}" for look in found}
    return "; ".join(sorted(said)) or NOTHING


def _claim(
    found: Sequence[ProbeResult],
    claim: str,
    comparisons: list[Comparison],
    statements: list[str],
    lacks: str,
    expected: str = "",
    measured: str = "",
) -> Claim:
    spectra = {", ".join(map(number, look.what["eigenvalues"])) for look in found}
    data = "eigenvalues " + " and ".join(sorted(spectra)) if spectra else "affine decoders"
    return Claim(
        data,
        claim,
        SOURCE if statements else "derived",
        expected=expected,
        measured=measured,
        comparisons=comparisons,
        lacks=lacks,
        trials=len(found),
        statements=statements,
    )
