"""Training a stack: one step for all trials, each with its own γ, β, learning rate and random streams.

A trial's numbers don't depend on its company: nothing here mixes rows.
"""

import time
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from models.loss.gamma import project_
from study.declare.trial import Trial
from study.train.stack.inputs import Inputs
from study.train.stack.resumable import Resumable, State
from study.train.stack.stack import Stack
from study.train.step.build import optimiser_of
from study.train.step.clip import Clip
from study.train.step.curves import PREFIX, Curves
from study.train.step.divergence import Divergence
from study.train.step.early_stopping import EarlyStopping
from study.train.step.forward import Forward
from study.train.step.schedules import Schedules


class Training:
    """A pack in training: advances in slices, keeps the curves, and knows which trials have ended."""

    def __init__(self, stack: Stack, trials: Sequence[Trial], inputs: Inputs) -> None:
        self.stack, self.trials, self.step = stack, trials, 0
        self.settings = settings = trials[0].training
        self._schedules = Schedules(stack, trials)
        self._forward = Forward(stack, trials, inputs, self._schedules)
        self._gamma_lr_ratio = stack.column([_gamma_lr(trial) / trial.training.lr for trial in trials])
        self._ones = torch.ones_like(self._gamma_lr_ratio)
        self._gradient = torch.empty_like(stack.numbers)
        self._clip = Clip(stack, trials)
        self._optimiser = optimiser_of(stack, trials)
        self.divergence = Divergence(stack, trials)
        self.early_stopping = EarlyStopping(stack, trials, settings.stop, inputs) if settings.stop else None
        self._parts: dict[str, Resumable] = {"optimiser": self._optimiser, **self._forward.parts}
        if self.early_stopping:
            self._parts["stop"] = self.early_stopping
        self.curves = Curves(settings.steps)
        self._note_ends()

    @property
    def done(self) -> bool:
        """Whether every step is taken, or no trial is left to take one."""
        return self.step >= self.settings.steps or not self._any_runs

    @property
    def ended_at(self) -> Int64[Tensor, " pack"]:
        """The first step that each trial did not take, because it diverged or stopped early; -1 where it took them all."""
        stopped = torch.full_like(self.divergence.at, -1) if self.early_stopping is None else self.early_stopping.at
        return torch.maximum(self.divergence.at, stopped)  # one of them at most is a step

    def advance(self, seconds: float) -> int:
        """Train for about `seconds`; returns the steps taken."""
        start, before = time.monotonic(), self.step
        while not self.done and time.monotonic() - start < seconds:
            self.take_step()
        return self.step - before

    def take_step(self) -> None:
        """One step of every trial that has neither diverged nor stopped."""
        stack, batch, is_due = self.stack, self._forward.run(self.step), self.curves.is_due(self.step)
        inputs = [*stack.trained, batch.z] if is_due else stack.trained
        slopes = torch.autograd.grad(batch.objective, inputs, self._ones, materialize_grads=True)
        columns = [slope.reshape(len(stack), -1) for slope in slopes[: len(stack.trained)]]
        gradient = torch.cat(columns, dim=1, out=self._gradient)
        norm = torch.linalg.vector_norm(gradient, dim=1)
        ends = self.divergence.judge(self.step, batch.objective.detach(), norm, self._runs)
        if self.early_stopping and self.early_stopping.is_due(self.step):
            ends |= self.early_stopping.check(
                self.step, batch.distortion.detach(), self._runs & (self.divergence.at < 0)
            )
        if ends:
            self._note_ends()
        if is_due:
            self.curves.log(self.step, batch, norm, slopes[-1])
        self._update(gradient, norm, batch.gamma.detach())
        self.step += 1

    def _note_ends(self) -> None:
        """Note which trials run, and which rows stay as they are."""
        self._runs = self.ended_at < 0
        self._any_runs = bool(self._runs.any())
        self._frozen = None if bool(self._runs.all()) else (~self._runs).nonzero()[:, 0]

    def _update(
        self, gradient: Float[Tensor, "pack numbers"], norm: Float[Tensor, " pack"], gamma: Float[Tensor, " pack"]
    ) -> None:
        """One step of the optimiser at γ; trials that have ended stay where they are."""
        numbers = self.stack.numbers
        kept = None if self._frozen is None else numbers[self._frozen]
        self._clip.apply(gradient, norm)
        lr = self._schedules.lr(self.step, gamma)
        self._optimiser.step(gradient, lr, self._gamma_lr_ratio, self._schedules.momenta(self.step))
        with torch.no_grad():
            if kept is not None:
                numbers[self._frozen] = kept  # whatever an optimiser makes of a gradient that is not finite
                self.stack.undo(~self._runs)
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
        self._note_ends()

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
