"""What the platform costs as a study grows: trials whose training is left out, everything else as in any launch.

    python -m benchmarks.scale [--trials 1000,10000,100000] [--mirror 10000] [--out FOLDER]

Each size runs in a process and a home of its own: the table is declared and planned, Ray Tune schedules packs of 64, workers
commit made-up records (`benchmarks/training_stub.py`), a second launch finds nothing to do, and the analysis loads and
tabulates what is there. Memory is what the driver holds more after training than before it planned. Up to `--mirror`
trials are then mirrored into MLflow, and the seconds of it stand beside. Starting Ray is shown separately; it does not
grow with the trials.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.launch_start import Stopwatch
from benchmarks.machine import load_average, machine, sentence
from benchmarks.options import add_out, parser_of, write_numbers
from benchmarks.packing import ROOT, create_database
from models.specs import VAE, Fixed, LinearSubspace, Objective, Training
from study.declare.table import Study, study
from study.declare.trial import Trial
from study.launch.progress_bar import ProgressBar
from study.pack.cost import CPU_CORE
from study.pack.pack import make_packs
from study.plan.launch_plan import LaunchPlan
from study.plan.plan import make_plan, write_plan
from study.record import Home

PACK = 64
SHAPES = [2, 3, 4, 8]
GAMMAS = [Fixed(round(0.1 * i, 1)) for i in range(1, 6)]
PARTS = {
    "planning": "declaring and planning",
    "training": "Ray Tune, packs and commits",
    "again": "a second launch: nothing missing",
    "analysis": "loading and tabulating",
    "mirror": "the MLflow mirror",
}
GOALS = {"platform_ms": 15.0, "mirror_ms": 40.0, "bytes": 10_000, "planning_s": 10.0, "again_s": 15.0, "flat": 0.2}
"""Ms a trial at 10,000 without the mirror, ms a run of the mirror, the driver's bytes a further trial, seconds to plan
100,000 and to find them done, and by how much a further trial may cost more beyond 10,000 than below."""


def table(trials: int) -> Study:
    """A study of so many trials, a multiple of twenty."""

    @study(kappa=SHAPES, gamma=GAMMAS, seed=range(trials // (len(SHAPES) * len(GAMMAS))))
    def grown(kappa: int, gamma: Fixed, seed: int) -> Trial:
        """What does a trial cost that is not trained?"""
        return Trial(
            data=LinearSubspace(d=5, n=64, n_test=64),
            model=VAE(kappa=kappa, encoder=(8,), decoder=(8,)),
            objective=Objective(gamma=gamma),
            training=Training(steps=100, batch=32),
            seed=seed,
        )

    return grown


def main() -> None:
    """Measure, print, and exit with status 1 where a goal is missed."""
    options = _options()
    if options.one:
        print(json.dumps(measure(options.one, options.mirror)))
        return
    facts = machine()
    print(sentence(facts), flush=True)
    found = []
    for trials in options.trials:
        command = [sys.executable, "-m", "benchmarks.scale", "--one", str(trials), "--mirror", str(options.mirror)]
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))  # for Ray's workers
        environment = os.environ | {"PYTHONPATH": paths}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{trials} trials could not be run: {done.stderr[-2000:]}")
        found.append(json.loads(done.stdout.splitlines()[-1]))
        _show(found[-1])
    write_numbers(options.out, "scale", {"machine": facts, "load": load_average(), "sizes": found})
    verdicts = list(_verdicts({costs["trials"]: costs for costs in found}))
    print("", *verdicts, sep="\n")
    sys.exit(any("goal missed" in verdict for verdict in verdicts))


def measure(trials: int, most_mirrored: int) -> dict[str, float]:
    """Seconds of each part; bytes that the driver has come to hold, and that the home takes."""
    from analysis import View, glance
    from analysis import table as tabulated
    from study.plan.datasets import record_data
    from study.run.ray_tune import opened, ray  # which tells Tune what it reads when it is imported
    from study.run.rounds import train

    init = Stopwatch()
    ray.init = init.around(
        partial(ray.init, runtime_env={"worker_process_setup_hook": "benchmarks.training_stub.install"})
    )
    costs: dict[str, float] = {"trials": trials}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        home, grown, before = Home(folder), table(trials), _memory()
        start = time.perf_counter()
        plan = make_plan(grown, "laptop", home)
        make_packs(plan.missing, plan.attempts, PACK, 2, CPU_CORE)
        record_data(plan, home)
        write_plan(plan, home)
        costs["planning"] = time.perf_counter() - start
        start = time.perf_counter()
        whole = LaunchPlan((plan,), PACK)
        with ProgressBar(Console(quiet=True), whole) as bar:
            if complaint := train(whole, home, partial(opened, None, bar.say), bar):
                sys.exit(complaint)
        costs["training"] = time.perf_counter() - start - init.seconds
        costs["starting Ray"] = init.seconds
        costs["memory"] = _memory() - before
        start = time.perf_counter()
        left = make_plan(grown, "laptop", home).missing
        costs["again"] = time.perf_counter() - start
        if left:
            sys.exit(f"{len(left)} of {trials} trials have no result")
        costs["disk"] = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        start = time.perf_counter()
        view = View.of("grown", folder)
        tabulated(view.trials, view.header)
        glance(view.trials, view.header)
        costs["analysis"] = time.perf_counter() - start
        if trials <= most_mirrored:
            costs["mirror"] = _mirror(home, Path(folder))
    return costs


def _mirror(home: Home, folder: Path) -> float:
    from study.mirror.mirror import rebuild

    create_database(folder / "mlflow.db")
    start = time.perf_counter()
    rebuild(home, "grown", pictures="none")
    return time.perf_counter() - start


def _memory() -> int:
    """Bytes that this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def _show(costs: dict[str, float]) -> None:
    print(f"\n{costs['trials']:,} trials in packs of {PACK}{'seconds':>28}{'ms a trial':>14}")
    for name, text in PARTS.items():
        if name in costs:
            print(f"  {text:44}{costs[name]:10.1f}{1e3 * costs[name] / costs['trials']:14.3f}")
    disk = 1e-3 * costs["disk"] / costs["trials"]
    print(
        f"  the driver holds {1e-6 * costs['memory']:.0f} MB more than before; {disk:.2f} kB a trial on disk",
        flush=True,
    )


