"""How well a minibatch is decoded: its mean and distortion, the γ in force, and what J counts of −log p(y|z)."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from models.loss.gamma import gamma_in_force
from models.loss.objective import misfit, squared_error
from study.train.stack.stack import Stack


@dataclass(frozen=True)
class Fit:
    """Mean m(z), distortion and γ in data², and what J counts of −log p(y|z), in nats an example."""

    mean: Float[Tensor, "pack batch d"]
    distortion: Float[Tensor, " pack"]
    gamma: Float[Tensor, " pack"]
    nats: Float[Tensor, " pack"]


def fit_batch(
    stack: Stack,
    y: Float[Tensor, "pack batch d"],
    out: Float[Tensor, "pack batch outputs"],
    log_gamma: Float[Tensor, " pack"],
    scheduled: Float[Tensor, " pack"],
    weight: Float[Tensor, "pack batch"] | None = None,
) -> Fit:
    """How targets are fitted by `out`, what the decoders give, with `log_gamma` where γ is learned.

    With one γ for all of a trial the nats are a function of its mean distortion, in which examples count by `weight`, all
    alike by default; else each example has its own. `scheduled` is γ where its mode is a schedule.
    """
    likelihood = stack.likelihood
    if likelihood is None:
        error = squared_error(y, out)
        distortion = error.mean(-1)
        gamma = gamma_in_force(stack.knobs, log_gamma, distortion, stack.d, scheduled)
        if weight is None:
            return Fit(out, distortion, gamma, misfit(distortion, gamma, stack.d))
        nats = misfit((error * weight).mean(-1), gamma, stack.d, weight.mean(-1))
        return Fit(out, distortion, gamma, nats)
    mean = likelihood.mean(out.detach())
    distortion = squared_error(y, mean).mean(-1)
    gamma = gamma_in_force(stack.knobs, log_gamma, distortion, stack.d, scheduled)[:, None]
    nats = likelihood.nats(out, y, gamma).mean(-1)
    return Fit(mean, distortion, likelihood.variance(out, y, gamma).mean(-1), nats)
