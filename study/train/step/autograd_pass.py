"""A pass by torch's autograd: of networks of every kind, over the whole pack at once."""

from collections.abc import Sequence

import torch

from study.declare.trial import Trial
from study.train.stack.resumable import Resumable
from study.train.stack.stack import Stack
from study.train.step.loss_graph import LossGraph, at, slopes_of
from study.train.step.minibatches import Minibatch
from study.train.step.outcome import Outcome, latents_of, outcome_of
from study.train.step.schedules import Moment


class AutogradPass:
    """Fills `gradient`, in which the parameters lie as in the stack."""

    def __init__(self, stack: Stack, trials: Sequence[Trial]) -> None:
        self._stack, self._loss, self.gradient = stack, LossGraph(stack, trials), stack.trained_numbers.alike()
        self.rows = slice(0, len(trials))

    @property
    def differentiates(self) -> bool:
        """It does nothing else."""
        return True

    @property
    def draws(self) -> bool:
        """Whether the loss draws."""
        return self._loss.draws

    @property
    def parts(self) -> dict[str, Resumable]:
        """The loss draws; networks may draw too, and keep statistics."""
        carrier = self._stack.carrier
        return self._loss.parts | ({"networks": carrier} if carrier else {})

    def run(self, step: int, batch: Minibatch, now: Moment, is_logged: bool) -> Outcome:
        """The pass of a step. Networks that see β are shown each example at its own."""
        stack = self._stack
        with stack.learning():
            mu, log_var = stack.encode(at(batch.x, batch.u))
            z = torch.addcmul(mu, (0.5 * log_var).exp(), batch.eps)
            out = stack.outputs(at(z, batch.u))
            loss = self._loss.of(step, batch, now, (mu, log_var), z, out, stack.log_gamma)
        slopes = slopes_of(loss.value, [*stack.trained, z] if is_logged else stack.trained)
        self.gradient.fill(slopes[: len(stack.trained)])
        variance = None if stack.is_deterministic else log_var.detach().exp()
        latents = latents_of(slopes[-1], variance) if is_logged else None
        found = (loss.fit.distortion, loss.rate, loss.fit.gamma, loss.value)
        return outcome_of(found, self.gradient.norms(), latents)
