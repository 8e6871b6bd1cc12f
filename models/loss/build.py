"""From a declaration to the likelihood that carries it out."""

from typing import assert_never

from models.loss import discrete, likelihood
from models.loss.levels import Levels
from models.loss.likelihood import Likelihood
from models.specs import Bernoulli, Bitwise, Categorical, LogisticMixture, Normal, Objective, StudentT
from models.specs.gamma import Absent, DecodedPerPixel, LearnedByBeta, OneGamma, PerImage, PerPixel
from models.specs.likelihood import Discrete


def likelihood_of(objective: Objective, d: int, levels: Levels | None) -> Likelihood:
    """The likelihood of examples of d values. Raises: ValueError where it needs levels and there are none."""
    match spec := objective.likelihood:
        case Normal():
            return _normal(objective, d, levels)
        case StudentT():
            return likelihood.StudentT(d, spec.freedom, levels)
        case Bernoulli() | Bitwise():
            return discrete.Bitwise(*_of_levels(spec, levels))
        case Categorical():
            return discrete.Categorical(*_of_levels(spec, levels))
        case LogisticMixture():
            return discrete.LogisticMixture(*_of_levels(spec, levels))
        case _:
            assert_never(spec)


def _of_levels(spec: Discrete, levels: Levels | None) -> tuple[Levels, int]:
    """The levels, and how many numbers the decoder gives for each value."""
    known = likelihood.in_levels(levels)
    return known, spec.numbers(known.count)


def _normal(objective: Objective, d: int, levels: Levels | None) -> Likelihood:
    gamma = objective.gamma
    if isinstance(gamma, OneGamma):
        return likelihood.SharedNormal(d, levels)
    match gamma:
        case PerPixel():
            return likelihood.PixelNormal(d, gamma.floor, levels)
        case PerImage():
            return likelihood.ImageNormal(d, gamma.floor, levels)
        case DecodedPerPixel():
            return likelihood.DecodedNormal(d, gamma.init, gamma.floor, levels)
        case LearnedByBeta():
            return likelihood.BetaNormal(d, levels)
        case Absent():
            raise ValueError("the normal likelihood has a γ: declare how it is set")
        case _:
            assert_never(gamma)
