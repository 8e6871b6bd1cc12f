"""A penalty on the distribution of z, on top of J, one weight a trial: a pack may hold trials with and without."""

from collections.abc import Sequence
from typing import assert_never

import torch
from jaxtyping import Float
from torch import Tensor

from models.metrics.batch_mmd import batch_mmd
from models.specs import MMD, Sparsity
from models.specs.objective import Regulariser
from models.streams import move, normal, places, stream
from study.declare.trial import Trial
from study.train.stack.resumable import State
from study.train.stack.stack import Stack
from study.train.step.fit import Fit


class MMDPenalty:
    """weight · MMD²(q(z), N(0, I)) of each minibatch, with a prior sample of each trial's seed."""

    def __init__(self, stack: Stack, trials: Sequence[Trial]) -> None:
        penalties = [trial.objective.penalty for trial in trials]
        weights = [_weight(penalty) for penalty in penalties]
        self.draws, self._weights = any(weights), stack.column(weights)
        seeds = list(dict.fromkeys(trial.weights_seed for trial in trials))
        self._seed_of = torch.tensor([seeds.index(trial.weights_seed) for trial in trials], device=stack.device)
        self._streams = [stream(seed, "penalty") for seed in seeds]

    def add(
        self, objective: Float[Tensor, " pack"], z: Float[Tensor, "pack batch kappa"], _: Fit
    ) -> Float[Tensor, " pack"]:
        """What is minimised, given J and the latents of the minibatch."""
        if not self.draws:
            return objective
        drawn = [normal(generator, 1, tuple(z.shape[1:]), z.dtype)[0] for generator in self._streams]
        prior = torch.stack(drawn).to(z.device)[self._seed_of]
        return objective + self._weights * batch_mmd(z, prior)

    def state(self) -> State:
        """Where the streams of prior samples stand."""
        return {"streams": places(self._streams)}

    def go_to(self, state: State) -> None:
        """Take the streams to where a `state` was."""
        move(self._streams, state["streams"])


def _weight(penalty: Regulariser | None) -> float:
    match penalty:
        case MMD():
            return penalty.weight
        case Sparsity() | None:  # whose price is `code_price`'s
            return 0.0
        case _:
            assert_never(penalty)
