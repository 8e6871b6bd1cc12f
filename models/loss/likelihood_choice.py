"""From a declaration to the likelihood that carries it out."""

from models.loss import discrete, likelihood
from models.loss.levels import Levels
from models.loss.likelihood import Likelihood
from models.specs import Bernoulli, Bitwise, Categorical, LogisticMixture, Normal, Objective, StudentT
from models.specs.gamma import PerImage, PerPixel


def likelihood_of(objective: Objective, d: int, levels: Levels | None) -> Likelihood:
    """The likelihood of examples of d values. Raises: ValueError where it needs levels and there are none."""
    match spec := objective.likelihood:
        case Normal():
            return _normal(objective, d, levels)
        case StudentT():
            return likelihood.StudentT(d, spec.freedom, levels)
    known = likelihood.in_levels(levels)
    outputs = spec.numbers(known.count)
    match spec:
        case Bernoulli() | Bitwise():
            return discrete.Bitwise(known, outputs)
        case Categorical():
            return discrete.Categorical(known, outputs)
        case LogisticMixture():
            return discrete.LogisticMixture(known, outputs)


def _normal(objective: Objective, d: int, levels: Levels | None) -> Likelihood:
    match gamma := objective.gamma:
        case PerPixel():
            return likelihood.PixelNormal(d, gamma.floor, levels)
        case PerImage():
            return likelihood.ImageNormal(d, gamma.floor, levels)
        case _:
            return likelihood.SharedNormal(d, levels)
