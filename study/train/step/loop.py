"""Training a stack: one step for all trials, each with its own γ, β, learning rate and random streams.

A trial's numbers don't depend on its company: nothing here mixes rows. A trial whose J or gradient is not finite, or
whose J blows up, is frozen where it stood before that step, and the others don't notice.
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.loss.gamma import project_, schedule
from models.loss.objective import objective
from models.networks.beta_vae import beside
from models.streams import Batches
from study.declare.trial import Trial
from study.train.stack.inputs import Inputs
from study.train.stack.stack import Stack
from study.train.step.adam import Adam
from study.train.step.beta_draws import Betas
from study.train.step.code_price import Sparse
from study.train.step.fit import fit_batch
from study.train.step.mmd_penalty import Penalty
from study.train.step.rprop import Rprop
from study.train.step.schedules import Remedies

CURVE_POINTS = 40

_AHEAD = 64
"""Steps whose scheduled γ is computed at once."""

_CURVES = "curves"
"""What the names of curves begin with in a state."""

REASONS = (
    "",
    "the objective J is not finite",
    "the gradient of J is not finite",
    "the objective J exceeds blow_up × (1 + |J| of the first step)",
)


@dataclass(frozen=True)
class Batch:
    """What one forward pass over the stack yields, each of shape (pack,) unless said otherwise."""

    distortion: Tensor
    rate: Tensor
    gamma: Tensor
    objective: Tensor
    log_var: Tensor  # (pack, batch, kappa)
    z: Tensor  # (pack, batch, kappa)


class Training:
    """A pack in training: advances in slices, keeps the curves, and knows which trials diverged."""

    def __init__(self, stack: Stack, trials: Sequence[Trial], inputs: Inputs) -> None:
        self.stack, self._inputs = stack, inputs
        self.settings = settings = trials[0].training
        self.step = 0
        self._beta = stack.column([trial.objective.beta for trial in trials])
        self._lr = stack.column([trial.training.lr for trial in trials])
        self._gamma_lr_ratio = stack.column([_gamma_lr(trial) / trial.training.lr for trial in trials])
        self._blow_up = stack.column([trial.training.blow_up for trial in trials])
        self._ones = torch.ones_like(self._beta)
        self._gradient = torch.empty_like(stack.numbers)
        self._optimiser = Rprop(stack.numbers, settings.signs) if settings.signs else Adam(stack.numbers, settings)
        self._remedies = Remedies(stack, trials)
        seeds = list(dict.fromkeys(trial.weights_seed for trial in trials))
        self._seed_of = torch.tensor([seeds.index(trial.weights_seed) for trial in trials], device=stack.device)
        self._batches = Batches(seeds, inputs.sizes["train"], settings.batch, stack.kappa, stack.dtype, stack.device)
        self._penalty = Sparse(stack, trials) if trials[0].objective.is_sparse else Penalty(stack, trials)
        self._betas = Betas(stack, trials)
        name = "rprop" if settings.signs else "adam"
        self._parts = {name: self._optimiser, "batches": self._batches, "inputs": inputs, "penalty": self._penalty}
        self._parts["betas"] = self._betas
        self._schedules = _schedules(stack, settings.steps)
        self._limit = torch.full_like(self._beta, math.inf)
        self.reason = torch.zeros(len(stack), dtype=torch.long, device=stack.device)
        self.diverged_at = torch.full_like(self.reason, -1)
        self._some_diverged = False
        self._logged = _logged_steps(settings.steps)
        self.curves: list[tuple[int, dict[str, Tensor]]] = []

    @property
    def done(self) -> bool:
        return self.step >= self.settings.steps

    def advance(self, seconds: float) -> int:
        """Train for about `seconds`; returns the steps taken."""
        start, before = time.monotonic(), self.step
        while not self.done and time.monotonic() - start < seconds:
            self._take_step()
        return self.step - before

    def state(self) -> dict[str, Tensor]:
        """All that the rest of the training follows from, and the curves so far. What is changed in place is not copied."""
        return {
            "step": torch.tensor(self.step),
            "numbers": self.stack.numbers,
            "limit": self._limit,
            "reason": self.reason,
            "diverged_at": self.diverged_at,
            **{f"{name}.{key}": value for name, part in self._parts.items() for key, value in part.state().items()},
            **self._stacked_curves(),
        }

    def go_to(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a `state` of the same trials: on the same kind of device, to the same numbers.

        Raises: ValueError where it is of other trials; nothing has changed then.
        """
        self._check(state)
        self.step = int(state["step"])
        self.stack.numbers.copy_(state["numbers"])
        self._limit, self.reason, self.diverged_at = (
            state[name].to(self.stack.device) for name in ("limit", "reason", "diverged_at")
        )
        self._some_diverged = bool((self.reason > 0).any())
        self._schedules = _schedules(self.stack, self.settings.steps, self.step)
        for name, part in self._parts.items():
            part.go_to(_below(name, state))
        curves = {name: values.to(self.stack.device) for name, values in _below(_CURVES, state).items()}
        steps = curves.pop("step").tolist()
        self.curves = [(step, {name: values[i] for name, values in curves.items()}) for i, step in enumerate(steps)]

    def _stacked_curves(self) -> dict[str, Tensor]:
        """The curves by name, (points, pack) each, and the steps of their points."""
        names = self.curves[0][1] if self.curves else ()
        stacked = {f"{_CURVES}.{name}": torch.stack([values[name] for _, values in self.curves]) for name in names}
        return stacked | {f"{_CURVES}.step": torch.tensor([step for step, _ in self.curves])}

    def _check(self, state: Mapping[str, Tensor]) -> None:
        mine, theirs = (
            {name: (value.shape, value.dtype) for name, value in each.items() if not name.startswith(_CURVES)}
            for each in (self.state(), state)
        )
        if mine != theirs:
            raise ValueError("the state is not one of these trials in training")

    def _take_step(self) -> None:
        stack, batch = self.stack, self._forward()
        inputs = [*stack.trained, batch.z] if self.step in self._logged else stack.trained
        slopes = torch.autograd.grad(batch.objective, inputs, self._ones, materialize_grads=True)
        columns = [slope.reshape(len(stack), -1) for slope in slopes[: len(stack.trained)]]
        gradient = torch.cat(columns, dim=1, out=self._gradient)
        norm = torch.linalg.vector_norm(gradient, dim=1)
        self._judge(batch.objective.detach(), norm)
        if self.step in self._logged:
            self._log(batch, norm, slopes[-1])
        self._update(gradient, batch.gamma.detach())
        self.step += 1

    def _forward(self) -> Batch:
        """One stochastic pass over the next minibatch; the graph is kept for the gradient.

        Networks that see β are told that of each example; distortion and rate are means over all of them.
        """
        stack, (rows, eps) = self.stack, next(self._batches)
        rows, eps = rows[self._seed_of], eps[self._seed_of]
        u = self._betas.draw(rows.shape[1]) if self._betas else None
        x, y = self._inputs.batch(rows, u)
        mu, log_var = stack.call("encode", _with_beta(x, u))
        z = torch.addcmul(mu, (0.5 * log_var).exp(), eps)
        weight = None if u is None else self._betas.weights(u)
        fit = fit_batch(stack, y, _with_beta(z, u), next(self._schedules), weight)
        rate = stack.rates(mu, log_var).sum(-1).mean(-1)
        j = objective(fit.nats, rate, self._remedies.beta(self._beta, self.step))
        return Batch(fit.distortion, rate, fit.gamma, self._penalty.added(j, z, fit), log_var, z)

    def _judge(self, value: Tensor, norm: Tensor) -> None:
        """Note which trials diverge at this step, and why; the first reason stands."""
        if self.step == 0:
            self._limit = self._blow_up * (1 + value.abs())
        # One question for the whole pack first, since nearly always no trial diverges; NaN compares false.
        if bool(((value <= self._limit) & (norm + value.abs() < math.inf)).all()):
            return
        verdict = torch.where(value > self._limit, 3, 0)
        verdict = torch.where(norm.isfinite(), verdict, 2)
        verdict = torch.where(value.isfinite(), verdict, 1)
        fresh = (verdict > 0) & (self.reason == 0)
        self.reason = torch.where(fresh, verdict, self.reason)
        self.diverged_at = torch.where(fresh, self.step, self.diverged_at)
        self._some_diverged = bool((self.reason > 0).any())

    def _update(self, gradient: Tensor, gamma: Tensor) -> None:
        """One step of the optimiser at γ; diverged trials stay where they are."""
        lr = self._remedies.lr(self._lr * self._decay(), gamma)
        if self._some_diverged:
            diverged = self.reason > 0
            gradient.masked_fill_(diverged[:, None], 0)  # or NaN would get into the moments, and NaN·0 is no 0
            lr = lr.masked_fill(diverged, 0)
        self._optimiser.step(gradient, lr, self._gamma_lr_ratio)
        with torch.no_grad():
            project_(self.stack.knobs, self.stack.log_gamma)

    def _decay(self) -> float:
        """The factor on every learning rate: 1, then linear to `decay_to` at the end."""
        settings = self.settings
        late = self.step / settings.steps - settings.decay_from
        return 1.0 if late <= 0 else 1 - (1 - settings.decay_to) * late / (1 - settings.decay_from)

    def _log(self, batch: Batch, norm: Tensor, slope_z: Tensor) -> None:
        # J averages over the batch, so its gradient at one example's z is 1/batch of that example's own.
        grad_z = torch.linalg.vector_norm(slope_z, dim=-1).mean(-1) * batch.z.shape[1]
        point = {
            "distortion": batch.distortion,
            "objective": batch.objective,
            "gamma": batch.gamma,
            "grad_z": grad_z,
            "grad_norm": norm,
        }
        if not self.stack.is_deterministic:
            point |= {"rate": batch.rate, "n_active": (batch.log_var.exp().mean(1) < 0.5).sum(-1)}
        self.curves.append((self.step, {name: value.detach() for name, value in point.items()}))


def _with_beta(rows: Tensor, u: Tensor | None) -> Tensor:
    return rows if u is None else beside(rows, u)


def _gamma_lr(trial: Trial) -> float:
    return getattr(trial.objective.gamma, "lr", None) or trial.training.lr


def _logged_steps(steps: int) -> frozenset[int]:
    """About `CURVE_POINTS` steps, denser at the start, the first and the last among them."""
    last = steps - 1
    return frozenset(round(last * (i / (CURVE_POINTS - 1)) ** 2) for i in range(CURVE_POINTS))


def _schedules(stack: Stack, steps: int, first: int = 0) -> Iterator[Tensor]:
    """The scheduled γ of each step from `first` on, shape (pack,).

    Always in the same blocks, since a number's last bit may depend on its place in a vector.
    """
    for start in range(first // _AHEAD * _AHEAD, steps, _AHEAD):
        progress = stack.column([step / steps for step in range(start, min(start + _AHEAD, steps))])
        yield from schedule(stack.knobs, progress[:, None])[max(0, first - start) :]


def _below(part: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a state holds of one part, by the names that the part itself gives."""
    return {name.removeprefix(f"{part}."): value for name, value in state.items() if name.startswith(f"{part}.")}
