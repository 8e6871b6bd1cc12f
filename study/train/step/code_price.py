"""The price of codes in training: every trial of the pack has one, each its own penalty, weight and misfit."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.loss.code_penalties import PENALTIES, energies
from models.specs import Sparsity
from models.specs.sparsity import Penalty
from study.declare.trial import Trial
from study.train.stack.resumable import State
from study.train.stack.stack import Stack
from study.train.step.fit import Fit


class CodePrice:
    """weight/2 · Σ h(energy) on top of J, and (d/2) g(R/d) in the place of J where a trial names g."""

    def __init__(self, stack: Stack, trials: Sequence[Trial]) -> None:
        self._stack = stack
        prices = [price(trial) for trial in trials]
        self._half = stack.column([each.weight / 2 for each in prices])
        self._floor = stack.column([each.floor for each in prices])[:, None]
        self._h = _ByName(stack, [(each.h, each.parameter) for each in prices])
        self._g = _ByName(stack, [(each.g, each.g_parameter) for each in prices]) if any(p.g for p in prices) else None

    def add(
        self, objective: Float[Tensor, " pack"], z: Float[Tensor, "pack batch kappa"], fit: Fit
    ) -> Float[Tensor, " pack"]:
        """What is minimised, given J, the codes of the minibatch and how well they are decoded."""
        found = energies(self._stack.decode, z, fit.mean)
        cost = self._half * self._h(torch.maximum(found, self._floor)).sum(-1)
        if self._g is None:
            return objective + cost
        of_d = self._stack.d / 2
        misfit = self._g((fit.distortion / self._stack.d)[:, None], otherwise=objective[:, None] / of_d)
        return of_d * misfit[:, 0] + cost

    def state(self) -> State:
        """Nothing: all of it follows from the minibatch."""
        return {}

    def go_to(self, state: State) -> None:
        """Nothing."""


class _ByName:
    """One of the penalties for each trial: each sees the rows of its own trials alone, so that a NaN stays with its trial."""

    def __init__(self, stack: Stack, declared: Sequence[tuple[Penalty | None, float | None]]) -> None:
        self._rows: dict[Penalty | None, Int[Tensor, " rows"]] = {}
        names: dict[Penalty | None, None] = {name: None for name, _ in declared}
        for name in names:
            places = [place for place, (other, _) in enumerate(declared) if other == name]
            self._rows[name] = torch.tensor(places, device=stack.device)
        self._back = torch.cat([*self._rows.values()]).argsort()
        parameters = stack.column([parameter or 0.0 for _, parameter in declared])[:, None]
        self._parameters = {name: parameters[rows] for name, rows in self._rows.items()}

    def __call__(
        self, values: Float[Tensor, "pack n"], otherwise: Float[Tensor, "pack n"] | None = None
    ) -> Float[Tensor, "pack n"]:
        """The penalties of values, and the rows of `otherwise` where a trial names none."""
        parts = []
        for name, rows in self._rows.items():
            if name is None:
                assert otherwise is not None
                parts.append(otherwise.index_select(0, rows))
            else:
                parts.append(PENALTIES[name](values.index_select(0, rows), self._parameters[name]))
        return torch.cat(parts).index_select(0, self._back)


def price(trial: Trial) -> Sparsity:
    """What a trial's codes cost."""
    penalty = trial.objective.penalty
    assert isinstance(penalty, Sparsity)
    return penalty
