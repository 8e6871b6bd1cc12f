"""Which trials go on, and which have diverged, and why. A trial that does stays where it stood before that step.

All of it happens on the device, in the same operations whether a trial diverges or not: nothing asks the host. Who wants to
know (`at`, `reason`, `any_runs`) asks when it suits.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from study.declare.trial import Trial
from study.train.stack.resumable import State
from study.train.stack.stack import Stack
from study.train.stack.trained_numbers import of_rows

REASONS = (
    "",
    "the objective J is not finite",
    "the gradient of J is not finite",
    "the objective J exceeds blow_up × (1 + |J| of the first step)",
)


class Divergence:
    """`runs` says which trials go on. Each trial's J and the norm of its gradient are kept as they were at its last step."""

    def __init__(self, stack: Stack, trials: Sequence[Trial]) -> None:
        self._blow_up = stack.column([trial.training.blow_up for trial in trials])
        self._limit = torch.full_like(self._blow_up, math.inf)
        self._infinity = self._limit.new_tensor(math.inf)
        self.runs: Bool[Tensor, " pack"] = torch.ones(len(stack), dtype=torch.bool, device=stack.device)
        self._stopped = torch.zeros_like(self.runs)
        self._taken = torch.zeros(len(stack), dtype=torch.long, device=stack.device)
        self._value, self._norm = torch.zeros_like(self._blow_up), torch.zeros_like(self._blow_up)

    def judge(self, step: int, rows: slice, value: Float[Tensor, " rows"], norm: Float[Tensor, " rows"]) -> None:
        """Note which trials of some rows diverge at this step, given J and the norm of its gradient."""
        held = (self.runs, self._limit, self._value, self._norm, self._taken)
        runs, limit, last_value, last_norm, taken = (of_rows(each, rows) for each in held)
        size = value.abs()
        if step == 0:
            torch.mul(size + 1, of_rows(self._blow_up, rows), out=limit)
        torch.where(runs, value, last_value, out=last_value)
        torch.where(runs, norm, last_norm, out=last_norm)
        runs &= (value <= limit) & (size.add_(norm) < self._infinity)  # NaN compares false
        taken += runs

    def stop(self, stops: Bool[Tensor, " pack"]) -> None:
        """Let trials end before the step that was judged last, for another reason."""
        fresh = stops & self.runs
        self._taken.sub_(fresh.long())
        self._stopped |= fresh
        self.runs &= ~fresh

    @property
    def any_runs(self) -> bool:
        """Whether any trial goes on."""
        return bool(self.runs.any())

    @property
    def at(self) -> Int64[Tensor, " pack"]:
        """The step at which each trial diverged; -1: at none."""
        return torch.where(self.runs | self._stopped, -1, self._taken)

    @property
    def reason(self) -> Int64[Tensor, " pack"]:
        """Why each trial diverged, as a place in `REASONS`; 0: it did not."""
        verdict = torch.where(self._norm.isfinite(), 3, 2)
        verdict = torch.where(self._value.isfinite(), verdict, 1)
        return torch.where(self.runs | self._stopped, 0, verdict)

    def state(self) -> State:
        """The limit of J, which trials go on, and how far the others came and why."""
        return {
            "limit": self._limit,
            "runs": self.runs,
            "stopped": self._stopped,
            "taken": self._taken,
            "last_value": self._value,
            "last_norm": self._norm,
        }

    def go_to(self, state: State) -> None:
        """Go on from a `state` of the same trials."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])
