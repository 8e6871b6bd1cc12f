"""Which trials diverge, and why. A trial that does is frozen where it stood before that step; the others don't notice."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from study.declare.trial import Trial
from study.train.stack.resumable import State
from study.train.stack.stack import Stack

REASONS = (
    "",
    "the objective J is not finite",
    "the gradient of J is not finite",
    "the objective J exceeds blow_up × (1 + |J| of the first step)",
)


class Divergence:
    """Of each trial, `reason` (0: none, else a place in `REASONS`) and the step `at` which it diverged (-1: none)."""

    def __init__(self, stack: Stack, trials: Sequence[Trial]) -> None:
        self._blow_up = stack.column([trial.training.blow_up for trial in trials])
        self._limit = torch.full_like(self._blow_up, math.inf)
        self.reason = torch.zeros(len(stack), dtype=torch.long, device=stack.device)
        self.at = torch.full_like(self.reason, -1)

    def judge(
        self, step: int, value: Float[Tensor, " pack"], norm: Float[Tensor, " pack"], runs: Bool[Tensor, " pack"]
    ) -> bool:
        """Note which of the trials that run diverge at this step, given J and the norm of its gradient: whether any does."""
        if step == 0:
            self._limit = self._blow_up * (1 + value.abs())
        # One question for the whole pack first, since nearly always no trial diverges; NaN compares false.
        if bool(((value <= self._limit) & (norm + value.abs() < math.inf)).all()):
            return False
        verdict = torch.where(value > self._limit, 3, 0)
        verdict = torch.where(norm.isfinite(), verdict, 2)
        verdict = torch.where(value.isfinite(), verdict, 1)
        fresh = (verdict > 0) & runs
        self.reason = torch.where(fresh, verdict, self.reason)
        self.at = torch.where(fresh, step, self.at)
        return bool(fresh.any())

    def state(self) -> State:
        """The limit of J, and which trials diverged, when and why."""
        return {"limit": self._limit, "reason": self.reason, "diverged_at": self.at}

    def go_to(self, state: State) -> None:
        """Go on from a `state` of the same trials."""
        device = self._blow_up.device
        self._limit, self.reason, self.at = (state[name].to(device) for name in ("limit", "reason", "diverged_at"))
