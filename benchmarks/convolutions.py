"""Convolutional networks in packs: where a stack of them gains, and where they had better take turns.

    python -m benchmarks.convolutions [--device cuda] [--only 8-small,28-middle,...] [--sizes 1,2,4,8] [--span S]

Each network trains in packs of several sizes, carried in every way that there is: together (convolutions of the whole
stack at once, as groups of channels), by `torch.func.vmap` (which makes the same groups), and one by one inside the actor.
A number is the trials a minute of a pack divided by those of `benchmarks.plain_loop`, a plain loop of one module. The
last line of a network holds what `study.pack.cost` makes of it, which must lose no more than a fifth against the best that
was measured.
Pictures are random: no data are needed.
"""

import argparse
import math
import sys
from collections.abc import Sequence

import numpy as np
import torch

from benchmarks.machine import load_average, machine, sentence
from benchmarks.networks import Network
from benchmarks.options import add_training, parse, parser_of
from benchmarks.pace import Ways, fastest
from benchmarks.plain_loop import PlainLoop
from benchmarks.step_timer import StepTimer
from models.data.load import load
from models.loss.objective import latent_rates, misfit, objective, squared_error
from models.specs import Adam as AdamSpec
from models.specs import Fixed, Gamma, ImageVAE, OwnData, Training
from models.streams import Batches
from study.declare.trial import Trial
from study.pack.cost import CPU_CORE, GPU, largest_useful_pack
from study.train.stack.stack import Stack, Way
from study.train.step.adam import Adam
from study.train.step.optimiser import are_weights

WAYS: tuple[Way, ...] = ("together", "vmap", "one by one")
SIZES, SPAN_S, CLOSE = (1, 2, 4, 8), 0.3, 0.8


EXAMPLES = 1000


def random_pictures(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and test pictures of uniform noise, as rows."""
    rng = np.random.default_rng(0)
    return rng.random((EXAMPLES, side * side)), rng.random((100, side * side))


def _network(side: int, channels: Sequence[int], batch: int) -> Network:
    data = OwnData.of(random_pictures, d=side**2, n=EXAMPLES, image=(side, side), side=side)
    model = ImageVAE(kappa=16, channels=tuple(channels), log_var_scale=0.1)
    return Network(data, model, Training(steps=5000, batch=batch))


NETWORKS = {
    "8-small": _network(8, [8], 128),
    "8-middle": _network(8, [16, 32], 128),
    "28-small": _network(28, [8, 16], 128),
    "28-middle": _network(28, [16, 32], 128),
    "28-large": _network(28, [32, 64], 128),
    "64-middle": _network(64, [16, 32, 64, 64], 64),
}


class CarriedPack(StepTimer):
    """Trials of one network at γ = 0.1 in training, their stack carried in a given way; the same steps as the platform's."""

    def __init__(self, trials: Sequence[Trial], way: Way | None, device: str) -> None:
        super().__init__(trials[0].training)
        self.stack = stack = Stack(trials, _gammas(trials), torch.device(device), way)
        self._train = torch.from_numpy(load(trials[0].data).train).to(device)
        self._gradient = stack.trained_numbers.alike()
        pack, adam = slice(0, len(trials)), [AdamSpec()] * len(trials)
        self._adam = Adam(stack.trained_numbers, [(pack, self._gradient)], are_weights(stack), adam)
        self._gamma, self._lr = stack.column([0.1] * len(trials)), stack.column([1e-3] * len(trials))
        seeds = [trial.seed for trial in trials]
        self._batches = Batches(seeds, EXAMPLES, self._settings.batch, stack.kappa, stack.dtype, stack.device)

    def _take_step(self) -> None:
        stack, (rows, eps) = self.stack, next(self._batches)
        x = self._train[rows]
        mu, log_var = stack.encode(x)
        z = mu + (0.5 * log_var).exp() * eps
        distortion = squared_error(x, stack.decode(z)).mean(-1)
        rate = latent_rates(mu, log_var).sum(-1).mean(-1)
        loss = objective(misfit(distortion, self._gamma, stack.d), rate, 1.0)
        slopes = torch.autograd.grad(loss.sum(), stack.trained, materialize_grads=True)
        self._gradient.fill(slopes)
        self._adam.begin()
        with torch.no_grad():
            self._adam.move(self._adam.blocks[0], self._lr * self._decay(), torch.ones_like(self._lr))


def _gammas(trials: Sequence[Trial]) -> list[Gamma]:
    return [trial.objective.gamma for trial in trials]


def main() -> None:
    """Measure, print, and exit with status 1 where a goal is missed."""
    options = _options()
    torch.set_num_threads(1)
    print(sentence(machine(options.device)), flush=True)
    verdicts = [_measure(name, options.device, options.sizes, options.span) for name in options.only]
    print("", *verdicts, sep="\n")
    sys.exit(any(verdict.startswith("goal missed") for verdict in verdicts))


def _measure(name: str, device: str, sizes: Sequence[int], span_s: float) -> str:
    """Prints a network's lines; returns how what `--pack auto` chooses stands to the best."""
    network = NETWORKS[name]
    first = network.trial(Fixed(0.1), 1.0, 0)
    print(f"\n{name}: {describe(network)}, on {device}")
    print(f"  {'pack':>4}{'alone':>12}{''.join(f'{way:>14}' for way in WAYS)}{'load':>7}")
    gains: dict[tuple[int, str], float] = {}
    for size in sizes:
        trials = [network.trial(Fixed(0.1), 1.0, seed) for seed in range(size)]
        ways: Ways = {"alone": lambda: PlainLoop(first, device)}
        ways |= {way: lambda way=way, trials=trials: CarriedPack(trials, way, device) for way in WAYS}
        seconds = {way: pace.step_s if pace else math.inf for way, pace in fastest(ways, device, span_s).items()}
        gains |= {(size, way): size * seconds["alone"] / seconds[way] for way in WAYS}
        numbers = "".join(f"{gains[size, way]:>13.2f}×" for way in WAYS)
        print(f"  {size:>4}{1e3 * seconds['alone']:>9.1f} ms{numbers}{load_average():>7.1f}", flush=True)
    return _verdict(name, first, device, gains)


def _verdict(name: str, first: Trial, device: str, gains: dict[tuple[int, str], float]) -> str:
    wanted = largest_useful_pack(first, GPU if device.startswith("cuda") else CPU_CORE)
    size = max(n for n, _ in gains if n <= wanted)
    pack = [first] * size
    way = Stack(pack, _gammas(pack), torch.device(device)).way
    ratio = gains[size, way] / max(gains.values())
    verdict = "goal met" if ratio >= CLOSE else "goal missed"
    chosen = f"packs of {wanted}, {way}" + (f" (measured at {size})" if size != wanted else "")
    return f"{verdict}: {name}: {chosen}: {gains[size, way]:.2f}× of alone, {ratio:.2f} of the best (at least {CLOSE})"


def describe(network: Network) -> str:
    """A network in a few words."""
    model, data = network.model, network.data
    sides = "×".join(map(str, data.image or ()))
    channels = "-".join(map(str, model.channels if isinstance(model, ImageVAE) else ()))
    flops = 6e-9 * (model.products(data) or 0) * network.training.batch
    return f"{sides} pixels, channels {channels}, batch {network.training.batch}, {flops:.2g} Gflop a step"


def _options() -> argparse.Namespace:
    parser = parser_of("convolutions", __doc__)
    add_training(parser, NETWORKS, SIZES, SPAN_S)
    return parse(parser, "network", NETWORKS)


if __name__ == "__main__":
    main()
