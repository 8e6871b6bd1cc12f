"""The β of each example, for networks that see it: drawn anew in every minibatch, from each trial's own stream."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from models.specs import LearnedByBeta
from models.streams import move, places, stream
from study.declare.trial import Trial
from study.train.stack.resumable import State
from study.train.stack.stack import Stack

Weights = tuple[Float[Tensor, "pack batch"] | None, Float[Tensor, "pack batch"] | None]


class BetaDraws:
    """Draws for trials that share one spread of β; false where they have none."""

    def __init__(self, stack: Stack, trials: Sequence[Trial]) -> None:
        self._stack, first = stack, trials[0]
        self._spread, self._weighs = first.spread, first.objective.spread is not None
        self._follows = isinstance(first.objective.gamma, LearnedByBeta)
        if not self._spread:
            return
        self._ends = first.u_of(self._spread.low), first.u_of(self._spread.high)
        self._log_half = (torch.tensor(self._spread.high / self._spread.low).log() / 2).item()
        seeds = list(dict.fromkeys(trial.weights_seed for trial in trials))
        self._generators = [stream(seed, "betas") for seed in seeds]
        self._seed_of = torch.tensor([seeds.index(trial.weights_seed) for trial in trials], device=stack.device)

    def __bool__(self) -> bool:
        return self._spread is not None

    def draw(self, batch: int) -> Float[Tensor, "pack batch"]:
        """u of each example (see `models.networks.beta_vae`): log-uniform β, one from each of `batch` equal parts.

        Examples come in random order, so that the parts may come in theirs.
        """
        low, high = self._ends
        draws = torch.stack([torch.rand(batch, generator=each, dtype=self._stack.dtype) for each in self._generators])
        parts = (torch.arange(batch, dtype=self._stack.dtype) + draws) / batch
        return (low + (high - low) * parts).to(self._stack.device)[self._seed_of]

    def weights(self, u: Float[Tensor, "pack batch"]) -> Weights:
        """What the misfit and the rate of each example count, so that every β′ counts alike; None for 1.

        With one γ the misfit counts β/β′. Where γ follows β, R/γ(β′) is about d at every β′, so that J(β′) counts as it is:
        the rate counts β′/β. Where the stage itself has a single β both count 1.
        """
        if self._follows:
            return None, (self._log_half * u).exp()
        return (-self._log_half * u).exp() if self._weighs else torch.ones_like(u), None

    def state(self) -> State:
        """Where the streams stand; nothing where there are none."""
        return {"betas": places(self._generators)} if self else {}

    def go_to(self, state: State) -> None:
        """Take the streams to where a `state` was."""
        if self:
            move(self._generators, state["betas"])
