"""How much faster a pack trains than its trials one after another, as ratios within one process.

    python -m benchmarks.packing

Both sides train the same trials for the same steps on one core. "alone" is a plain loop of one `nn.Module` and
`torch.optim.Adam`, without vmap; "stacked" is the pack of the platform, curves and divergence checks included.
"""

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from models.datasets import load
from models.objective import latent_rates, objective, squared_error
from models.specs import VAE, Digits, Learned, LinearSubspace, Objective, PlantedManifold, Training
from models.streams import minibatches, noise
from models.vae import build
from study.packed.train import Training as PackTraining
from study.trial import Trial

SHAPES = {
    "5-8-5": (
        LinearSubspace(d=5, eigenvalues=(2.0, 1.0), noise=0.1, n=256),
        VAE(kappa=2, encoder=(8,), decoder=(8,)),
        32,
    ),
    "20-64-64-8": (PlantedManifold(), VAE(kappa=8), 128),
    "64-64-64-16": (Digits(), VAE(kappa=16, skip="affine"), 128),
}
PACK = 32
STEPS = 300
LEAST = 5


def main() -> None:
    torch.set_num_threads(1)
    ratios = []
    print(f"{'network':14}{'alone ms/step':>15}{'stacked ms/step/trial':>24}{'ratio':>8}")
    for name, (data, model, batch) in SHAPES.items():
        training = Training(steps=STEPS, batch=batch)
        trials = [
            Trial(data=data, model=model, objective=Objective(gamma=Learned()), training=training, seed=seed)
            for seed in range(PACK)
        ]
        some = trials[:4]
        stack(trials[:2])  # warm up
        alone = seconds(lambda some=some: [train_alone(trial) for trial in some]) / len(some)
        stacked = seconds(lambda trials=trials: stack(trials)) / len(trials)
        print(f"{name:14}{1e3 * alone / STEPS:15.3f}{1e3 * stacked / STEPS:24.4f}{alone / stacked:8.1f}")
        ratios.append(alone / stacked)
    if ratios[0] < LEAST:
        sys.exit(f"a pack of {PACK} small networks should train at least {LEAST} times faster than one after another")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def stack(trials: Sequence[Trial]) -> None:
    PackTraining(trials, load(trials[0].data), torch.device("cpu")).advance(1e9)


def train_alone(trial: Trial) -> None:
    data, settings = load(trial.data), trial.training
    x_all = torch.from_numpy(data.train)
    network: Any = build(trial.model, data.d, trial.seed)
    log_gamma = torch.nn.Parameter(torch.zeros(()))
    optimiser = torch.optim.Adam([*network.parameters(), log_gamma], lr=settings.lr)
    order = minibatches(trial.seed, len(x_all), settings.batch)
    draws = noise(trial.seed, settings.batch, trial.model.kappa, torch.float32)
    for _ in range(settings.steps):
        x = x_all[next(order)]
        mu, log_var = network.encode(x)
        error = squared_error(x, network.decode(mu + (0.5 * log_var).exp() * next(draws))).mean()
        loss = objective(error, latent_rates(mu, log_var).sum(-1).mean(), log_gamma.exp(), 1.0, data.d)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


if __name__ == "__main__":
    main()
