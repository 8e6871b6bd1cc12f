"""landscape_slices: the profile loss along lines through affine decoders, as γ falls.

The numbers expected of each line are a reproduction: they were computed once from the profile loss on the same grids. Only
the γ/λ at which two equal latents gain a second minimum follows from theory.

Source: Dai, Wenliang & Wipf (2021), Fig. 3.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, Target, at_least, within
from analysis.claims.estimate import computed
from analysis.claims.lacks import uncomputed
from analysis.figures.drawing import Drawing
from analysis.frames.probe_results import ProbeResult, probe_results
from analysis.frames.view import View
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
    lacks = {line: uncomputed(trials) for line, trials in _lines(view).items()}
    return [
        _pair(_by_gamma(found[PAIR]), lacks[PAIR]),
        _split(found[SPLIT], lacks[SPLIT]),
        _planted(_by_gamma([look for look in found[PLANTED] if look.row["seed"] == 0]), lacks[PLANTED]),
        _several(_by_seed(found[PLANTED]), lacks[PLANTED]),
        _share(_by_seed(found[PLANTED]), lacks[PLANTED]),
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


def _pair(found: Mapping[float, ProbeResult], lacks: str) -> Claim:
    def compared(gamma: float, count: int, place: str, slope: str) -> list[Comparison]:
        look, at = found[gamma], f"at γ = {gamma:g}"
        numbers = (("minima", look["minima"], str(count)), ("|t| of the lowest", abs(look["argmin"]), place))
        numbers += (("largest |dL/dt|", look["steepest"], slope),)
        return [
            Comparison(f"{what} {at}", computed(value, 1, "lines"), _rounded_to(text)) for what, value, text in numbers
        ]

    return Claim(
        f"{PAIR}, λ = 0.08, b = 0.8",
        "as γ falls, a second minimum appears, the lowest one moves to the planted decoder, and slopes grow without bound",
        SOURCE,
        comparisons=[one for gamma, said in OF_PAIR.items() if gamma in found for one in compared(gamma, *said)],
        lacks=lacks,
        trials=len(found),
        statements=["D24", "D8"],
    )


def _rounded_to(text: str) -> Target:
    """What rounds to the digits given."""
    unit = 10.0 ** -len(text.partition(".")[2])
    return Target(float(text) - unit / 2, float(text) + unit / 2, text)


def _split(found: Sequence[ProbeResult], lacks: str) -> Claim:
    ratio = found[0]["split"] if found else math.nan
    return Claim(
        SPLIT,
        "the line has two minima iff γ/λ lies below a threshold",
        f"{SOURCE}; derived",
        comparisons=[Comparison("γ/λ", computed(ratio, 1, "lines"), within(AT, minima.pair_split()))],
        lacks=lacks,
        trials=len(found),
        statements=["D24"],
        kind="derived",
    )


def _planted(found: Mapping[float, ProbeResult], lacks: str) -> Claim:
    step = 6 / 6000
    known = [(found[gamma], f"at γ = {gamma:g}", *said) for gamma, said in OF_PLANTED.items() if gamma in found]
    counts = [
        Comparison(f"minima {at}", computed(look["minima"], 1, "lines"), within(0, count))
        for look, at, count, _ in known
    ]
    places = [
        Comparison(f"|t| of the lowest {at}", computed(abs(look["argmin"]), 1, "lines"), within(step / 2, place))
        for look, at, _, place in known
    ]
    return Claim(
        f"{PLANTED}, seed 0",
        "as γ falls, a second minimum appears and the lowest one moves to the planted decoder",
        SOURCE,
        comparisons=counts + places,
        lacks=lacks,
        trials=len(found),
        statements=["D24"],
    )


def _several(found: Mapping[int, Mapping[float, ProbeResult]], lacks: str) -> Claim:
    asked = [dict(sorted(found[seed].items(), reverse=True)) for seed in CLOSELY if seed in found]
    agree = sum(map(_gains_a_minimum, asked))
    return Claim(
        f"{PLANTED}, seeds {', '.join(map(str, CLOSELY))}",
        "one minimum at γ = 1, several for γ ≤ 0.01, and the lowest never moves away from the planted decoder",
        SOURCE,
        comparisons=[Comparison("lines", computed(agree, len(asked), "lines"), at_least(len(CLOSELY)))],
        lacks=lacks,
        trials=sum(map(len, asked)),
        statements=["D22", "D24"],
    )


def _gains_a_minimum(falling: Mapping[float, ProbeResult]) -> bool:
    """Whether a line has one minimum at γ = 1, several for γ ≤ 0.01, and a lowest one that never moves away from t = 0.

    `falling` holds the line's probes by γ, in falling order.
    """
    places, widest = [abs(look["argmin"]) for look in falling.values()], falling.get(1.0)
    several = all(look["minima"] >= 2 for gamma, look in falling.items() if gamma <= 0.01)
    return widest is not None and widest["minima"] == 1 and several and bool((np.diff(places) <= 1e-9).all())


def _share(found: Mapping[int, Mapping[float, ProbeResult]], lacks: str) -> Claim:
    chosen = [of for seed, of in found.items() if seed < OF_EVERY and {1.0, 0.1, 1e-3} <= of.keys()]
    carved = sum(of[1.0]["minima"] == of[0.1]["minima"] == 1 < of[1e-3]["minima"] for of in chosen)
    return Claim(
        f"{PLANTED}, seeds 0 to {OF_EVERY - 1}",
        "most random lines, but not all, have one minimum at γ = 1 and 0.1 and several at 0.001",
        f"{SOURCE}: a reproduction",
        comparisons=[Comparison(f"lines of {OF_EVERY}", computed(carved, len(chosen), "lines"), within(0, SHARE))],
        lacks=lacks or ("" if len(chosen) == OF_EVERY else f"{len(chosen)} of {OF_EVERY} lines are there"),
        trials=3 * len(chosen),
        kind="check",
    )
