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

from analysis.claims import topics
from analysis.claims.claim import Claim, Verdict, judge
from analysis.figures.drawing import Drawing
from analysis.frames.probe_results import ProbeResult, all_computed, probe_results
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
    "swap_saddle": ("two kept modes swap latents over a saddle of 4 log c − log λ₁λ₂, c = (√λ₁ + √λ₂)/2", GLOBAL),
    "slot_saddle": (
        "a mode moves to an unused latent over a saddle of 2 log(γ + s/2) + λ/(γ + s) − log λγ − 1, "
        "s² + (2γ − λ/2)s + γ² − λγ = 0",
        GLOBAL,
    ),
    "swap_rotation": ("a rotation that swaps two kept modes rises higher, by 2 log((λ₁+λ₂)/2) − log λ₁λ₂", ON_GRID),
    "slot_rotation": ("so does one that moves a mode to an unused latent, by 2 log((λ+γ)/2) − log λγ", ON_GRID),
}
"""Measured rise → what is said of it, and its tolerance in nats."""

SOURCE = "On the regularization balance in autoencoder-based generative models, Thm. 1"


@affine_minima.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study; each covers all settings together."""
    found, enough = probe_results(view.trials), all_computed(view.trials)
    excess = max((abs(look["lowest"] - _least(look)) + look["excess"] for look in found), default=math.nan)
    starts = sum(look.what["starts"] for look in found)
    wrong = [look for look in found if (look["supports"], look["minima"]) != _counts(look)]
    profile = max((look["profile_error"] for look in found), default=math.nan)
    return [
        _claim(
            found,
            "every start ends at a global minimum",
            "2J + κ equals the closed-form minimum at every end",
            f"off by at most {number(excess)} nats in {starts} starts",
            f"{GLOBAL:g} nats",
            judge(excess <= GLOBAL, enough),
        ),
        _claim(
            found,
            "the starts reach one minimum for each choice of latents and of signs of their columns",
            _listed(found, lambda look: _counted(*_counts(look))),
            _listed(found, lambda look: _counted(int(look["supports"]), int(look["minima"]))),
            "exact",
            judge(not wrong, enough),
        ),
        *(_between(found, enough, which) for which in BETWEEN),
        _saddles(found, enough),
        _claim(
            found,
            "the loss of the decoder alone equals the minimum over encoder and posterior variances",
            "no difference",
            f"at most {number(profile)} nats",
            f"{GLOBAL:g} nats",
            judge(profile <= GLOBAL, enough),
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


def _between(found: Sequence[ProbeResult], enough: bool, which: str) -> Claim:
    """A measured rise against its closed form, in the settings that have it."""
    claim, tolerance = BETWEEN[which]
    asked = [look for look in found if not math.isnan(expected_rise(look, which))]
    # Where theory predicts a rise, a missing measurement counts as infinitely wrong.
    apart = [abs(look[which] - expected_rise(look, which)) for look in asked]
    worst = max((math.inf if math.isnan(value) else value for value in apart), default=math.nan)
    return _claim(
        asked,
        claim,
        _listed(asked, lambda look: number(expected_rise(look, which))),
        f"off by at most {number(worst)} nats",
        f"{tolerance:g} nats",
        judge(worst <= tolerance, enough),
    )


def _saddles(found: Sequence[ProbeResult], enough: bool) -> Claim:
    """That the stationary points found are saddles between the two minima, and nothing else."""
    met = [look for look in found if not math.isnan(look["saddle_slope"])]
    slope, missed = (max((look[name] for look in met), default=math.nan) for name in ("saddle_slope", "saddle_missed"))
    falls = {int(look["saddle_falls"]) for look in met}
    return _claim(
        met,
        "at each of these saddles the gradient is zero and one curvature negative; descents both ways end in the two minima",
        "gradient 0, index 1, distance 0",
        f"gradient at most {number(slope)}, index {' or '.join(map(str, sorted(falls))) or NOTHING}, "
        f"ends at most {number(missed)} from the minima",
        f"{STATIONARY:g}; exact; {MISSED:g}",
        judge(slope <= STATIONARY and missed <= MISSED and falls == {1}, enough),
    )


def _listed(found: Sequence[ProbeResult], text: Callable[[ProbeResult], object]) -> str:
    """The text of each setting, without repeats."""
    said = {f"κ = {look.what['kappa']}, γ = {look.what['gamma']:g}: {text(look)}" for look in found}
    return "; ".join(sorted(said)) or NOTHING


def _claim(
    found: Sequence[ProbeResult], claim: str, expected: str, measured: str, tolerance: str, verdict: Verdict
) -> Claim:
    spectra = {", ".join(map(number, look.what["eigenvalues"])) for look in found}
    data = "eigenvalues " + " and ".join(sorted(spectra)) if spectra else "affine decoders"
    return Claim(data, claim, SOURCE, expected, measured, tolerance, verdict, len(found), topics.AFFINE_MINIMA)
