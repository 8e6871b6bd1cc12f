"""How well a minibatch is decoded: its mean and distortion, the γ in force, and what J counts of −log p(y|z)."""

from typing import NamedTuple

from torch import Tensor

from models.loss.gamma import decided
from models.loss.objective import misfit, squared_error
from study.train.stack.stack import Stack


class Fit(NamedTuple):
    """Distortion (data²), γ (data²) and nats an example, (pack,) each; `mean` m(z), (pack, batch, d)."""

    mean: Tensor
    distortion: Tensor
    gamma: Tensor
    nats: Tensor


def fitted(stack: Stack, y: Tensor, z: Tensor, scheduled: Tensor) -> Fit:
    """How targets (pack, batch, d) are fitted given z.

    With one γ for all of a trial the nats are a function of its mean distortion; else each example has its own.
    """
    likelihood = stack.likelihood
    if likelihood is None:
        mean = stack.call("decode", z)
        distortion = squared_error(y, mean).mean(-1)
        gamma = decided(stack.knobs, stack.log_gamma, distortion, stack.d, scheduled)
        return Fit(mean, distortion, gamma, misfit(distortion, gamma, stack.d))
    out = stack.outputs("decode", z)
    mean = likelihood.mean(out.detach())
    distortion = squared_error(y, mean).mean(-1)
    gamma = decided(stack.knobs, stack.log_gamma, distortion, stack.d, scheduled)[:, None]
    nats = likelihood.nats(out, y, gamma).mean(-1)
    return Fit(mean, distortion, likelihood.variance(out, y, gamma).mean(-1), nats)