def _platform_s(costs: dict[str, float]) -> float:
    return sum(costs[name] for name in ("planning", "training", "again", "analysis"))


def _verdicts(found: dict[int, dict[str, float]]) -> Any:
    def said(what: str, value: float, most: float, unit: str) -> str:
        return f"{'goal met' if value <= most else 'goal missed'}: {what} {value:.3g} {unit} (at most {most:g})"

    if costs := found.get(10_000):
        yield said(
            "10,000 trials take",
            1e3 * _platform_s(costs) / 10_000,
            GOALS["platform_ms"],
            "ms a trial without the mirror",
        )
        if "mirror" in costs:
            yield said("the mirror takes", 1e3 * costs["mirror"] / 10_000, GOALS["mirror_ms"], "ms a run")
    if {1000, 10_000} <= found.keys():
        bytes_a_trial = (found[10_000]["memory"] - found[1000]["memory"]) / 9000
        yield said("the driver grows by", bytes_a_trial, GOALS["bytes"], "bytes a further trial")
    if costs := found.get(100_000):
        yield said("100,000 trials are planned in", costs["planning"], GOALS["planning_s"], "s")
        yield said("100,000 trials are found done in", costs["again"], GOALS["again_s"], "s")
    if {1000, 10_000, 100_000} <= found.keys():
        small, middle, large = (_platform_s(found[n]) for n in (1000, 10_000, 100_000))
        growth = (large - middle) / 90_000 / ((middle - small) / 9000) - 1
        yield said("a further trial beyond 10,000 costs more than one below by", growth, GOALS["flat"], "of it")


def _options() -> argparse.Namespace:
    parser = parser_of("scale", __doc__)
    parser.add_argument(
        "--trials", type=_sizes, default=[1000, 10_000, 100_000], metavar="N,…", help="sizes to measure"
    )
    parser.add_argument("--mirror", type=int, default=10_000, metavar="N", help="the largest size that is mirrored")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    add_out(parser)
    return parser.parse_args()


def _sizes(text: str) -> list[int]:
    sizes = [int(part) for part in text.split(",")]
    if any(size < 20 or size % 20 for size in sizes):
        raise argparse.ArgumentTypeError("sizes are multiples of twenty")
    return sizes


if __name__ == "__main__":
    main()
