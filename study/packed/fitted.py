"""How well a minibatch is decoded: its distortion, the decoder variance in force, and what J counts of −log p(y|z)."""

from torch import Tensor

from models.gamma import decided
from models.objective import misfit, squared_error
from study.packed.stack import Stack


def fitted(stack: Stack, y: Tensor, z: Tensor, scheduled: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Distortion (data²), γ (data²) and nats an example, (pack,) each, of targets (pack, batch, d) given z.

    With one γ for all of a trial the nats are a function of its mean distortion; else each example has its own.
    """
    likelihood = stack.likelihood
    if likelihood is None:
        distortion = squared_error(y, stack.call("decode", z)).mean(-1)
        gamma = decided(stack.knobs, stack.log_gamma, distortion, stack.d, scheduled)
        return distortion, gamma, misfit(distortion, gamma, stack.d)
    out = stack.outputs("decode", z)
    distortion = squared_error(y, likelihood.mean(out.detach())).mean(-1)
    gamma = decided(stack.knobs, stack.log_gamma, distortion, stack.d, scheduled)[:, None]
    return distortion, likelihood.variance(out, y, gamma).mean(-1), likelihood.nats(out, y, gamma).mean(-1)
