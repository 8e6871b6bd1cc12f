"""landscape_slices: the profile loss along lines through affine decoders, as γ falls.

The numbers expected of each line are a reproduction: they were computed once from the profile loss on the same grids. Only
the γ/λ at which two equal latents gain a second minimum follows from theory.

Source: Dai, Wenliang & Wipf (2021), Fig. 3.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
from analysis.figures.drawing import Drawing
from analysis.frames.probe_results import ProbeResult, all_computed, probe_results
from analysis.frames.view import View
from analysis.tables.interval import NOTHING
from analysis.tables.sheet import Sheet
from analysis.theory import minima
from study.catalog.landscape_slices.figures import slices
from study.catalog.landscape_slices.table import CLOSELY, PAIR, PLANTED, SPLIT, landscape_slices

OF_PAIR = {
    1.0: (1, "0.61", "0.39"),
    0.1: (1, "0.67", "1.4"),
    0.01: (2, "0.017", "3.0"),
    1e-3: (2, "0.0002", "10"),
}
"""γ → number of minima, |t| at the lowest loss and largest slope along the first line, to the digits given."""

OF_PLANTED: dict[float, tuple[int, float]] = {
    1.0: (1, 0.025),
    0.3: (1, 0.005),
    0.1: (1, 0.001),
    0.03: (2, 0.0),
    0.01: (2, 0.0),
    1e-3: (2, 0.0),
}
"""γ → number of minima and |t| at the lowest loss along the planted line of seed 0."""

OF_EVERY = 30
"""Number of seeds whose lines are counted."""

SHARE = 19
"""How many of these lines have one minimum at γ = 1 and 0.1, and several at 0.001."""

AT = 1e-5
"""Tolerance on the γ/λ of the split."""

SOURCE = "Dai, Wenliang & Wipf (2021), Fig. 3"


@landscape_slices.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, line by line."""
    found = {line: probe_results(trials) for line, trials in _lines(view).items()}
    enough = {line: all_computed(trials) for line, trials in _lines(view).items()}
    return [
        _pair(_by_gamma(found[PAIR]), enough[PAIR]),
        _split(found[SPLIT], enough[SPLIT]),
        _planted(_by_gamma([look for look in found[PLANTED] if look.row["seed"] == 0]), enough[PLANTED]),
        _several(_by_seed(found[PLANTED]), enough[PLANTED]),
        _share(_by_seed(found[PLANTED]), enough[PLANTED]),
    ]


@landscape_slices.figures
def drawings(view: View) -> list[Drawing]:
    """The loss along both lines, a curve for each γ."""
    lines = {
        PAIR: probe_results(_lines(view)[PAIR]),
        f"{PLANTED}, seed 0": [look for look in probe_results(_lines(view)[PLANTED]) if look.row["seed"] == 0],
    }
    drawn = {
        name: {look.what["gamma"]: arrays for look in found if (arrays := look.arrays(view.home))}
        for name, found in lines.items()
    }
    drawn = {name: curves for name, curves in drawn.items() if curves}
    return [slices(drawn)] if drawn else []


@landscape_slices.sheets
def sheets(view: View) -> list[Sheet]:
    """Number of minima, place of the lowest loss and largest slope along the lines of seed 0."""
    rows = [
        {"line": line, "γ": look.what["gamma"], "minima": look["minima"], "lowest at t": look["argmin"]}
        | {"largest |dL/dt|": look["steepest"]}
        for line, trials in _lines(view).items()
        for look in probe_results(trials)
        if line != SPLIT and look.row["seed"] == 0
    ]
    return [Sheet("lines", "The loss along a line, seed 0", pd.DataFrame(rows))] if rows else []


def _lines(view: View) -> dict[str, pd.DataFrame]:
    return {line: view.trials[view.trials["line"].eq(line)] for line in (PAIR, SPLIT, PLANTED)}


def _by_gamma(found: Sequence[ProbeResult]) -> dict[float, ProbeResult]:
    return {look.what["gamma"]: look for look in found}


def _by_seed(found: Sequence[ProbeResult]) -> dict[int, dict[float, ProbeResult]]:
    seeds: dict[int, dict[float, ProbeResult]] = {}
    for look in found:
        seeds.setdefault(int(look.row["seed"]), {})[look.what["gamma"]] = look
    return seeds


