"""kl_halves: which half of the KL makes the first mode of a linear VAE collapse, and is it lost by a jump?

Levels are compared in units of those of `analysis.theory.kl_halves`, for the spectrum of the training set. Where there is no
jump the scale of theory's curve is fitted to the gains of each seed. Where there is one, three levels are judged: up to where
networks stay that start with all modes kept, from where on those stay that start with none, and where both have one loss,
which is where the global minimum changes sides.

Source: Wang & Ziyin (2022), abstract, for the sentence; `analysis.theory.kl_halves` for what is expected.
"""

from collections.abc import Sequence

import pandas as pd

from analysis.claims import topics
from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, Target, at_most, near, within
from analysis.claims.estimate import mean_of
from analysis.figures.drawing import Drawing
from analysis.frames.view import View
from analysis.tables.sheet import Sheet
from study.catalog.kl_halves.figures import figures
from study.catalog.kl_halves.table import KEPT, LOST, kl_halves
from study.catalog.kl_halves.transitions import Networks, networks

TOLERANCE = 0.03
"""How far a level may lie from theory's, relatively."""

POWER = 0.02
"""How far E μ² before a jump may lie from theory's, in units of the prior's variance; it is 0.12 to 0.22."""

COLLAPSED = 0.05
"""The part of the data's variance that the mean's reconstruction may miss where no mode has collapsed."""

SOURCE = "Wang & Ziyin (2022), abstract"


@kl_halves.claims
def claims(view: View) -> list[Claim]:
    """What the source says of each half alone, and then what theory says of both together."""
    every = [one for one in networks(view) if len(one.seen)]
    found: list[Claim] = []
    for one in every:
        if one.is_held:
            found.append(_held(one))
        elif not one.theory.mean:
            found.append(_without_means(one))
        elif not one.theory.variance:
            found.append(_without_variances(one))
        else:
            found += [_jump(one), _power(one)] if one.theory.is_first_order else [_continuous(one)]
    return found


@kl_halves.figures
def drawings(view: View) -> list[Drawing]:
    """The study's figures, of what has a result."""
    return figures([one for one in networks(view) if len(one.seen)])


@kl_halves.sheets
def sheets(view: View) -> list[Sheet]:
    """The levels of each transition, measured over theory's."""
    rows = [_row(one) for one in networks(view) if len(one.seen) and one.theory.variance and one.theory.mean]
    title = "Levels at which the first mode is lost, over theory's, with 95 % intervals over seeds"
    return [Sheet("transitions", title, pd.DataFrame(rows))] if rows else []


def _without_means(one: Networks) -> Claim:
    says = "without the half of the means no mode collapses"
    return _claim(one, says, _not_collapsed(one, at_most(COLLAPSED)), SOURCE, ["W18"])


def _without_variances(one: Networks) -> Claim:
    """The source's sentence, of a learned Σ: the means' half alone should do what both do, far beyond ζ₁²/α."""
    says = "without the half of the variances, Σ learned, all modes collapse just the same"
    return _claim(one, says, _not_collapsed(one, within(COLLAPSED, 1.0)), SOURCE, ["W18"])


def _held(one: Networks) -> Claim:
    says = "with Σ fixed the half of the variances can be ignored: that of the means alone loses the mode at βγ = ζ²/α"
    return _claim(one, says, _fits(one), SOURCE, ["W18"])


def _continuous(one: Networks) -> Claim:
    says = "the mode is lost at βγ = ζ²/α without a jump, from whichever side training starts"
    return _claim(one, says, _fits(one))


def _jump(one: Networks) -> Claim:
    theory, zeta2 = one.theory, one.zeta2
    step = 0.5 * one.step
    stable, kept = float(theory.stable_level(zeta2)), float(theory.kept_level(zeta2))
    compared = [
        Comparison("level of equal losses over theory's", mean_of([at for at, _ in one.crossings]), near(1, TOLERANCE)),
        Comparison(
            "kept up to, over theory's", mean_of(one.last_kept(KEPT, kept), systematic=step), near(1, TOLERANCE)
        ),
        Comparison(
            "left alone from, over theory's", mean_of(one.last_kept(LOST, stable), systematic=step), near(1, TOLERANCE)
        ),
    ]
    says = (
        "the mode is lost by a jump: around the level where both have one loss, kept and lost are minima of their own"
    )
    return _claim(one, says, compared)


def _power(one: Networks) -> Claim:
    expected = float(one.theory.mean_power(one.zeta2, one.lost_level()))
    found = mean_of([power for _, power in one.crossings])
    says = "where it is lost, E μ² falls from its theoretical value to 0"
    return _claim(one, says, [Comparison("E μ² where both have one loss", found, within(POWER, expected))])


def _not_collapsed(one: Networks, target) -> list[Comparison]:
    """The most that is missed at any level, from either side."""
    found = []
    for side in (KEPT, LOST):
        worst = one.side(side).groupby("seed")["nre_mean_train"].max()
        found.append(Comparison(f"variance missed at the worst level, {side} at first", mean_of(worst), target))
    return found


def _fits(one: Networks) -> list[Comparison]:
    return [
        Comparison(f"fitted level over theory's, {side} at first", mean_of(one.fitted_levels(side)), near(1, TOLERANCE))
        for side in (KEPT, LOST)
    ]


def _claim(
    one: Networks,
    says: str,
    compared: Sequence[Comparison],
    source: str = "derived from Wang & Ziyin (2022), Prop. 2",
    statements: Sequence[str] = (),
) -> Claim:
    return Claim(
        data=one.name,
        claim=says,
        source=source,
        trials=len(one.seen),
        topic=topics.HALVES_OF_THE_RATE,
        comparisons=compared,
        lacks=one.lacks,
        statements=statements,
    )
