"""Training a stack: one step for all trials, each with its own γ, β, learning rate and random streams.

A trial's numbers don't depend on its company: nothing here mixes rows. A trial whose J or gradient is not finite, or
whose J blows up, is frozen where it stood before that step, and the others don't notice.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.datasets import DataSet
from models.gamma import gamma_at, project
from models.objective import latent_rates, objective, squared_error
from models.streams import minibatches, noise
from study.packed.stack import Stack
from study.trial import Trial

CURVE_POINTS = 40

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
    n_active: Tensor
    z: Tensor  # (pack, batch, kappa)


class Training:
    """A pack in training: advances in slices, keeps the curves, and knows which trials diverged."""

    def __init__(self, trials: Sequence[Trial], data: DataSet, device: torch.device) -> None:
        self.stack = stack = Stack(trials, data.d, device)
        self.settings = settings = trials[0].training
        self.step = 0
        self._train = torch.from_numpy(data.train).to(device, stack.dtype)
        self._beta = stack.column([trial.objective.beta for trial in trials])
        self._lr = stack.column([trial.training.lr for trial in trials])
        self._gamma_lr_ratio = stack.column([_gamma_lr(trial) / trial.training.lr for trial in trials])
        self._blow_up = stack.column([trial.training.blow_up for trial in trials])
        self._moments = torch.zeros_like(stack.numbers), torch.zeros_like(stack.numbers)
        seeds = list(dict.fromkeys(trial.seed for trial in trials))
        self._seed_of = torch.tensor([seeds.index(trial.seed) for trial in trials], device=device)
        batch = min(settings.batch, len(data.train))
        self._orders = [minibatches(seed, len(data.train), batch) for seed in seeds]
        self._noises = [noise(seed, batch, stack.kappa, stack.dtype) for seed in seeds]
        self.reason = torch.zeros(len(stack), dtype=torch.long, device=device)
        self.diverged_at = torch.full_like(self.reason, -1)
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

    def _take_step(self) -> None:
        numbers = self.stack.numbers.requires_grad_()
        batch = self._forward()
        gradient, slope_z = torch.autograd.grad(batch.objective.sum(), (numbers, batch.z))
        numbers.requires_grad_(False)
        norm = torch.linalg.vector_norm(gradient, dim=1)
        self._judge(batch.objective.detach(), norm)
        if self.step in self._logged:
            self._log(batch, norm, slope_z)
        self._adam(gradient)
        self.step += 1

    def _forward(self) -> Batch:
        """One stochastic pass over the next minibatch; the graph is kept for the gradient."""
        stack = self.stack
        rows = torch.stack([next(order) for order in self._orders]).to(stack.device)
        x = self._train[rows][self._seed_of]
        mu, log_var = stack.call("encode", x)
        eps = torch.stack([next(draws) for draws in self._noises]).to(stack.device)[self._seed_of]
        z = mu + (0.5 * log_var).exp() * eps
        distortion = squared_error(x, stack.call("decode", z)).mean(-1)
        rate = latent_rates(mu, log_var).sum(-1).mean(-1)
        progress = torch.tensor(self.step / self.settings.steps, dtype=stack.dtype, device=stack.device)
        gamma = gamma_at(stack.knobs, stack.log_gamma, distortion, stack.d, progress)
        active = (log_var.detach().exp().mean(1) < 0.5).sum(-1)
        return Batch(distortion, rate, gamma, objective(distortion, rate, gamma, self._beta, stack.d), active, z)

    def _judge(self, value: Tensor, norm: Tensor) -> None:
        """Note which trials diverge at this step, and why; the first reason stands."""
        if self.step == 0:
            self._limit = self._blow_up * (1 + value.abs())
        verdict = torch.where(value > self._limit, 3, 0)
        verdict = torch.where(norm.isfinite(), verdict, 2)
        verdict = torch.where(value.isfinite(), verdict, 1)
        fresh = (verdict > 0) & (self.reason == 0)
        self.reason = torch.where(fresh, verdict, self.reason)
        self.diverged_at = torch.where(fresh, self.step, self.diverged_at)

    def _adam(self, gradient: Tensor) -> None:
        """One step of Adam with each trial's learning rate; diverged trials stay where they are.

        Source: Kingma & Ba (2015), algorithm 1, in the order of operations of torch.optim.Adam.
        """
        settings, (first, second) = self.settings, self._moments
        beta1, beta2, t = settings.adam_beta1, settings.adam_beta2, self.step + 1
        alive = self.reason == 0
        first.lerp_(gradient, 1 - beta1)
        second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        scale = second.sqrt().div_((1 - beta2**t) ** 0.5).add_(settings.adam_epsilon)
        rate = self._lr * (self._decay() / (1 - beta1**t))
        update = first.div(scale).mul_(rate[:, None])
        update[:, -1] *= self._gamma_lr_ratio
        self.stack.numbers.sub_(torch.where(alive[:, None], update, 0))
        self.stack.log_gamma.copy_(project(self.stack.knobs, self.stack.log_gamma))

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
            "rate": batch.rate,
            "objective": batch.objective,
            "gamma": batch.gamma,
            "grad_z": grad_z,
            "grad_norm": norm,
            "n_active": batch.n_active,
        }
        self.curves.append((self.step, {name: value.detach() for name, value in point.items()}))


def _gamma_lr(trial: Trial) -> float:
    return getattr(trial.objective.gamma, "lr", None) or trial.training.lr


def _logged_steps(steps: int) -> frozenset[int]:
    """About `CURVE_POINTS` steps, denser at the start, the first and the last among them."""
    last = steps - 1
    return frozenset(round(last * (i / (CURVE_POINTS - 1)) ** 2) for i in range(CURVE_POINTS))
