"""A pack's step written by hand for one network and one γ mode: the upper bound of what a general stack can reach.

Batched matrix products (`torch.baddbmm`) and γ learned, and nothing else: no curves, no check for divergence, no other γ
mode, no module of a user's own. It draws the same minibatches and noise as the pack, shares its Adam, and takes the same
steps.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from benchmarks.step_timer import StepTimer
from models.data.load import load
from models.loss.objective import latent_rates, misfit, objective, squared_error
from models.networks.build import build
from models.specs import VAE, Learned
from models.specs import Adam as AdamSpec
from models.streams import Batches
from study.declare.trial import Trial
from study.train.step.adam import Adam

_ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu}


class HandWrittenStep(StepTimer):
    """Trials of one fully connected VAE (skip none or affine) with a learned γ, in training."""

    def __init__(self, trials: Sequence[Trial], device: str = "cpu") -> None:
        first, data = trials[0], load(trials[0].data)
        super().__init__(first.training)
        assert isinstance(first.model, VAE)
        assert first.model.skip in ("none", "affine")
        assert all(isinstance(trial.objective.gamma, Learned) for trial in trials)
        self._model, self._d = first.model, data.d
        self._act = _ACTIVATIONS[first.model.activation]
        networks = [dict(build(trial.model, trial.data, trial.seed).named_parameters()) for trial in trials]
        start = {name: torch.stack([_transpose(network[name]) for network in networks]) for name in networks[0]}
        start["log_gamma"] = torch.tensor([trial.objective.gamma.start or 1.0 for trial in trials]).log()[:, None]
        self.numbers = torch.cat([value.flatten(1) for value in start.values()], dim=1).to(device)
        columns = self.numbers.split([value[0].numel() for value in start.values()], dim=1)
        self._leaves = {
            name: column.view(value.shape).requires_grad_()
            for (name, value), column in zip(start.items(), columns, strict=True)
        }
        self._adam = Adam(self.numbers, [AdamSpec()] * len(trials))
        self._lr = torch.tensor([trial.training.lr for trial in trials], device=device)
        self._beta = torch.tensor([trial.objective.beta for trial in trials], device=device)
        self._train = torch.from_numpy(data.train).to(device)
        seeds = list(dict.fromkeys(trial.seed for trial in trials))
        self._seed_of = torch.tensor([seeds.index(trial.seed) for trial in trials], device=device)
        self._batches = Batches(
            seeds, len(data.train), self._settings.batch, first.model.kappa, torch.float32, torch.device(device)
        )

    def _take_step(self) -> None:
        rows, eps = next(self._batches)
        x, eps = self._train[rows[self._seed_of]], eps[self._seed_of]
        gradients = torch.autograd.grad(self._objective(x, eps).sum(), list(self._leaves.values()))
        gradient = torch.cat([gradient.flatten(1) for gradient in gradients], dim=1)
        self._adam.step(gradient, self._lr * self._decay(), torch.ones_like(self._lr))

    def _objective(self, x: Tensor, eps: Tensor) -> Tensor:
        """J of each trial, shape (pack,)."""
        h = x
        for i in range(len(self._model.encoder)):
            h = self._act(self._linear(f"encoder.{i}", h))
        mu, log_var = self._linear("mu", h), self._linear("log_var", h)
        if self._model.log_var_range:
            log_var = log_var.clamp(*self._model.log_var_range)
        z = h = mu + (0.5 * log_var).exp() * eps
        for i in range(len(self._model.decoder)):
            h = self._act(self._linear(f"decoder.{i}", h))
        mean = self._linear(f"decoder.{len(self._model.decoder)}", h)
        if self._model.skip == "affine":
            mean = mean + torch.bmm(z, self._leaves["affine.weight"])
        gamma = self._leaves["log_gamma"][:, 0].exp()
        rate = latent_rates(mu, log_var).sum(-1).mean(-1)
        return objective(misfit(squared_error(x, mean).mean(-1), gamma, self._d), rate, self._beta)

    def _linear(self, name: str, inputs: Tensor) -> Tensor:
        return torch.baddbmm(self._leaves[f"{name}.bias"][:, None], inputs, self._leaves[f"{name}.weight"])


def _transpose(parameter: Tensor) -> Tensor:
    """A weight as (inputs, outputs), which is how its gradient comes out of a batched product."""
    return parameter.detach().mT if parameter.dim() == 2 else parameter.detach()
