"""What the halves of the rate count for in the trials of a pack: that of the means, and that of the variances."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from models.loss.objective import weighed_rate
from study.declare.trial import Trial
from study.train.stack.stack import Stack


@dataclass(frozen=True)
class RateHalves:
    """The weights of both halves, one of each a trial."""

    mean: Float[Tensor, " rows"]
    variance: Float[Tensor, " rows"]

    def weigh(self, rate: Float[Tensor, " rows"], of_means: Float[Tensor, " rows"]) -> Float[Tensor, " rows"]:
        """What the rate counts for, given it and its half of the means, in nats an example."""
        return weighed_rate(rate, of_means, self.mean, self.variance)

    def of_rows(self, rows: slice) -> "RateHalves":
        """Those of some trials."""
        return RateHalves(self.mean[rows], self.variance[rows])


def halves_of(stack: Stack, trials: Sequence[Trial]) -> RateHalves | None:
    """The weights; None where all trials count the whole rate as it is."""
    objectives = [trial.objective for trial in trials]
    if all(each.has_whole_rate for each in objectives):
        return None
    return RateHalves(
        stack.column([each.mean_weight for each in objectives]),
        stack.column([each.variance_weight for each in objectives]),
    )
