"""One stochastic pass over the next minibatch, for all trials of a stack: from the random streams to J."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from models.loss.objective import objective
from models.networks.beta_vae import beside
from models.streams import Batches
from study.declare.trial import Trial
from study.train.stack.inputs import Inputs
from study.train.stack.resumable import Resumable
from study.train.stack.stack import Stack
from study.train.step.beta_draws import BetaDraws
from study.train.step.code_price import CodePrice
from study.train.step.early_stopping import rows_of
from study.train.step.fit import Fit, fit_batch
from study.train.step.mmd_penalty import MMDPenalty
from study.train.step.own_terms import OwnTerms, Seen
from study.train.step.schedules import Schedules, scheduled_gammas


@dataclass(frozen=True)
class Batch:
    """What one pass yields: averages over the minibatch, and its latents. `is_random`: whether z is drawn at all."""

    distortion: Float[Tensor, " pack"]
    rate: Float[Tensor, " pack"]
    gamma: Float[Tensor, " pack"]
    objective: Float[Tensor, " pack"]
    log_var: Float[Tensor, "pack batch kappa"]
    z: Float[Tensor, "pack batch kappa"]
    is_random: bool = True


class Forward:
    """The passes of a training, each over the next minibatch. `parts` are the streams that they draw from, by name."""

    def __init__(self, stack: Stack, trials: Sequence[Trial], inputs: Inputs, schedules: Schedules) -> None:
        settings = trials[0].training
        self._stack, self._inputs, self._schedules, self._steps = stack, inputs, schedules, settings.steps
        seeds = list(dict.fromkeys(trial.weights_seed for trial in trials))
        self._seed_of = torch.tensor([seeds.index(trial.weights_seed) for trial in trials], device=stack.device)
        kept, _ = rows_of(settings.stop, inputs.sizes["train"])
        self._kept = kept.to(stack.device) if settings.stop else None
        self._batches = Batches(seeds, len(kept), settings.batch, stack.kappa, stack.dtype, stack.device)
        self._penalty = CodePrice(stack, trials) if trials[0].objective.is_sparse else MMDPenalty(stack, trials)
        self._terms = OwnTerms(stack, trials)
        self._betas = BetaDraws(stack, trials)
        self.parts: dict[str, Resumable] = {
            "batches": self._batches,
            "inputs": inputs,
            "penalty": self._penalty,
            "betas": self._betas,
        }
        if self._terms:
            self.parts["terms"] = self._terms
        if stack.carrier:
            self.parts["networks"] = stack.carrier
        self.go_to_step(0)

    def run(self, step: int) -> Batch:
        """The pass of a step, the next one; the graph is kept for the gradient.

        Networks that see β are shown each example at its own; distortion and rate are means over all of them.
        """
        with self._stack.learning():
            return self._run(step)

    def _run(self, step: int) -> Batch:
        stack, (rows, eps) = self._stack, next(self._batches)
        rows, eps = (rows if self._kept is None else self._kept[rows])[self._seed_of], eps[self._seed_of]
        u = self._betas.draw(rows.shape[1]) if self._betas else None
        x, y = self._inputs.batch(rows, u)
        mu, log_var = stack.encode(_at(x, u))
        z = torch.addcmul(mu, (0.5 * log_var).exp(), eps)
        weight = None if u is None else self._betas.weights(u)
        fit = fit_batch(stack, y, _at(z, u), next(self._gammas), weight)
        rate = stack.rates(mu, log_var).sum(-1).mean(-1)
        j = objective(fit.nats, rate, self._schedules.beta(step))
        value = self._penalty.add(j, z, fit)
        if self._terms:
            value = self._terms.add(value, Seen(x, y, z, mu, log_var, self._mean(fit, _at(z, u))), step)
        return Batch(fit.distortion, rate, fit.gamma, value, log_var, z, not stack.is_deterministic)

    def _mean(self, fit: Fit, codes: Float[Tensor, "pack batch _"]) -> Float[Tensor, "pack batch d"]:
        """m(z), with its gradient where a term asks for it: the fit of another likelihood than the normal one has none."""
        has_gradient = self._stack.likelihood is None or not self._terms.need_means
        return fit.mean if has_gradient else self._stack.decode(codes)

    def go_to_step(self, step: int) -> None:
        """Let the next pass be that of `step`; `parts` go to theirs by their own states."""
        self._gammas = scheduled_gammas(self._stack, self._steps, step)


def _at(
    rows: Float[Tensor, "pack batch width"], u: Float[Tensor, "pack batch"] | None
) -> Float[Tensor, "pack batch _"]:
    """The rows, with each one's u beside it where networks see β."""
    return rows if u is None else beside(rows, u)
