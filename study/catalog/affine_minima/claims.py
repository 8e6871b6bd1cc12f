"""affine_minima: the minima that random starts reach on the loss over affine decoders, against their number in theory.

With g = γ at β = 1 and k = #{i ≤ κ: λᵢ > g}, the k kept modes can be assigned to latents in κ!/(κ − k)! ways, and their
columns have 2^k signs. All of these minima are global. Rotations between them cross barriers that do not depend on κ.

Source: "On the regularization balance in autoencoder-based generative models", Thm. 1 and its footnote 2, which ignores
the signs.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
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

BARRIER = 1e-4

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
        _barrier(
            found,
            enough,
            "swap_barrier",
            "two kept modes that swap latents cross a barrier of 2 log((λ₁+λ₂)/2) − log λ₁λ₂",
        ),
        _barrier(
            found,
            enough,
            "slot_barrier",
            "a mode that moves to an unused latent crosses a barrier of 2 log((λ+γ)/2) − log λγ",
        ),
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
    """Barriers against γ."""
    found = [look for look in probe_results(view.trials) if not math.isnan(look["slot_barrier"])]
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
            "swap": look["swap_barrier"],
            "slot": look["slot_barrier"],
        }
        for look in probe_results(view.trials)
    ]
    return (
        [
            Sheet(
                "minima",
                "Minima that random starts reach, out of those in theory; excess and barriers in nats of 2J",
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


def _kept(look: ProbeResult) -> np.ndarray:
    values = np.array(look.what["eigenvalues"])[: look.what["kappa"]]
    return values[values > look.what["gamma"]]


def expected_barrier(look: ProbeResult, which: str) -> float:
    """The barrier in theory; NaN where there is no such rotation."""
    kept = _kept(look)
    if which == "swap_barrier":
        return float(minima.swap_barrier(kept[0], kept[1])) if len(kept) > 1 else math.nan
    is_free = len(kept) and len(kept) < look.what["kappa"]
    return float(minima.empty_slot_barrier(kept[-1], look.what["gamma"])) if is_free else math.nan


def _barrier(found: Sequence[ProbeResult], enough: bool, which: str, claim: str) -> Claim:
    asked = [look for look in found if not math.isnan(expected_barrier(look, which))]
    # Where theory predicts a barrier, a missing measurement counts as infinitely wrong.
    apart = [abs(look[which] - expected_barrier(look, which)) for look in asked]
    worst = max((math.inf if math.isnan(value) else value for value in apart), default=math.nan)
    return _claim(
        asked,
        claim,
        _listed(asked, lambda look: number(expected_barrier(look, which))),
        f"off by at most {number(worst)} nats",
        f"{BARRIER:g} nats",
        judge(worst <= BARRIER, enough),
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
