"""The reference: one `nn.Module` trained by a plain loop with `torch.optim.Adam`. No vmap, no stack."""

import math
from dataclasses import dataclass
from typing import Any

import torch

from models.data.load import load
from models.networks.build import build
from models.specs import Annealed, Fixed, Learned, Optimal, Refit
from models.streams import minibatches, noise, stream
from study.declare.trial import Trial


@dataclass
class Reference:
    """What the plain loop ends with, measured on the training set with the noise that the record is measured with."""

    distortion: float
    distortion_of_mean: float
    rate: float
    gamma: float
    n_active: int


def train_alone(trial: Trial) -> Reference:
    data, settings, spec = load(trial.data), trial.training, trial.objective.gamma
    x_all, y_all = torch.from_numpy(data.train), torch.from_numpy(data.train_y)
    network: Any = build(trial.model, trial.data, trial.seed)
    log_gamma = torch.nn.Parameter(torch.tensor(math.log(spec.init if isinstance(spec, Learned) else 1.0)))
    gamma_lr = (spec.lr if isinstance(spec, Learned) else None) or settings.lr
    groups = [{"params": network.parameters()}, {"params": [log_gamma], "lr": gamma_lr}]
    optimiser = torch.optim.Adam(groups, lr=settings.lr)
    rates = [group["lr"] for group in optimiser.param_groups]
    batch = min(settings.batch, len(x_all))
    order = minibatches(trial.seed, len(x_all), batch)
    draws = noise(trial.seed, batch, trial.model.kappa, torch.float32)
    for step in range(settings.steps):
        late = max(0.0, (step / settings.steps - settings.decay_from) / (1 - settings.decay_from))
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * (1 - (1 - settings.decay_to) * late)
        rows = next(order)
        x, y = x_all[rows], y_all[rows]
        mu, log_var = network.encode(x)
        y_hat = network.decode(mu + (0.5 * log_var).exp() * next(draws))
        distortion = ((y - y_hat) ** 2).sum(1).mean()
        of_means, of_variances = trial.objective.mean_weight, trial.objective.variance_weight
        rate = 0.5 * (of_means * mu**2 + of_variances * (log_var.exp() - 1 - log_var)).sum(1).mean()
        gamma = _gamma(spec, log_gamma, distortion, data.d, step / settings.steps)
        loss = distortion / (2 * gamma) + data.d / 2 * torch.log(gamma) + trial.objective.beta * rate
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return _measured(network, x_all, y_all, trial, log_gamma)


def _gamma(spec, log_gamma, distortion, d, progress):
    match spec:
        case Fixed():
            return torch.tensor(spec.value)
        case Annealed():
            return torch.tensor(spec.start * (spec.end / spec.start) ** min(1.0, progress / spec.over))
        case Optimal():
            return distortion / d  # differentiated through, unlike in the stack: the gradient must be the same
        case Learned():
            return log_gamma.exp()
        case Refit():
            raise ValueError("a refit is carried out as a fixed γ")
        case _:
            raise ValueError("a plain loop has one γ: other likelihoods have loops of their own")


def _measured(network, x, y, trial, log_gamma) -> Reference:
    spec, draws = trial.objective.gamma, stream(trial.seed, "train")
    blocks = [torch.randn(128, trial.model.kappa, generator=draws) for _ in range(0, len(x), 128)]
    with torch.no_grad():
        mu, log_var = network.encode(x)
        z = mu + (0.5 * log_var).exp() * torch.cat(blocks)[: len(x)]
        distortion, of_mean = (float(((y - network.decode(point)) ** 2).sum(1).mean()) for point in (z, mu))
        rate = float(0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1).mean())
        active = int((log_var.exp().mean(0) < 0.5).sum())
        gamma = float(_gamma(spec, log_gamma, torch.tensor(distortion), y.shape[1], 1.0))
    return Reference(distortion, of_mean, rate, gamma, active)
