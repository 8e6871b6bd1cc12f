"""kl_halves: which half of the KL makes the first mode of a linear VAE collapse, and is it lost by a jump?

Levels are compared in units of those of `analysis.theory.kl_halves`, for the spectrum of the training set. Where there is no
jump the scale of theory's curve is fitted to the gains of each seed. Where there is one, networks that start on different
sides end on different sides around it, and their losses cross where the global minimum changes sides. Networks that keep the
mode then stay up to where that is no minimum any more. Those that have lost it leave that side somewhat beyond ζ²/α, since
the noise of training carries them over a barrier that is still low: that is not judged.

Source: Wang & Ziyin (2022), abstract, for the sentence; `analysis.theory.kl_halves` for what is expected.
"""

from collections.abc import Sequence

import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, Target, at_most, most, near, within
from analysis.claims.estimate import mean_of
from analysis.figures.drawing import Drawing
from analysis.frames.view import View
from analysis.tables.interval import NOTHING, number
from analysis.tables.sheet import Sheet
from study.catalog.kl_halves.figures import figures
from study.catalog.kl_halves.table import KEPT, LOST, SIDES, kl_halves
from study.catalog.kl_halves.transitions import Networks, networks

TOLERANCE = 0.03
"""How far a level may lie from theory's, relatively."""

HALF_A_STEP = 0.01
"""Shares are a fiftieth apart where a kept mode is lost: no network tells more than between which two."""

POWER = 0.02
"""How far E μ² before a jump may lie from theory's, in units of the prior's variance; it is 0.12 to 0.22."""

COLLAPSED = 0.05
"""The part of the data's variance that reconstructions at E[z|x] may miss where no mode has collapsed."""

SOURCE = "Wang & Ziyin (2022), abstract"


@kl_halves.claims
def claims(view: View) -> list[Claim]:
    """What the source says of each half alone, and then what theory says of both together."""
    found: list[Claim] = []
    for one in networks(view):
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
    return figures(networks(view))


@kl_halves.sheets
def sheets(view: View) -> list[Sheet]:
    """The levels of each transition, measured over theory's."""
    rows = [_row(one) for one in networks(view) if one.theory.variance and one.theory.mean]
    title = "Levels at which the first mode is lost, over theory's, with 95 % intervals over seeds"
    return [Sheet("transitions", title, pd.DataFrame(rows).fillna(NOTHING))] if rows else []


def _row(one: Networks) -> dict[str, str]:
    theory, zeta2 = one.theory, one.zeta2
    row = {"weights": one.name, "lost at αβγ/ζ²": number(theory.mean * one.lost_level() / zeta2)}
    if not theory.is_first_order:
        return row | {f"fit, {side} at first": str(mean_of(one.fitted_levels(side))) for side in SIDES}
    row |= {"equal losses": str(mean_of([at for at, _ in one.crossings]))}
    row |= {"kept up to": str(mean_of(one.last_kept(KEPT, float(theory.kept_level(zeta2)))))}
    row |= {"left up to": str(mean_of(one.last_kept(LOST, float(theory.stable_level(zeta2)))))}
    row |= {"E μ² before": str(mean_of([power for _, power in one.crossings]))}
    return row | {"E μ² in theory": number(float(theory.mean_power(zeta2, one.lost_level())))}


def _without_means(one: Networks) -> Claim:
    says = "without the half of the means no mode collapses, at levels up to five times ζ₁²"
    return _claim(one, says, _missed(one, at_most(COLLAPSED)), SOURCE, ["W18"])


def _without_variances(one: Networks) -> Claim:
    """The source's sentence, of a learned Σ: far beyond ζ₁²/α the half of the means should lose every mode by itself."""
    says = "without the half of the variances, Σ learned, every mode collapses beyond ζ₁²/α just the same"
    return _claim(one, says, _missed(one, within(COLLAPSED, 1.0)), SOURCE, ["W18"])


def _held(one: Networks) -> Claim:
    says = "with Σ fixed the half of the variances can be ignored: that of the means alone loses the mode at βγ = ζ²/α"
    return _claim(one, says, _fits(one), SOURCE, ["W18"])


def _continuous(one: Networks) -> Claim:
    says = "the mode is lost at βγ = ζ²/α without a jump, from whichever side training starts"
    return _claim(one, says, _fits(one))


def _jump(one: Networks) -> Claim:
    kept = float(one.theory.kept_level(one.zeta2))
    ends = mean_of(one.last_kept(KEPT, kept), systematic=HALF_A_STEP)
    compared = [
        Comparison("level of equal losses over theory's", mean_of([at for at, _ in one.crossings]), near(1, TOLERANCE)),
        Comparison("kept up to, over theory's", ends, near(1, TOLERANCE)),
        Comparison("twins about that level that end on different sides", one.apart, most()),
    ]
    says = "the mode is lost by a jump, at the level where kept and lost, which are minima both, have one loss"
    return _claim(one, says, compared)


def _power(one: Networks) -> Claim:
    expected = float(one.theory.mean_power(one.zeta2, one.lost_level()))
    found = mean_of([power for _, power in one.crossings])
    says = "where it is lost, E μ² falls to 0 from what theory says"
    return _claim(one, says, [Comparison("E μ² where both have one loss", found, within(POWER, expected))])


def _missed(one: Networks, target: Target) -> list[Comparison]:
    """The most that reconstructions miss at any level, from either side."""
    found = []
    for side in SIDES:
        worst = one.side(side).groupby("seed")["nre_mean_train"].max()
        found.append(Comparison(f"variance missed at the worst level, {side} at first", mean_of(worst), target))
    return found


def _fits(one: Networks) -> list[Comparison]:
    target = near(1, TOLERANCE)
    return [
        Comparison(f"fitted level over theory's, {side} at first", mean_of(one.fitted_levels(side)), target)
        for side in SIDES
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
        comparisons=compared,
        lacks=one.lacks,
        statements=statements,
    )
