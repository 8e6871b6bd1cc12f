"""What is minimised, as torch's autograd sees it: J of every likelihood, and what stands beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from models.loss.objective import objective, rate_of_means
from models.networks.beta_vae import beside
from study.declare.trial import Trial
from study.train.stack.resumable import Resumable
from study.train.stack.stack import Stack
from study.train.step.code_price import CodePrice
from study.train.step.fit import Fit, fit_batch
from study.train.step.minibatches import Minibatch
from study.train.step.mmd_penalty import MMDPenalty
from study.train.step.own_terms import OwnTerms, Seen
from study.train.step.rate_halves import halves_of
from study.train.step.schedules import Moment

Codes = Float[Tensor, "pack batch kappa"]


@dataclass(frozen=True)
class Loss:
    """Averages over the minibatch, and what is minimised."""

    fit: Fit
    rate: Float[Tensor, " pack"]
    value: Float[Tensor, " pack"]


class LossGraph:
    """The loss of a whole pack. `parts` are the streams that it draws from, by name."""

    def __init__(self, stack: Stack, trials: Sequence[Trial]) -> None:
        self._stack = stack
        self._penalty = CodePrice(stack, trials) if trials[0].objective.is_sparse else MMDPenalty(stack, trials)
        self._terms, self._halves = OwnTerms(stack, trials), halves_of(stack, trials)
        self.draws = bool(self._terms) or (isinstance(self._penalty, MMDPenalty) and self._penalty.draws)
        """Whether numbers are drawn in every step: what terms of a user's do is not known."""
        self.parts: dict[str, Resumable] = {"penalty": self._penalty}
        if self._terms:
            self.parts["terms"] = self._terms

    def of(
        self,
        step: int,
        batch: Minibatch,
        now: Moment,
        moments: tuple[Codes, Codes],
        z: Codes,
        out: Float[Tensor, "pack batch outputs"],
        log_gamma: Float[Tensor, " pack"],
    ) -> Loss:
        """The loss of codes z with these `moments` (μ, log σ²), decoded to `out`."""
        mu, log_var = moments
        fit = fit_batch(self._stack, batch.y, out, log_gamma, now.gamma, batch.weight)
        rates, weight = self._stack.rates(mu, log_var).sum(-1), batch.rate_weight
        rate = rates.mean(-1)
        counted = rate if weight is None else (rates * weight).mean(-1)
        if self._halves:
            means = rate_of_means(mu)
            counted = self._halves.weigh(counted, means.mean(-1) if weight is None else (means * weight).mean(-1))
        value = self._penalty.add(objective(fit.nats, counted, now.beta), z, fit)
        if self._terms:
            value = self._terms.add(value, Seen(batch.x, batch.y, z, mu, log_var, self._mean(fit, out)), step)
        return Loss(fit, rate, value)

    def _mean(self, fit: Fit, out: Float[Tensor, "pack batch outputs"]) -> Float[Tensor, "pack batch d"]:
        """m(z), with its gradient where a term asks for it: the fit of another likelihood than the normal one has none."""
        likelihood = self._stack.likelihood
        return fit.mean if likelihood is None or not self._terms.need_means else likelihood.mean(out)


def at(rows: Float[Tensor, "pack batch width"], u: Float[Tensor, "pack batch"] | None) -> Float[Tensor, "pack batch _"]:
    """The rows, with each one's u beside it where networks see β."""
    return rows if u is None else beside(rows, u)


def slopes_of(value: Float[Tensor, " pack"], inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    """The derivative of each trial's value with respect to its own part of the inputs, 0 where it does not depend on it."""
    return torch.autograd.grad(value, inputs, torch.ones_like(value), materialize_grads=True)
