"""Training a stack: one step for all trials, each with its own γ, β, learning rate and random streams.

A trial's numbers don't depend on its company: nothing here mixes rows. A step asks the device nothing, so that it need not
wait; now and then the host looks whether any trial goes on.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext

import torch
from jaxtyping import Int64
from torch import Tensor

from models.loss.gamma import project_
from study.declare.trial import Trial
from study.train.stack.inputs import Inputs
from study.train.stack.resumable import Resumable, State
from study.train.stack.stack import Stack
from study.train.stack.trained_numbers import of_rows
from study.train.step.build import optimiser_of, passes_of
from study.train.step.clip import Clip
from study.train.step.curves import PREFIX, Curves
from study.train.step.divergence import Divergence
from study.train.step.early_stopping import EarlyStopping
from study.train.step.minibatches import Drawn, Minibatches
from study.train.step.optimiser import Block
from study.train.step.outcome import Outcome, joined
from study.train.step.passes import Way, way_of
from study.train.step.schedules import Moment, Schedules
from study.train.step.step_graph import Recorder, StepGraph, obstacle, record_on_cuda

LOOK_EVERY = 32
"""Steps between two looks of the host at what goes on."""


class Training:
    """A pack in training: advances in slices, keeps the curves, and knows which trials have ended."""

    def __init__(self, stack: Stack, trials: Sequence[Trial], inputs: Inputs, way: Way | None = None) -> None:
        self.stack, self.trials, self.step = stack, trials, 0
        self.settings = settings = trials[0].training
        self._schedules, self._clip = Schedules(stack, trials), Clip(stack, trials)
        self._minibatches = Minibatches(stack, trials, inputs)
        self.way = way or way_of(stack, trials)
        self._passes = passes_of(stack, trials, self._minibatches.size, self.way)
        self._optimiser = optimiser_of(stack, trials, [(each.rows, each.gradient) for each in self._passes])
        self._gamma_lr_ratio = stack.column([_gamma_lr(trial) / trial.training.lr for trial in trials])
        self._zero = torch.zeros((), dtype=stack.dtype, device=stack.device)
        self.divergence = Divergence(stack, trials)
        self.early_stopping = EarlyStopping(stack, trials, settings.stop, inputs) if settings.stop else None
        self._parts: dict[str, Resumable] = {"optimiser": self._optimiser, "ends": self.divergence}
        self._parts |= self._minibatches.parts | self._passes[0].parts
        if self.early_stopping:
            self._parts["stop"] = self.early_stopping
        self.curves = Curves(settings.steps)
        self._any_runs, self._graph = True, None

    @property
    def done(self) -> bool:
        """Whether every step is taken, or no trial was left to take one when the host last looked."""
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
            if self.step % LOOK_EVERY == 0:
                self._any_runs = self.divergence.any_runs
        return self.step - before

    def take_step(self) -> None:
        """One step of every trial that has neither diverged nor stopped."""
        # Where nothing is differentiated, torch need not keep count of what could be: each operation is the faster.
        with nullcontext() if any(each.differentiates for each in self._passes) else torch.inference_mode():
            self._take_step()

    def _take_step(self) -> None:
        now, drawn = self._schedules.at(self.step), self._minibatches.draw()
        is_logged = self.curves.is_due(self.step)
        if self.early_stopping and self.early_stopping.is_due(self.step):
            outcomes = self._step_with_check(self.early_stopping, drawn, now, is_logged)
        elif self._graph and not is_logged:
            self._graph.take(drawn, now)
            outcomes = []
        else:
            outcomes = self._step(drawn, now, is_logged)
        if is_logged:
            self.curves.log(self.step, joined(outcomes))
        self.step += 1

    def replay(self, record: Recorder = record_on_cuda) -> str | None:
        """Let further steps be recorded once and replayed; why they cannot, where they cannot."""
        reason = obstacle(self.stack, self.trials, self._passes, self._schedules)
        self._graph = None if reason else StepGraph(self._step, record)
        return reason

    def _step(self, drawn: Drawn, now: Moment, is_logged: bool = False) -> list[Outcome]:
        """A step block by block, so that what one computes is still in the cache when it is moved."""
        self._optimiser.begin(now.momenta)
        outcomes = []
        for block, outcome in zip(self._optimiser.blocks, self._passed(drawn, now, is_logged), strict=True):
            self._move(block, outcome, now)
            outcomes.append(outcome)
        project_(self.stack.knobs, self.stack.log_gamma.detach())
        return outcomes

    def _step_with_check(self, stopping: EarlyStopping, drawn: Drawn, now: Moment, is_logged: bool) -> list[Outcome]:
        """A step before which trials may stop, given how all of them fit the minibatch."""
        self._optimiser.begin(now.momenta)
        outcomes = list(self._passed(drawn, now, is_logged))
        distortion = joined(outcomes).distortion
        self.divergence.stop(stopping.check(self.step, distortion, self.divergence.runs))
        for block, outcome in zip(self._optimiser.blocks, outcomes, strict=True):
            self._move(block, outcome, now)
        project_(self.stack.knobs, self.stack.log_gamma.detach())
        return outcomes

    def _passed(self, drawn: Drawn, now: Moment, is_logged: bool) -> Iterator[Outcome]:
        """The outcome of each block's pass, judged."""
        for each in self._passes:
            outcome = each.run(self.step, drawn.of(each.rows), now, is_logged)
            self.divergence.judge(self.step, each.rows, outcome.objective, outcome.norm)
            yield outcome

    @torch.no_grad()
    def _move(self, block: Block, outcome: Outcome, now: Moment) -> None:
        """One step of the optimiser; trials that have ended stay where they are."""
        rows, runs = block.rows, of_rows(self.divergence.runs, block.rows)
        self._clip.apply(rows, block.gradient.columns(), outcome.norm)
        lr = self._schedules.slowed(rows, of_rows(now.lr, rows), outcome.gamma)
        lr = torch.where(runs, lr, self._zero)  # not times 0: at a γ that is no number, lr is none
        self._optimiser.move(block, lr, of_rows(self._gamma_lr_ratio, rows))
        if self.stack.carrier:
            self.stack.carrier.undo(~runs)

    def state(self) -> State:
        """All that the rest of the training follows from, and the curves so far. What is changed in place is not copied."""
        return {
            "step": torch.tensor(self.step),
            "numbers": self.stack.trained_numbers.flat,
            **{f"{name}.{key}": value for name, part in self._parts.items() for key, value in part.state().items()},
            **self.curves.state(),
        }

    def go_to(self, state: State) -> None:
        """Go on from a `state` of the same trials: on the same kind of device, to the same numbers.

        Raises: ValueError where it is of other trials; nothing has changed then.
        """
        self._check(state)
        self.step = int(state["step"])
        self.stack.trained_numbers.flat.copy_(state["numbers"])
        for name, part in self._parts.items():
            part.go_to(_below(name, state))
        self.curves.go_to(_below(PREFIX, state), self.stack.device)
        self._any_runs = self.divergence.any_runs

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
