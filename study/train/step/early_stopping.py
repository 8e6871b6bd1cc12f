"""Early stopping: which trials no longer get better on held-out examples. Each is judged by its own numbers alone."""

import math
from collections.abc import Iterator, Sequence
from typing import assert_never

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from models.loss.gamma import gamma_in_force
from models.loss.objective import misfit, rate_of_means, squared_error
from models.specs import Patience
from models.streams import draws, stream
from study.declare.trial import Trial
from study.train.stack.inputs import Inputs
from study.train.stack.resumable import State
from study.train.stack.stack import Stack
from study.train.step.rate_halves import halves_of

ROUNDING = 1e-6
"""A fall below the best value by less than this part of it is no fall."""


class EarlyStopping:
    """Of each trial the best value so far, how many checks have brought no better one, and the step `at` which it stopped.

    `at` is -1 for a trial that has not stopped.
    """

    def __init__(self, stack: Stack, trials: Sequence[Trial], stop: Patience, inputs: Inputs) -> None:
        self._stack, self._stop = stack, stop
        patience = [trial.training.stop or stop for trial in trials]
        self._checks = torch.tensor([each.checks for each in patience], device=stack.device)
        self._fall = stack.column([each.min_delta for each in patience]).double()
        self._from = torch.tensor([trial.training.warm_up * trial.training.steps for trial in trials]).to(stack.device)
        self._beta = stack.column([trial.objective.beta for trial in trials]).double()
        self._halves = halves_of(stack, trials)
        self._x, self._y = inputs.examples(rows_of(stop, inputs.sizes["train"])[1].to(stack.device))
        seeds = list(dict.fromkeys(trial.weights_seed for trial in trials))
        places = torch.tensor([seeds.index(trial.weights_seed) for trial in trials], device=stack.device)
        streams = [stream(seed, "held out") for seed in seeds]
        self._eps = draws(streams, self._x.shape[-2], stack.kappa, stack.dtype).to(stack.device)[places]
        self._best = torch.full_like(self._beta, math.inf)
        self._misses = torch.zeros_like(self._checks)
        self.at = torch.full_like(self._checks, -1)

    def is_due(self, step: int) -> bool:
        """Whether a check is made before a step is taken."""
        return step > 0 and step % self._stop.every == 0

    def check(
        self, step: int, distortion: Float[Tensor, " pack"], runs: Bool[Tensor, " pack"]
    ) -> Bool[Tensor, " pack"]:
        """Measure all trials, given the distortion of the minibatch; returns which of those that run stop."""
        value = self._measure(distortion)
        counts = runs & (step >= self._from)
        falls = value < self._best - self._fall - ROUNDING * self._best.abs().nan_to_num(posinf=0.0)
        self._best = torch.where(counts & falls, value, self._best)
        self._misses = torch.where(counts, torch.where(falls, 0, self._misses + 1), self._misses)
        stops = counts & (self._misses >= self._checks)
        self.at = torch.where(stops, step, self.at)
        return stops

    @torch.no_grad()
    def _measure(self, distortion: Float[Tensor, " pack"]) -> Float64[Tensor, " pack"]:
        """What is watched, mean over the held-out examples, at the γ in force."""
        stack = self._stack
        gamma = gamma_in_force(stack.knobs, stack.log_gamma, distortion, stack.d, stack.knobs["start"])
        sums = [torch.stack([part.double().sum(-1) for part in parts]) for parts in self._parts(gamma)]
        error, nats, rate, of_means = torch.stack(sums).sum(0) / self._x.shape[-2]
        match self._stop.on:
            case "neg_elbo":
                return nats + rate
            case "objective":
                return nats + self._beta * (self._halves.weigh(rate, of_means) if self._halves else rate)
            case "distortion":
                return error
            case other:
                assert_never(other)

    def _parts(self, gamma: Float[Tensor, " pack"]) -> Iterator[tuple[Float[Tensor, "pack n"], ...]]:
        """Distortion, what J counts of −log p(y|z), rate and its half of the means of each held-out example, in chunks."""
        stack = self._stack
        chunks = (part.split(stack.rows_at_once, dim=-2) for part in (self._x, self._y, self._eps))
        for x, y, eps in zip(*chunks, strict=True):
            mu, log_var = stack.encode(x)
            out = stack.outputs(torch.addcmul(mu, (0.5 * log_var).exp(), eps))
            likelihood = stack.likelihood
            error = squared_error(y, likelihood.mean(out) if likelihood else out)
            at = gamma[:, None]
            nats = likelihood.nats(out, y, at) if likelihood else misfit(error, at, stack.d)
            yield error, nats, stack.rates(mu, log_var).sum(-1), rate_of_means(mu)

    def state(self) -> State:
        """The best values, the misses since, and where trials stopped."""
        return {"best": self._best, "misses": self._misses, "at": self.at}

    def go_to(self, state: State) -> None:
        """Go on from a `state` of the same trials."""
        device = self.at.device
        self._best, self._misses, self.at = (state[name].to(device) for name in ("best", "misses", "at"))


def rows_of(stop: Patience | None, n: int) -> tuple[Int[Tensor, " kept"], Int[Tensor, " held"]]:
    """The training examples that minibatches are drawn from, and those that are held out, each in order."""
    if stop is None:
        return torch.arange(n), torch.arange(0)
    order, count = torch.randperm(n, generator=stream(0, "held out")), stop.examples(n)
    return order[count:].sort().values, order[:count].sort().values
