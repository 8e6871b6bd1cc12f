"""What checkpoints cost: bytes and seconds of one, seconds to go on from it, and their share of the training time.

    python -m benchmarks.checkpoints [--only digits,28-large] [--device cuda] [--home DIR|URI]

Packs are as large as `--pack auto` makes them at most. The share is what the rule of `study.run.checkpointing` costs in
a training of an hour: it must be no more than two per cent.
"""

import argparse
import sys
import tempfile
import time

import torch

from benchmarks.convolutions import NETWORKS as PICTURES
from benchmarks.machine import load_average, machine, sentence
from benchmarks.networks import NETWORKS as MATRICES
from benchmarks.options import parse, parser_of
from study.pack.cost import CPU_CORE, GPU, largest_useful_pack
from study.pack.pack import make_pack
from study.record import Home
from study.run.checkpointing import EVERY_S, TIMES_ITS_COST, Checkpointer
from study.train.pack_run import PackRun

NETWORKS = MATRICES | PICTURES
MEASURED = ["digits", "28-large"]
HOUR_S, SHARE = 3600.0, 0.02


def main() -> None:
    """Measure, print, and exit with status 1 where a goal is missed."""
    options = _options()
    torch.set_num_threads(1)
    print(sentence(machine(options.device)), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        verdicts = [_measure(name, options.device, Home(options.home or folder)) for name in options.only]
    print(*verdicts, sep="\n")
    sys.exit(any(verdict.startswith("goal missed") for verdict in verdicts))


def _measure(name: str, device: str, home: Home) -> str:
    """Prints a pack's line; returns how its share of the time stands to the goal."""
    first = NETWORKS[name].trials(1)[0]
    size = largest_useful_pack(first, GPU if device.startswith("cuda") else CPU_CORE)
    pack = make_pack(NETWORKS[name].trials(size), {})
    run, checkpointer = PackRun(pack, device, home), Checkpointer(home, pack, device)
    run.advance(1.0)
    checkpointer.write(run)
    (file,) = home.stored("checkpoints")
    again, start = PackRun(pack, device, home), time.perf_counter()
    step = checkpointer.restore(again)
    resumed_s = time.perf_counter() - start
    checkpointer.drop()
    written_s = checkpointer.last_s
    share = _share(written_s)
    print(
        f"{name}: {size} trials of {run.training.stack.parameters:,} weights: {file.size / 1e6:.1f} MB, "
        f"written in {written_s:.2f} s, resumed at step {step} in {resumed_s:.2f} s (load {load_average():.1f})",
        flush=True,
    )
    return (
        f"goal {'met' if share <= SHARE else 'missed'}: {name}: {share:.2%} of an hour's training (at most {SHARE:.0%})"
    )


def _share(written_s: float) -> float:
    """The part of an hour that checkpoints of so many seconds take."""
    now, spent = EVERY_S, 0.0
    while now < HOUR_S:
        spent += written_s
        now += written_s + max(EVERY_S, TIMES_ITS_COST * written_s)
    return spent / HOUR_S


def _options() -> argparse.Namespace:
    parser = parser_of("checkpoints", __doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", type=lambda text: text.split(","), default=MEASURED, metavar="NETWORK,…")
    parser.add_argument("--home", help="where checkpoints are written, instead of a temporary folder")
    return parse(parser, "network", NETWORKS)


if __name__ == "__main__":
    main()
