"""Probes: looks at a loss itself, in float64, that `models.specs.probes` declares. No theory is used, only the loss."""

from models.probes.finding import Found
from models.specs.groundwork import Conventions, LinearLikelihood, LinearMinimum, NullBins, NullMMD
from models.specs.penalties import ColumnScale, LogTransform, SerpentineCost, SerpentineCritical, SerpentineCrossing
from models.specs.probes import (
    AffineMinima,
    CollapsePoint,
    OriginHessian,
    PairSlice,
    PairSplit,
    PlantedSlice,
    Probing,
    Rotations,
)

__all__ = ["Found", "probe"]


def probe(what: Probing, seed: int) -> Found:
    """Compute a probe; what is random in it follows from the seed."""
    from models.probes import (
        affine,
        collapse,
        conventions,
        crossing,
        lemmas,
        linear,
        nulls,
        origin,
        penalties,
        rotations,
        slices,
    )

    match what:
        case AffineMinima():
            return affine.minima(what, seed)
        case CollapsePoint():
            return collapse.gradients(what, seed)
        case OriginHessian():
            return origin.curvature(what, seed)
        case PairSlice():
            return slices.pair(what)
        case PlantedSlice():
            return slices.planted(what, seed)
        case PairSplit():
            return slices.split(what)
        case Rotations():
            return rotations.rises(what, seed)
        case SerpentineCost():
            return penalties.cost(what)
        case SerpentineCritical():
            return penalties.critical(what)
        case SerpentineCrossing():
            return crossing.crossing(what)
        case ColumnScale():
            return lemmas.column_scale(what)
        case LogTransform():
            return lemmas.log_transform(what, seed)
        case Conventions():
            return conventions.numbers(what, seed)
        case LinearMinimum():
            return linear.minimum(what, seed)
        case NullBins():
            return nulls.bins(what, seed)
        case NullMMD():
            return nulls.mmd_squared(what, seed)
        case LinearLikelihood():
            return linear.likelihood(what, seed)