def _pair(found: Mapping[float, ProbeResult], enough: bool) -> Claim:
    def agrees(gamma: float, count: int, place: str, slope: str) -> bool:
        look = found[gamma]
        near = _rounds_to(abs(look["argmin"]), place) and _rounds_to(look["steepest"], slope)
        return look["minima"] == count and near

    return Claim(
        f"{PAIR}, λ = 0.08, b = 0.8",
        "as γ falls, a second minimum appears, the lowest one moves to the planted decoder, and slopes grow without bound",
        SOURCE,
        "; ".join(f"γ = {g:g}: {n}, |t| = {t}, |dL/dt| ≤ {s}" for g, (n, t, s) in OF_PAIR.items()),
        "; ".join(
            f"γ = {g:g}: {look['minima']:g}, |t| = {abs(look['argmin']):.2g}, |dL/dt| ≤ {look['steepest']:.3g}"
            for g, look in found.items()
        )
        or NOTHING,
        "counts exact, the rest to the digits given",
        judge(enough and all(g in found and agrees(g, *said) for g, said in OF_PAIR.items()), enough),
        len(found),
        topics.LANDSCAPE_SLICES,
    )


def _rounds_to(value: float, expected: str) -> bool:
    return f"{value:.{len(expected.partition('.')[2])}f}" == expected


def _split(found: Sequence[ProbeResult], enough: bool) -> Claim:
    ratio = found[0]["split"] if found else math.nan
    expected = minima.pair_split()
    return Claim(
        SPLIT,
        "the line has two minima iff γ/λ lies below a threshold",
        f"{SOURCE}; derived",
        f"γ/λ = {expected:.6f}",
        f"{ratio:.6f}",
        f"{AT:g}",
        judge(abs(ratio - expected) <= AT, enough),
        len(found),
        topics.LANDSCAPE_SLICES,
    )


def _planted(found: Mapping[float, ProbeResult], enough: bool) -> Claim:
    step = 6 / 6000
    agrees = enough and all(
        found[gamma]["minima"] == count and abs(abs(found[gamma]["argmin"]) - place) <= step / 2
        for gamma, (count, place) in OF_PLANTED.items()
    )
    return Claim(
        f"{PLANTED}, seed 0",
        "as γ falls, a second minimum appears and the lowest one moves to the planted decoder",
        SOURCE,
        "; ".join(f"γ = {gamma:g}: {n}, |t| = {t:g}" for gamma, (n, t) in OF_PLANTED.items()),
        "; ".join(f"γ = {g:g}: {look['minima']:g}, |t| = {abs(look['argmin']):.3g}" for g, look in found.items())
        or NOTHING,
        "counts exact, places to half a grid step",
        judge(agrees, enough),
        len(found),
        topics.LANDSCAPE_SLICES,
    )


def _several(found: Mapping[int, Mapping[float, ProbeResult]], enough: bool) -> Claim:
    asked = [dict(sorted(found[seed].items(), reverse=True)) for seed in CLOSELY if seed in found]
    agree = [of for of in asked if _gains_a_minimum(of)]
    return Claim(
        f"{PLANTED}, seeds {', '.join(map(str, CLOSELY))}",
        "one minimum at γ = 1, several for γ ≤ 0.01, and the lowest never moves away from the planted decoder",
        SOURCE,
        f"{len(CLOSELY)} of {len(CLOSELY)} lines",
        f"{len(agree)} of {len(asked)}",
        "exact",
        judge(len(agree) == len(CLOSELY), enough),
        sum(map(len, asked)),
        topics.LANDSCAPE_SLICES,
    )


def _gains_a_minimum(falling: Mapping[float, ProbeResult]) -> bool:
    """Whether a line has one minimum at γ = 1, several for γ ≤ 0.01, and a lowest one that never moves away from t = 0.

    `falling` holds the line's probes by γ, in falling order.
    """
    places = [abs(look["argmin"]) for look in falling.values()]
    several = all(look["minima"] >= 2 for gamma, look in falling.items() if gamma <= 0.01)
    return falling[1.0]["minima"] == 1 and several and bool((np.diff(places) <= 1e-9).all())


def _share(found: Mapping[int, Mapping[float, ProbeResult]], enough: bool) -> Claim:
    chosen = [of for seed, of in found.items() if seed < OF_EVERY and {1.0, 0.1, 1e-3} <= of.keys()]
    carved = [of for of in chosen if of[1.0]["minima"] == of[0.1]["minima"] == 1 < of[1e-3]["minima"]]
    return Claim(
        f"{PLANTED}, seeds 0 to {OF_EVERY - 1}",
        "many lines, but not all, have one minimum at γ = 1 and 0.1 and several at 0.001",
        f"{SOURCE}: a reproduction",
        f"{SHARE} of {OF_EVERY} lines",
        f"{len(carved)} of {len(chosen)}",
        "exact",
        judge(len(carved) == SHARE and len(chosen) == OF_EVERY, enough),
        3 * len(chosen),
        topics.LANDSCAPE_SLICES,
    )
