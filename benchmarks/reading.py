"""How long the analysis takes on a large study, beside MLflow's own search of the same runs.

    python -m benchmarks.reading [--trials 10000] [--mlflow 10000] [--out FOLDER]

The records are made up (`benchmarks/synthetic_records.py`): 50 curve points and 32 latents a trial, a sweep of 50 β for
every γ, compacted as after a launch. In a process of its own, the analysis loads and joins trials, curves and latents,
tabulates the cells, and fits the collapse threshold of every mode at every γ with its interval. Then the same trials are
mirrored into MLflow, and `mlflow.search_runs` reads them back, without curves and latents. `--mlflow` mirrors only so
many; 0 none.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks.machine import load_average, machine, sentence
from benchmarks.options import add_out, parser_of, write_numbers
from benchmarks.packing import ROOT
from benchmarks.synthetic_records import fill, parse_trials, sweep
from study.record import Home

GOAL_S = 5.0
BETAS, SEEDS = 50, 25

READ = """
import json, sys, time
start = time.perf_counter()
from analysis import View, glance
from analysis import table
from analysis.fit import sweep, thresholds

def timed(name, work):
    begin = time.perf_counter()
    value = work()
    costs[name] = time.perf_counter() - begin
    return value

costs = {"importing": time.perf_counter() - start}
view = View.of("generated", sys.argv[1])
timed("loading and joining", lambda: (view.trials, view.curves, view.latents))
timed("tabulating", lambda: (table(view.trials, view.header), glance(view.trials, view.header)))
fits = timed(
    "fitting", lambda: [fit for _, rows in view.latents.groupby("gamma") for fit in thresholds(sweep(rows))]
)
costs["in all"] = time.perf_counter() - start
costs["fits"] = len(fits)
print(json.dumps(costs))
"""

SEARCH = """
import json, sys, time
start = time.perf_counter()
import mlflow
mlflow.set_tracking_uri(sys.argv[1])
frame = mlflow.search_runs(experiment_names=["generated"], max_results=100_000)
print(json.dumps({"in all": time.perf_counter() - start, "runs": len(frame)}))
"""


def main() -> None:
    """Measure, print, and exit with status 1 where a large study misses the goal."""
    options = _options()
    facts = machine()
    print(sentence(facts), flush=True)
    found: dict[str, Any] = {"machine": facts}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        home = Home(folder)
        trials = fill(home, sweep(max(1, round(options.trials / BETAS / SEEDS)), BETAS, SEEDS))
        found["analysis"] = _run(READ, folder) | {"trials": trials, "load": load_average()}
        _show(f"the analysis of {trials:,} trials", found["analysis"])
    if options.mlflow:
        found["mlflow"] = _search(options.mlflow)
        _show(f"mlflow.search_runs on {found['mlflow']['runs']:,.0f} runs, no curves, no latents", found["mlflow"])
    write_numbers(options.out, "reading", found)
    if options.trials >= 10_000:
        taken = found["analysis"]["in all"]
        verdict = "goal met" if taken <= GOAL_S else "goal missed"
        print(f"\n{verdict}: loading, joining, tabulating and fitting took {taken:.1f} s (at most {GOAL_S:g})")
        sys.exit(taken > GOAL_S)


def _search(trials: int) -> dict[str, float]:
    """Mirror so many generated trials, and search them."""
    from study.mirror.address import tracking_uri
    from study.mirror.mirror import rebuild

    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        home = Home(folder)
        fill(home, sweep(max(1, round(trials / BETAS / SEEDS)), BETAS, SEEDS))
        start = time.perf_counter()
        rebuild(home, "generated", pictures="none")
        mirrored = time.perf_counter() - start
        return _run(SEARCH, tracking_uri(home)) | {"mirroring": mirrored, "load": load_average()}


def _run(code: str, argument: str) -> dict[str, float]:
    """What a program that starts afresh prints."""
    command = [sys.executable, "-c", code, argument]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def _show(what: str, costs: dict[str, float]) -> None:
    print(f"{what} (load {costs['load']:.1f}):")
    for name, value in costs.items():
        if name not in ("trials", "runs", "fits", "load"):
            print(f"  {name:22}{value:8.2f} s")


def _options() -> argparse.Namespace:
    parser = parser_of("reading", __doc__)
    parser.add_argument("--mlflow", type=int, default=10_000, help="how many trials are mirrored, 0 for none")
    add_out(parser)
    return parse_trials(parser)


if __name__ == "__main__":
    main()
