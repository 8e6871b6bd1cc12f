"""The training core alone: one trial at a time, packs of 1 to 1024, and the same step written by hand.

    python -m benchmarks.core [--device cuda] [--only 5-8-5,planted,digits,mnist] [--sizes 1,4,16,64,256,1024]

It needs torch, pydantic and jaxtyping alone (and scikit-learn for the digits): no Ray, no MLflow, no records. Every way
trains real trials on one thread; a number is the fastest of several rounds, in which the ways that are compared take turns.
On a CPU it is the core's time, which other programs hardly change, on a GPU the clock's.
`alone` is a plain loop of one `nn.Module` with `torch.optim.Adam`; `packs` are trials of every γ mode from four seeds; `by
hand` is one batched-matmul step for a learned γ (`benchmarks.hand_written_step`), and `packs, learned` the platform's pack
of the very same trials. `a seed each` is a pack's worst case: no two trials share their random draws.
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch

from benchmarks.hand_written_step import HandWrittenStep
from benchmarks.machine import load_average, machine, sentence
from benchmarks.networks import NETWORKS, Network
from benchmarks.options import add_out, add_training, parse, parser_of, write_numbers
from benchmarks.plain_loop import PlainLoop
from models.data.load import load
from models.data_folders import DataError
from models.specs import MNIST, VAE, Learned
from study.declare.trial import Trial
from study.train.stack.build import build_stack
from study.train.step.loop import Training

SIZES = (1, 4, 16, 64, 256, 1024)
HAND_SIZE, MANY_SEEDS = 64, 256
"""Pack sizes at which the stack meets the hand-written step, and a pack without common draws is trained."""

ROUNDS, SPAN_S, LONGEST_STEP_S = 3, 0.5, 2.0
GOAL_BY_HAND = 0.7

Line = dict[str, Any]


class Trainer(Protocol):
    """Anything that trains: `advance` takes about so many seconds and returns the steps taken."""

    @property
    def done(self) -> bool:
        """Whether every step is taken."""
        ...

    def advance(self, seconds: float) -> int:
        """Train for about `seconds`; returns the steps taken."""
        ...


Ways = Mapping[str, Callable[[], Trainer]]


def main() -> None:
    """Measure, print, and exit with status 1 where a goal is missed."""
    options = _options()
    torch.set_num_threads(1)
    facts = machine(options.device)
    print(sentence(facts), flush=True)
    lines = measure(options.only, options.device, options.sizes, options.span)
    write_numbers(options.out, f"core-{options.device.split(':')[0]}", {"machine": facts, "core": lines})
    verdicts = judge(lines)
    print("", *verdicts, sep="\n")
    sys.exit(any("goal missed" in verdict for verdict in verdicts))


def measure(names: Sequence[str], device: str, sizes: Sequence[int] = SIZES, span_s: float = SPAN_S) -> list[Line]:
    """A line for each network and way, printed as they come. A network without data is left out, with a sentence."""
    lines = []
    for name in names:
        print(f"\n{name}: {describe(NETWORKS[name])}, on {device}")
        try:
            _require_data(NETWORKS[name])
        except DataError as fault:
            print(f"  left out: {fault}")
            continue
        print(f"  {'way':24}{'pack':>6}{'ms a step':>12}{'trials/min':>13}{'÷ alone':>10}{'load':>7}")
        for line in _sweep(name, device, sizes, span_s):
            print(_row(line), flush=True)
            lines.append(line)
    return lines


def judge(lines: Sequence[Line]) -> list[str]:
    """How the stack stands to the hand-written step, a sentence a network."""
    speeds = {(line["network"], line["way"]): line["trials_per_minute"] for line in lines}
    found = []
    for network in dict.fromkeys(line["network"] for line in lines):
        stack, hand = speeds.get((network, "packs, learned")), speeds.get((network, "by hand"))
        if stack and hand:
            verdict = "goal met" if stack / hand >= GOAL_BY_HAND else "goal missed"
            goal = f"at least {GOAL_BY_HAND}"
            found.append(f"{verdict}: {network}: a pack runs at {stack / hand:.2f} of the hand-written step ({goal})")
    return found


def describe(network: Network) -> str:
    """A network in a few words."""
    model, d = network.model, network.data.d
    assert isinstance(model, VAE)
    shape = "-".join(str(n) for n in (d, *model.encoder, model.kappa, *model.decoder, d))
    skip = "" if model.skip == "none" else f", {model.skip} skip"
    return f"{shape}{skip}, batch {network.training.batch}, {network.training.steps} steps a trial"


def _require_data(network: Network) -> None:
    """Raises: DataError. A benchmark downloads nothing."""
    if isinstance(network.data, MNIST) and not os.environ.get("COLLAPSAR_DATA"):
        raise DataError("COLLAPSAR_DATA names no folder that holds MNIST")
    load(network.data)


def _sweep(name: str, device: str, sizes: Sequence[int], span_s: float) -> Iterator[Line]:
    """Measure a network, one pack size after another."""
    network = NETWORKS[name]
    for warm in (_stack(network.trials(2), device), PlainLoop(network.trials(1)[0], device)):
        warm.advance(0.2)  # what a process pays once, whatever it trains
    alone_s = trial_s = 0.0
    for size, ways in _questions(network, sizes, device):
        seconds = dict.fromkeys(ways) if size * trial_s > LONGEST_STEP_S else fastest(ways, device, span_s)
        for way, step_s in seconds.items():
            alone_s = alone_s or step_s or 0.0
            trial_s = step_s / size if step_s else trial_s
            yield _line(name, way, size, step_s, alone_s)


def _questions(network: Network, sizes: Sequence[int], device: str) -> Iterator[tuple[int, Ways]]:
    """Pack sizes, and what is measured side by side at each."""
    yield 1, {"alone": lambda: PlainLoop(network.trials(1)[0], device)}
    for size in sizes:
        yield size, {"packs": lambda n=size: _stack(network.trials(n), device)}
    many = min(MANY_SEEDS, sizes[-1])
    yield many, {"packs, a seed each": lambda: _stack(network.trials(many, seeds=many), device)}
    same = network.trials(min(HAND_SIZE, sizes[-1]), (Learned(),))
    yield len(same), {"packs, learned": lambda: _stack(same, device), "by hand": lambda: HandWrittenStep(same, device)}


def _stack(trials: list[Trial], device: str) -> Training:
    stack, inputs = build_stack(trials, load(trials[0].data), torch.device(device))
    return Training(stack, trials, inputs)


def fastest(ways: Ways, device: str, span_s: float) -> dict[str, float | None]:
    """Seconds a step of each way: the least over rounds in which the ways take turns; None where memory is too small."""
    clock = time.perf_counter if device.startswith("cuda") else time.process_time
    best: dict[str, float | None] = dict.fromkeys(ways, math.inf)
    trainers: dict[str, Trainer] = {}
    try:
        for way, make in list(ways.items()) * ROUNDS:
            if way not in trainers or trainers[way].done:
                trainers[way] = make()
                trainers[way].advance(1e-5)  # one step: allocations, and whatever is prepared once
            _synchronise(device)
            start = clock()
            steps = trainers[way].advance(span_s)
            _synchronise(device)
            best[way] = min(best[way] or math.inf, (clock() - start) / steps if steps else math.inf)
    except (torch.OutOfMemoryError, MemoryError):
        torch.cuda.empty_cache()
        return dict.fromkeys(ways)
    return best


def _synchronise(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def _line(name: str, way: str, pack: int, step_s: float | None, alone_s: float) -> Line:
    known = step_s is not None
    return {
        "network": name,
        "way": way,
        "pack": pack,
        "step_ms": 1e3 * step_s if known else None,
        "trials_per_minute": 60 * pack / (step_s * NETWORKS[name].training.steps) if known else None,
        "times_alone": pack * alone_s / step_s if known else None,
        "load": load_average(),
    }


def _row(line: Line) -> str:
    head = f"  {line['way']:24}{line['pack']:>6}"
    if line["step_ms"] is None:
        return f"{head}   left out: a step takes longer than {LONGEST_STEP_S:g} s here, or does not fit the memory"
    numbers = f"{line['step_ms']:12.3f}{line['trials_per_minute']:13,.0f}{line['times_alone']:10.1f}"
    return f"{head}{numbers}{line['load']:7.1f}"


def _options() -> argparse.Namespace:
    parser = parser_of("core", __doc__)
    add_training(parser, NETWORKS, SIZES, SPAN_S)
    add_out(parser, default=None)
    return parse(parser, "network", NETWORKS)


if __name__ == "__main__":
    main()
