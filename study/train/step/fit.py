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


def fit_batch(stack: Stack, y: Tensor, codes: Tensor, scheduled: Tensor, weight: Tensor | None = None) -> Fit:
    """How targets (pack, batch, d) are fitted by what the decoders make of `codes`: z, and β beside it where they see it.

    With one γ for all of a trial the nats are a function of its mean distortion, in which examples count by `weight`
    (pack, batch), all alike by default; else each example has its own.
    """
    likelihood = stack.likelihood
    if likelihood is None:
        mean = stack.call("decode", codes)
        error = squared_error(y, mean)
        distortion = error.mean(-1)
        gamma = decided(stack.knobs, stack.log_gamma, distortion, stack.d, scheduled)
        if weight is None:
            return Fit(mean, distortion, gamma, misfit(distortion, gamma, stack.d))
        nats = misfit((error * weight).mean(-1), gamma, stack.d, weight.mean(-1))
        return Fit(mean, distortion, gamma, nats)
    out = stack.outputs("decode", codes)
    mean = likelihood.mean(out.detach())
    distortion = squared_error(y, mean).mean(-1)
    gamma = decided(stack.knobs, stack.log_gamma, distortion, stack.d, scheduled)[:, None]
    nats = likelihood.nats(out, y, gamma).mean(-1)
    return Fit(mean, distortion, likelihood.variance(out, y, gamma).mean(-1), nats)
