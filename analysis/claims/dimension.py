"""What the rate and the objective say of the dimension of data while γ falls: claims, and a table of r̂ beside r."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from analysis.claims.claim import QUESTION, Claim, Kind
from analysis.claims.comparison import Comparison, near
from analysis.claims.estimate import Estimate, mean_of
from analysis.fit.dimension import descents
from analysis.frames.types import Frame
from analysis.tables.interval import t_interval
from analysis.tables.sheet import Sheet

SLIDES = "the slides, and Dai, Wenliang & Wipf (2021), section 3: 2K ≈ −r log γ"
ENERGY = "Dai, Wenliang & Wipf (2021), section 2.3: J ≈ ½(d − βr) log γ"
ASKED = "asked here, of data whose dimension is not known"

SLOPE = 0.1
"""Relative tolerance of a slope where r is known."""

CLEAR = 0.5
"""J's slope is judged up to this multiple of d/r: beyond it ½(d − βr) is a small difference of large numbers, and 2 % of r̂
are more than 2 % of it."""

COUNT = 0.25
"""Relative tolerance of r̂ against the number of active latents, where r is not known."""


def dimension_claims(
    where: str,
    trials: Frame,
    curves: Frame,
    of_rate: Sequence[str] = (),
    of_objective: Sequence[str] = (),
) -> list[Claim]:
    """Claims about finished trials with a learned γ and κ ≥ r on one data set: `trials` of any β below d/r, and seeds.

    Where r is known, K should grow as −(r/2) log γ and J, with γ at its best, fall as ½(d − βr) log γ, which the statements
    `of_rate` and `of_objective` say; where it is not, r̂ is asked for.
    """
    found = descents(trials, curves)
    known = trials["intrinsic_dim"].dropna()
    if len(known):
        return [_rate(where, found, int(known.iloc[0]), of_rate), _objective(where, found, of_objective)]
    return [_count(where, found)]


def dimension_sheet(groups: Iterable[tuple[Mapping[str, object], Frame]], curves: Frame) -> Sheet | None:
    """r̂ beside r and the active latents, a row for each group of trials; None where no γ was learned.

    A group is the first cells of its row, and its trials.
    """
    rows = []
    for place, trials in groups:
        found = descents(trials, curves)
        if not found["dimension"].notna().any():
            continue
        numbers = {"r̂": "dimension", "r": "intrinsic_dim", "active, v < 0.5": "n_active", "decades of γ": "decades"}
        rows.append(
            {name: str(value) for name, value in place.items()}
            | {name: str(t_interval(_by_seed(found, column))) for name, column in numbers.items()}
            | {"trials": str(len(found))}
        )
    caption = (
        "The dimension of the data by r̂ = −2 dK/d log γ, over the lower half of the way that log γ took in training: mean ± "
        "half-width of the 95 % t-interval over seeds"
    )
    return Sheet("dimension", caption, pd.DataFrame(rows)) if rows else None


def _rate(where: str, found: Frame, r: int, statements: Sequence[str]) -> Claim:
    compared = Comparison("r̂ = −2 dK/d log γ", mean_of(_by_seed(found, "dimension")), near(r, SLOPE))
    said = "as γ falls the rate K grows as −(r/2) log γ: its slope shows the dimension of the data"
    return _claim(where, said, SLIDES, found, [compared], statements)


def _objective(where: str, found: Frame, statements: Sequence[str]) -> Claim:
    found = found[found["beta"] * found["intrinsic_dim"] <= CLEAR * found["d"]]
    expected = (found["d"] - found["beta"] * found["intrinsic_dim"]) / 2
    share = found.assign(share=found["objective_slope"] / expected)
    compared = Comparison("dJ/d log γ over ½(d − βr), γ = R/d", mean_of(_by_seed(share, "share")), near(1.0, SLOPE))
    said = "as γ falls the objective J falls as ½(d − βr) log γ"
    return _claim(where, said, ENERGY, found, [compared], statements)


def _count(where: str, found: Frame) -> Claim:
    share = found.assign(share=found["dimension"] / found["n_active"])
    estimate: Estimate = mean_of(_by_seed(found, "dimension"))
    compared = Comparison(f"r̂ = {estimate}; r̂ over active latents", mean_of(_by_seed(share, "share")), near(1.0, COUNT))
    asked = "is the dimension that the slope of K shows the number of latents that stay active?"
    return _claim(where, asked, ASKED, found, [compared], (), QUESTION)


def _by_seed(found: Frame, column: str) -> pd.Series:
    """The mean over the trials of each seed: those share their draws, and are not independent."""
    return found.groupby("seed")[column].mean().astype(float)


def _claim(
    where: str,
    said: str,
    source: str,
    found: Frame,
    comparisons: Sequence[Comparison],
    statements: Sequence[str],
    kind: Kind | None = None,
) -> Claim:
    return Claim(
        where,
        said,
        source,
        trials=int(found["dimension"].notna().sum()),
        comparisons=comparisons,
        statements=statements,
        kind=kind,
    )
