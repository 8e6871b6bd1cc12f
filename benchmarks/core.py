"""The training core alone: one trial at a time, packs of 1 to 1024, and the same trials in JAX.

    python -m benchmarks.core [--device cuda] [--only 5-8-5,planted,digits,mnist] [--sizes 1,4,16,64,256,1024]

It needs torch, pydantic and jaxtyping alone (and scikit-learn for the digits): no Ray, no MLflow, no records. Every way
trains real trials on one thread; a number is the fastest of several rounds, in which the ways that are compared take turns.
On a CPU it is the core's time, which other programs hardly change, on a GPU the clock's.
`alone` is a plain loop of one `nn.Module` with `torch.optim.Adam`; `packs` are trials of every γ mode from four seeds. `a
seed each` is a pack's worst case: no two trials share their random draws. Then the very same trials, with a learned γ:
`packs, learned` are the platform's, whose slopes are written by hand, `by autograd` the same packs with torch's, and `JAX`
what a user of JAX would write (`benchmarks.jax_pack`). `with start` are the trials a minute of one pack that also pays for
what comes before its first step, such as compiling; `of limit` is the share of the step that its matrix products alone
would take (`benchmarks.limit`).
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import torch

from benchmarks.limit import Limit, limit_of
from benchmarks.machine import load_average, machine, sentence
from benchmarks.networks import NETWORKS, Network
from benchmarks.options import add_out, add_training, parse, parser_of, write_numbers
from benchmarks.pace import Pace, Trainer, Ways, fastest
from benchmarks.plain_loop import PlainLoop
from benchmarks.standing import AUTOGRAD, JAX, PACKS, SHARE, SPEED, WITH_START, as_text, cells, judge
from models.data.load import load
from models.data_folders import DataError
from models.specs import MNIST, VAE, Learned
from study.declare.trial import Trial
from study.train.stack.build import build_stack
from study.train.step.loop import Training
from study.train.step.passes import Way

SIZES = (1, 4, 16, 64, 256, 1024)
PEER_SIZES, MANY_SEEDS = {"5-8-5": (16, 64, 256), "mnist": (16,)}, 256
"""Pack sizes at which the stack meets its peers, where they are not these; and a pack without common draws."""

SPAN_S, LONGEST_STEP_S = 0.5, 2.0

Line = dict[str, Any]


def main() -> None:
    """Measure, print, and exit with status 1 where a goal is missed."""
    options = _options()
    torch.set_num_threads(1)
    facts = machine(options.device)
    print(sentence(facts), flush=True)
    lines = measure(options.only, options.device, options.sizes, options.span)
    write_numbers(options.out, f"core-{options.device.split(':')[0]}", {"machine": facts, "core": lines})
    verdicts = judge(lines)
    print("", as_text(cells(lines)), "", *verdicts, sep="\n")
    sys.exit(any("goal missed" in verdict for verdict in verdicts))


def measure(names: Sequence[str], device: str, sizes: Sequence[int] = SIZES, span_s: float = SPAN_S) -> list[Line]:
    """A line for each network and way, printed as they come. A network without data is left out, with a sentence."""
    if why := no_jax(device):
        print(why)
    lines = []
    for name in names:
        print(f"\n{name}: {describe(NETWORKS[name])}, on {device}")
        try:
            _require_data(NETWORKS[name])
        except DataError as fault:
            print(f"  left out: {fault}")
            continue
        limit = limit_of(NETWORKS[name], device)
        print(
            f"  GFLOP/s: {limit.batched_gflops:.1f} of its layers in batches, {limit.large_gflops:.1f} of large matrices"
        )
        head = f"{'ms a step':>12}{'trials/min':>13}{'with start':>12}{'÷ alone':>10}{'of limit':>10}{'load':>7}"
        print(f"  {'way':24}{'pack':>6}{head}")
        for line in _sweep(name, device, sizes, span_s, limit):
            print(_row(line), flush=True)
            lines.append(line)
    return lines


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


def no_jax(device: str) -> str | None:
    """Why JAX cannot be compared, in a sentence; None where it can."""
    if device != "cpu":
        return "The lines of JAX are missing: benchmarks.jax_pack trains on a CPU."
    if find_spec("jax") is None:
        return "The lines of JAX are missing: it is not installed. Install it with: pip install '.[bench]'"
    return None


def _sweep(name: str, device: str, sizes: Sequence[int], span_s: float, limit: Limit) -> Iterator[Line]:
    """Measure a network, one pack size after another."""
    network = NETWORKS[name]
    peers = {"packs": lambda: _stack(network.trials(2), device), **_peers(network.trials(1, (Learned(),)), device)}
    for make in (*peers.values(), lambda: PlainLoop(network.trials(1)[0], device)):
        make().advance(0.2)  # what a process pays once, whatever it trains
    alone_s = trial_s = 0.0
    for size, ways in _questions(name, sizes, device):
        paces = dict.fromkeys(ways) if size * trial_s > LONGEST_STEP_S else fastest(ways, device, span_s)
        for way, pace in paces.items():
            alone_s = alone_s or (pace.step_s if pace else 0.0)
            trial_s = pace.step_s / size if pace else trial_s
            yield _line(name, way, size, pace, alone_s, limit)


def _questions(name: str, sizes: Sequence[int], device: str) -> Iterator[tuple[int, Ways]]:
    """Pack sizes, and what is measured side by side at each."""
    network = NETWORKS[name]
    yield 1, {"alone": lambda: PlainLoop(network.trials(1)[0], device)}
    for size in sizes:
        yield size, {"packs": lambda n=size: _stack(network.trials(n), device)}
    many = min(MANY_SEEDS, sizes[-1])
    yield many, {"packs, a seed each": lambda: _stack(network.trials(many, seeds=many), device)}
    for size in sorted({min(size, sizes[-1]) for size in PEER_SIZES.get(name, (16, 64))}):
        yield size, _peers(network.trials(size, (Learned(),)), device)


def _peers(trials: list[Trial], device: str) -> Ways:
    """The ways that train trials with a learned γ."""
    ways: dict[str, Callable[[], Trainer]] = {PACKS: lambda: _stack(trials, device)}
    ways[AUTOGRAD] = lambda: _stack(trials, device, "by autograd")
    if not no_jax(device):
        from benchmarks.jax_pack import JaxPack

        ways[JAX] = lambda: JaxPack(trials)
    return ways


def _stack(trials: list[Trial], device: str, way: Way | None = None) -> Training:
    stack, inputs = build_stack(trials, load(trials[0].data), torch.device(device))
    return Training(stack, trials, inputs, way)


def _line(name: str, way: str, pack: int, pace: Pace | None, alone_s: float, limit: Limit) -> Line:
    line: Line = {"network": name, "way": way, "pack": pack, "load": load_average()}
    line |= {"batched_gflops": limit.batched_gflops, "large_gflops": limit.large_gflops}
    numbers = ("step_ms", "start_s", SPEED, WITH_START, "times_alone", SHARE)
    if pace is None:
        return line | dict.fromkeys(numbers)
    whole_s = pace.step_s * NETWORKS[name].training.steps
    speeds = (60 * pack / whole_s, 60 * pack / (pace.start_s + whole_s))
    ratios = (pack * alone_s / pace.step_s, limit.share(pack, pace.step_s))
    return line | dict(zip(numbers, (1e3 * pace.step_s, pace.start_s, *speeds, *ratios), strict=True))


def _row(line: Line) -> str:
    head = f"  {line['way']:24}{line['pack']:>6}"
    if line["step_ms"] is None:
        return f"{head}   left out: a step takes longer than {LONGEST_STEP_S:g} s here, or does not fit the memory"
    numbers = f"{line['step_ms']:12.3f}{line[SPEED]:13,.0f}{line[WITH_START]:12,.0f}{line['times_alone']:10.1f}"
    return f"{head}{numbers}{line[SHARE]:10.2f}{line['load']:7.1f}"


def _options() -> argparse.Namespace:
    parser = parser_of("core", __doc__)
    add_training(parser, NETWORKS, SIZES, SPAN_S)
    add_out(parser, default=None)
    return parse(parser, "network", NETWORKS)


if __name__ == "__main__":
    main()
