"""Training a stack: one step for all trials, each with its own γ, β, learning rate and random streams.

A trial's numbers don't depend on its company: nothing here mixes rows.
"""

import time
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from models.loss.gamma import project_
from study.declare.trial import Trial
from study.train.stack.inputs import Inputs
from study.train.stack.resumable import Resumable, State
from study.train.stack.stack import Stack
from study.train.step.adam import Adam
from study.train.step.curves import PREFIX, Curves
from study.train.step.divergence import Divergence
from study.train.step.forward import Forward
from study.train.step.rprop import Rprop
from study.train.step.schedules import Schedules


class Training:
    """A pack in training: advances in slices, keeps the curves, and knows which trials diverged."""

    def __init__(self, stack: Stack, trials: Sequence[Trial], inputs: Inputs) -> None:
        self.stack, self.step = stack, 0
        self.settings = settings = trials[0].training
        self._schedules = Schedules(stack, trials)
        self._forward = Forward(stack, trials, inputs, self._schedules)
        self._gamma_lr_ratio = stack.column([_gamma_lr(trial) / trial.training.lr for trial in trials])
        self._ones = torch.ones_like(self._gamma_lr_ratio)
        self._gradient = torch.empty_like(stack.numbers)
        self._optimiser = Rprop(stack.numbers, settings.signs) if settings.signs else Adam(stack.numbers, settings)
        name = "rprop" if settings.signs else "adam"
        self._parts: dict[str, Resumable] = {name: self._optimiser, **self._forward.parts}
        self.divergence = Divergence(stack, trials)
        self.curves = Curves(settings.steps)

    @property
    def done(self) -> bool:
        """Whether every step is taken."""
        return self.step >= self.settings.steps

    def advance(self, seconds: float) -> int:
        """Train for about `seconds`; returns the steps taken."""
        start, before = time.monotonic(), self.step
        while not self.done and time.monotonic() - start < seconds:
            self.take_step()
        return self.step - before

    def take_step(self) -> None:
        """One step of every trial that has not diverged."""
        stack, batch, is_due = self.stack, self._forward.run(self.step), self.curves.is_due(self.step)
        inputs = [*stack.trained, batch.z] if is_due else stack.trained
        slopes = torch.autograd.grad(batch.objective, inputs, self._ones, materialize_grads=True)
        columns = [slope.reshape(len(stack), -1) for slope in slopes[: len(stack.trained)]]
        gradient = torch.cat(columns, dim=1, out=self._gradient)
        norm = torch.linalg.vector_norm(gradient, dim=1)
        self.divergence.judge(self.step, batch.objective.detach(), norm)
        if is_due:
            self.curves.log(self.step, batch, norm, slopes[-1])
        self._update(gradient, batch.gamma.detach())
        self.step += 1

    def _update(self, gradient: Float[Tensor, "pack numbers"], gamma: Float[Tensor, " pack"]) -> None:
        """One step of the optimiser at γ; diverged trials stay where they are."""
        lr = self.divergence.freeze(gradient, self._schedules.lr(self.step, gamma))
        self._optimiser.step(gradient, lr, self._gamma_lr_ratio)
        if self.divergence.any:
            self.stack.undo(self.divergence.reason > 0)
        with torch.no_grad():
            project_(self.stack.knobs, self.stack.log_gamma)

    def state(self) -> State:
        """All that the rest of the training follows from, and the curves so far. What is changed in place is not copied."""
        return {
            "step": torch.tensor(self.step),
            "numbers": self.stack.numbers,
            **self.divergence.state(),
            **{f"{name}.{key}": value for name, part in self._parts.items() for key, value in part.state().items()},
            **self.curves.state(),
        }

    def go_to(self, state: State) -> None:
        """Go on from a `state` of the same trials: on the same kind of device, to the same numbers.

        Raises: ValueError where it is of other trials; nothing has changed then.
        """
        self._check(state)
        self.step = int(state["step"])
        self.stack.numbers.copy_(state["numbers"])
        self.divergence.go_to(state)
        self._forward.go_to_step(self.step)
        for name, part in self._parts.items():
            part.go_to(_below(name, state))
        self.curves.go_to(_below(PREFIX, state), self.stack.device)

    def _check(self, state: State) -> None:
        mine, theirs = (
            {name: (value.shape, value.dtype) for name, value in each.items() if not name.startswith(PREFIX)}
            for each in (self.state(), state)
        )
        if mine != theirs:
            raise ValueError("the state is not one of these trials in training")


def _gamma_lr(trial: Trial) -> float:
    return getattr(trial.objective.gamma, "lr", None) or trial.training.lr


def _below(part: str, state: State) -> State:
    """What a state holds of one part, by the names that the part itself gives."""
    return {name.removeprefix(f"{part}."): value for name, value in state.items() if name.startswith(f"{part}.")}
