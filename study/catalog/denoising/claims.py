"""denoising: the error against the signal over βγ, which should be least at the variance of the noise.

The error is that of reconstructions at E[z|x] of held-out data. The closed form knows the population, and each seed has
training data of its own, so intervals over seeds hold what samples add. Where the error is least is fitted, since levels are
a quarter apart: theory makes it a parabola in βγ on either side of σ², if no mode of the signal is lost.

Source: Wang & Ziyin (2022), section 5, for the sentence; `analysis.theory.denoising` for the closed form.
"""

from collections.abc import Iterable, Sequence

import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, at_most, below, near
from analysis.claims.estimate import Estimate, mean_of
from analysis.figures.drawing import Drawing
from analysis.frames.view import View
from analysis.tables.interval import number
from analysis.tables.sheet import Sheet
from analysis.theory import denoising as theory
from study.catalog.denoising.figures import figures
from study.catalog.denoising.sweeps import Sweep, sweeps
from study.catalog.denoising.table import denoising

SHARE = 0.05
"""How far the best level, a learned γ and an error may lie from theory's, relatively."""

MISFIT = 0.05
"""Largest root mean square deviation of errors from the closed form, relative to the least of that."""

SOURCE = "Wang & Ziyin (2022), section 5"


@denoising.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, one noise after the other."""
    every = sweeps(view)
    found = []
    for noise in dict.fromkeys(one.noise for one in every):
        own = [one for one in every if one.noise == noise]
        fixed, learned = ([one for one in own if one.is_learned == which] for which in (False, True))
        found += [_denoises(fixed), _best_level(fixed), _is_wieners(fixed), _follows_theory(fixed)] if fixed else []
        found += [_learned_gamma(learned), _learned_is_best(learned)] if learned else []
    return found


@denoising.figures
def drawings(view: View) -> list[Drawing]:
    """The study's figure."""
    return figures(sweeps(view))


@denoising.sheets
def sheets(view: View) -> list[Sheet]:
    """The level of the least error, and that error, of every network."""
    rows = [
        {
            "σ²": number(one.noise),
            "network": _named(one),
            "best βγ": str(mean_of(one.finished["level"] if one.is_learned else one.best_levels())),
            "error at σ²": str(mean_of(one.at(one.noise))),
            "Wiener's filter": _least(one),
        }
        for one in sweeps(view)
    ]
    title = "Levels of the least error, or that of a learned γ, and the error against the signal there, in data²"
    return [Sheet("best_levels", title, pd.DataFrame(rows))] if rows else []


def _denoises(every: Sequence[Sweep]) -> Claim:
    """Less noise is left than without regularisation, and less of the signal is lost than with all modes lost."""
    compared = []
    for one in every:
        levels = one.finished["level"]
        at_noise = one.at(one.noise)
        for what, end in (("the lowest βγ", levels.min()), ("the highest βγ", levels.max())):
            ratios = [a / b for a, b in zip(at_noise, one.at(float(end)), strict=True)]
            compared.append(Comparison(f"error at σ² over that at {what}, {_named(one)}", mean_of(ratios), below(1.0)))
    says = "shrinking modes by the level of the noise takes out more of it than a weaker or a stronger regularisation"
    return _claim(every, says, compared, SOURCE, ["W13"])


def _best_level(every: Sequence[Sweep]) -> Claim:
    compared = [
        Comparison(f"best βγ over σ², {_named(one)}", _over(one.best_levels(), one.noise), near(1.0, SHARE))
        for one in every
    ]
    return _claim(every, "the error against the signal is least at βγ = σ²", compared)


def _is_wieners(every: Sequence[Sweep]) -> Claim:
    compared = [
        Comparison(f"error at σ² over that of Wiener's filter, {_named(one)}", _over(at, _least(one)), near(1.0, SHARE))
        for one in every
        for at in [one.at(one.noise)]
    ]
    return _claim(every, "at βγ = σ² the network is as good as the best linear map, Wiener's filter", compared)


def _follows_theory(every: Sequence[Sweep]) -> Claim:
    compared = [
        Comparison(
            f"root mean square deviation over the least error, {_named(one)}", mean_of(one.misfits()), at_most(MISFIT)
        )
        for one in every
    ]
    return _claim(every, "the error follows its closed form over the whole sweep", compared)


def _learned_gamma(every: Sequence[Sweep]) -> Claim:
    compared = [
        Comparison(f"γ over σ², κ = {one.kappa}", _over(one.finished["level"], one.noise), near(1.0, SHARE))
        for one in every
    ]
    return _claim(every, "with β = 1 and κ < d a learned γ ends at the variance of the noise", compared)


def _learned_is_best(every: Sequence[Sweep]) -> Claim:
    compared = [
        Comparison(
            f"error over that of Wiener's filter, κ = {one.kappa}",
            _over(one.finished["error"], _least(one)),
            near(1.0, SHARE),
        )
        for one in every
    ]
    says = "a learned γ denoises as well as the best linear map, without any search for β"
    return _claim(every, says, compared, SOURCE + "; derived", ["W13"])


def _claim(
    every: Sequence[Sweep],
    says: str,
    compared: Sequence[Comparison],
    source: str = "derived from Wang & Ziyin (2022), eqs. 11-13; Wiener (1949)",
    statements: Sequence[str] = (),
) -> Claim:
    return Claim(
        data=f"linear r={len(every[0].data['eigenvalues'])}, noise σ² = {number(every[0].noise)}",
        claim=says,
        source=source,
        trials=sum(len(one.finished) for one in every),
        comparisons=compared,
        lacks=next((one.lacks for one in every if one.lacks), ""),
        statements=statements,
    )


def _named(one: Sweep) -> str:
    return f"κ = {one.kappa}, {one.decoder}"


def _least(one: Sweep) -> float:
    """Wiener's error, in data²."""
    return theory.least_error(one.data["eigenvalues"], one.noise, one.data["d"], one.kappa)


def _over(values: Iterable[float], of: float) -> Estimate:
    return mean_of([value / of for value in values])
