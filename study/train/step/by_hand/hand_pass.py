"""A pass by hand of a block of trials, whose networks are the platform's own fully connected ones.

What a step computes lies in memory that the next one uses again. A block is as large as a core's cache bears.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch

from models.specs import VAE
from study.declare.trial import Trial
from study.train.stack.resumable import Resumable
from study.train.stack.stack import Stack
from study.train.stack.trained_numbers import TrainedNumbers
from study.train.step.by_hand.any_loss import AnyLoss
from study.train.step.by_hand.decoder import decoder_of
from study.train.step.by_hand.encoder import Encoder
from study.train.step.by_hand.layers import Buffers, Parameters, Rows, Trained
from study.train.step.by_hand.plain_loss import PlainLoss
from study.train.step.minibatches import Minibatch
from study.train.step.outcome import Found, Outcome, latents_of, outcome_of
from study.train.step.rate_halves import halves_of
from study.train.step.schedules import Moment


class HandPass:
    """Fills `gradient` for the trials `rows` of a pack."""

    def __init__(self, stack: Stack, trials: Sequence[Trial], rows: slice, buffers: Buffers) -> None:
        model = trials[0].model
        assert isinstance(model, VAE)
        self.rows, self._prior = rows, model.prior_std
        self.gradient = stack.trained_numbers.alike(rows.stop - rows.start)
        parts = _parts(stack, self.gradient, rows)
        log_gamma = parts.pop("")
        parameters = Parameters(parts, buffers)
        self._encoder = Encoder(model, parameters, stack.constants().get("log_var"))
        self._decoder = decoder_of(model, parameters)
        self._z_slope = parameters.memory("z, slope", model.kappa)
        self._scaled = parameters.memory("z, scaled", model.kappa)
        self._loss = (
            PlainLoss(stack, rows, log_gamma.slope, buffers.batch, halves_of(stack, trials))
            if is_plain(trials)
            else AnyLoss(stack, trials, log_gamma.slope, parts.get("pixel_log_var"))
        )

    @property
    def differentiates(self) -> bool:
        """Where the loss is not the plain one."""
        return isinstance(self._loss, AnyLoss)

    @property
    def draws(self) -> bool:
        """Whether the loss draws."""
        return isinstance(self._loss, AnyLoss) and self._loss.graph.draws

    @property
    def parts(self) -> dict[str, Resumable]:
        """A loss may draw."""
        return self._loss.graph.parts if isinstance(self._loss, AnyLoss) else {}

    @torch.no_grad()
    def run(self, step: int, batch: Minibatch, now: Moment, is_logged: bool) -> Outcome:
        """The pass of a step."""
        encoder = self._encoder
        encoder.forward(batch.x, batch.eps)
        variance = encoder.variance.clone() if is_logged and encoder.is_random else None
        out = self._decoder.forward(self._in_own_units(encoder.z))
        found = self._lost(step, out, batch, now)
        slope_z = self._decoder.backward(out, self._z_slope)
        if self._prior != 1:
            slope_z.mul_(self._prior)
        if isinstance(self._loss, PlainLoss):
            self._loss.follow_z(encoder, slope_z, now)
        else:
            self._loss.follow_z(encoder, slope_z)
        encoder.backward()
        return outcome_of(found, self.gradient.norms(), latents_of(slope_z, variance) if is_logged else None)

    def _lost(self, step: int, out: Rows, batch: Minibatch, now: Moment) -> Found:
        """Distortion, rate, γ and J; `out` becomes the slope at what the decoder gave."""
        if isinstance(self._loss, PlainLoss):
            return self._loss.run(self._encoder, out, batch.y, now)
        loss = self._loss.run(step, self._encoder, out, batch, now)
        return loss.fit.distortion, loss.rate, loss.fit.gamma, loss.value

    def _in_own_units(self, z: Rows) -> Rows:
        return z if self._prior == 1 else torch.mul(z, self._prior, out=self._scaled)


def is_plain(trials: Sequence[Trial]) -> bool:
    """Whether nothing but the plain J is minimised: then trials need nothing of their neighbours, and go in blocks."""
    return all(each.objective.is_plain and not each.objective.penalty and not each.objective.terms for each in trials)


def _parts(stack: Stack, gradient: TrainedNumbers, rows: slice) -> dict[str, Trained]:
    """The parameters of some trials under the names that their network has for them, and log γ under none."""
    names = [*(name.removeprefix("network.") for name in stack.names), ""]
    pairs = zip(stack.trained_numbers.parts, gradient.parts, strict=True)
    return {name: Trained(value[rows], slope) for name, (value, slope) in zip(names, pairs, strict=True)}


def blocks_of(pack: int, numbers_a_trial: int, most: int) -> list[slice]:
    """The trials of a pack in blocks of nearly one size, each with at most so many numbers in use."""
    count = -(-pack // max(1, most // numbers_a_trial))
    ends = [pack * i // count for i in range(count + 1)]
    return [slice(a, b) for a, b in pairwise(ends)]


def numbers_in_use(trial: Trial, batch: int, trained: int) -> int:
    """What a trial's step reads and writes: activations and their slopes, the rows, and its trained numbers four times."""
    model = trial.model
    assert isinstance(model, VAE)
    wide = (
        2 * sum((*model.encoder, *model.decoder)) + 8 * model.kappa + 2 * trial.d * trial.per_value.numbers + trial.d_in
    )
    return batch * wide + 5 * trained
