"""The reference for declared training: one `nn.Module` in float64, torch's own optimiser, scheduler and clipping."""

import warnings
from collections.abc import Callable
from itertools import islice
from typing import Any

import torch
from torch.optim import lr_scheduler as torch_schedulers

from models.data.load import load
from models.networks.build import build
from models.specs import optimisers, schedules
from models.streams import minibatches, noise
from study import Learned, Trial

Watch = Callable[[int, Any, torch.Tensor], bool]


def train_with_torch(
    trial: Trial, kept: torch.Tensor | None = None, stops: Watch | None = None
) -> dict[str, torch.Tensor]:
    """The trained parameters by name, log γ among them.

    `kept` are the training rows that minibatches are drawn from; `stops(step, network, log γ)` says before each step whether
    the training ends there.
    """
    data, settings, spec = load(trial.data), trial.training, trial.objective.gamma
    assert isinstance(spec, Learned)
    x_all = torch.from_numpy(data.train).double()
    x_all = x_all if kept is None else x_all[kept]
    network: Any = build(trial.model, trial.data, trial.seed).double()
    log_gamma = torch.nn.Parameter(torch.tensor(spec.init, dtype=torch.float64).log())
    optimiser = torch_optimiser(trial, network, log_gamma)
    scheduler = torch_scheduler(trial, optimiser)
    batch = min(settings.batch, len(x_all))
    draws = noise(trial.seed, batch, trial.model.kappa, torch.float64)
    for step, rows in enumerate(islice(minibatches(trial.seed, len(x_all), batch), settings.steps)):
        if stops and stops(step, network, log_gamma):
            break
        x = x_all[rows]
        mu, log_var = network.encode(x)
        error = ((x - network.decode(mu + (0.5 * log_var).exp() * next(draws))) ** 2).sum(1).mean()
        of_means, of_variances = trial.objective.mean_weight, trial.objective.variance_weight
        rate = 0.5 * (of_means * mu**2 + of_variances * (log_var.exp() - 1 - log_var)).sum(1).mean()
        optimiser.zero_grad()
        (error / (2 * log_gamma.exp()) + data.d / 2 * log_gamma + trial.objective.beta * rate).backward()
        if settings.clip:
            torch.nn.utils.clip_grad_norm_([*network.parameters(), log_gamma], settings.clip)
        if settings.clip_value:
            torch.nn.utils.clip_grad_value_([*network.parameters(), log_gamma], settings.clip_value)
        optimiser.step()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own, of its SequentialLR
            scheduler.step()
    return {name: each.detach() for name, each in network.named_parameters()} | {"log_gamma": log_gamma.detach()}


def torch_optimiser(trial: Trial, network: Any, log_gamma: torch.nn.Parameter) -> torch.optim.Optimizer:
    """torch's optimiser of what a trial declares; log γ is in a group of its own, which does not decay."""
    settings, declared = trial.training, trial.training.optimiser_in_force
    gamma_lr = trial.objective.gamma.lr or settings.lr  # pyright: ignore[reportAttributeAccessIssue]
    still: dict[str, Any] = {"params": [log_gamma], "lr": gamma_lr}
    groups = [{"params": network.parameters()}, still | {"weight_decay": 0.0}]
    match declared:
        case optimisers.Adam() | optimisers.AdamW():
            kind = torch.optim.AdamW if isinstance(declared, optimisers.AdamW) else torch.optim.Adam
            betas = (declared.beta1, declared.beta2)
            return kind(groups, settings.lr, betas, declared.epsilon, declared.weight_decay)
        case optimisers.SGD():
            keep, nesterov = declared.momentum, declared.nesterov
            return torch.optim.SGD(groups, settings.lr, keep, 0.0, declared.weight_decay, nesterov)
        case optimisers.RMSprop():
            numbers = (declared.alpha, declared.epsilon, declared.weight_decay, declared.momentum, declared.centred)
            return torch.optim.RMSprop(groups, settings.lr, *numbers)
        case optimisers.Rprop():
            sizes = (declared.least * settings.lr, declared.most * settings.lr)
            parameters = [*network.parameters(), log_gamma]
            return torch.optim.Rprop(parameters, settings.lr, (declared.shrink, declared.grow), sizes)


def torch_scheduler(trial: Trial, optimiser: torch.optim.Optimizer) -> torch_schedulers.LRScheduler:
    """torch's scheduler of what a trial declares; it is stepped after every step."""
    settings, declared = trial.training, trial.training.schedule_in_force
    if isinstance(declared, schedules.OneCycle):
        low, high = declared.momentum or (0.0, 0.0)
        cycles: Any = {"base_momentum": low, "max_momentum": high} if declared.momentum else {}
        return torch_schedulers.OneCycleLR(
            optimiser,
            [group["lr"] for group in optimiser.param_groups],
            total_steps=settings.steps,
            pct_start=declared.peak,
            anneal_strategy=declared.anneal,
            div_factor=1 / declared.start,
            final_div_factor=declared.start / declared.end,
            cycle_momentum=bool(cycles),
            **cycles,
        )
    rise = round(declared.warm_up * settings.steps)
    parts, ends = [], []
    if rise:
        parts.append(torch_schedulers.LinearLR(optimiser, declared.start, total_iters=rise))
        ends.append(rise)
    if isinstance(declared, schedules.Linear) and (flat := round(declared.after * settings.steps) - rise) > 0:
        parts.append(torch_schedulers.ConstantLR(optimiser, 1.0))
        ends.append(rise + flat)
    parts.append(_after_the_warm_up(declared, optimiser, settings.steps, ends[-1] if ends else 0, settings.lr))
    return torch_schedulers.SequentialLR(optimiser, parts, ends) if ends else parts[0]


def _after_the_warm_up(
    declared: schedules.Schedule, optimiser: Any, steps: int, begun: int, lr: float
) -> torch_schedulers.LRScheduler:
    match declared:
        case schedules.Cosine():
            return torch_schedulers.CosineAnnealingLR(optimiser, steps - begun, declared.end * lr)
        case schedules.Linear() if round(declared.until * steps) > begun:
            return torch_schedulers.LinearLR(optimiser, 1.0, declared.end, round(declared.until * steps) - begun)
        case schedules.Steps():
            milestones = [round(at * steps) - begun for at in declared.at]
            return torch_schedulers.MultiStepLR(optimiser, milestones, declared.factor)
        case _:
            return torch_schedulers.ConstantLR(optimiser, 1.0)
