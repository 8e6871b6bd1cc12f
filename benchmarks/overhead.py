"""What the platform itself costs a trial, and whether the MLflow mirror slows training.

    python -m benchmarks.overhead [--only stages,mirror] [--out FOLDER]

`stages` sends a thousand trials that train next to nothing (one step, eight examples) through everything else: planning, Ray
Tune, packs of 64, records, the mirror without pictures, the report. Starting Ray, importing Python's packages and creating
MLflow's database are shown separately; they do not grow with the trials. `mirror` trains the planted part of `grid_gamma`
(auto packs) twice, without and with the mirror as a launch has it, and compares trials a minute from the first news of
training to the last commit.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console

from analysis import results
from analysis.report.report import write_report
from benchmarks.launch_start import PARTS, Stopwatch
from benchmarks.machine import load_average, machine, sentence
from benchmarks.options import add_out, parse, parser_of, write_numbers
from benchmarks.packing import create_database
from benchmarks.studies import stub
from study.declare.table import Study
from study.launch.event_router import EventRouter
from study.launch.find import find
from study.launch.progress_bar import ProgressBar
from study.mirror.mirror import Mirror, rebuild
from study.pack.cost import CPU_CORE
from study.pack.pack import make_packs
from study.plan.datasets import record_data
from study.plan.launch_plan import LaunchPlan
from study.plan.plan import Plan, make_plan, write_plan
from study.record import Home, commit, read
from study.run.rounds import train

PACK = 64
GOALS = {"platform": 30.0, "mirror": 60.0, "throughput": 0.9}
"""Milliseconds a trial without the mirror, milliseconds a run of the mirror, training throughput with ÷ without it."""
ENOUGH_S = 60.0

Only = Mapping[str, Sequence[str]]
Costs = dict[str, float]


class TimedBar(ProgressBar):
    """A progress bar that notes when training was first heard of, and when the last pack was committed."""

    first = last = 0.0

    def progress(self, pack_id: str, values: Mapping[str, float]) -> None:
        """Notes the time of the first progress, in seconds of `time.perf_counter`."""
        self.first = self.first or time.perf_counter()
        super().progress(pack_id, values)

    def committed(self, pack_id: str) -> None:
        """Notes the time of each commit, over that of the one before."""
        super().committed(pack_id)
        self.last = time.perf_counter()


def main() -> None:
    """Measure, print, and exit with status 1 where a goal is missed."""
    options = _options()
    for name in PARTS:
        import_module(name)
    facts = machine()
    print(sentence(facts), flush=True)
    found: dict[str, Any] = {"machine": facts}
    verdicts = []
    if "stages" in options.only:
        found["stages"] = stages({"seed": ["0"], "beta": ["0.25"]} if options.quick else {})
        verdicts += _judged_stages(found["stages"])
    if "mirror" in options.only:
        only = {"data": ["manifold r=3"]} | ({"kappa": ["2"], "seed": ["0"]} if options.quick else {})
        found["mirror"] = mirror_load(only)
        verdicts += _judged_mirror(found["mirror"])
    write_numbers(options.out, "overhead", found)
    if not options.quick:
        print("", *verdicts, sep="\n")
        sys.exit(any("goal missed" in verdict for verdict in verdicts))


def stages(only: Only) -> Costs:
    """What each stage takes, in seconds, and the number of trials; printed in milliseconds a trial."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        home, costs = Home(folder), Costs()
        costs["creating MLflow's database"] = create_database(Path(folder) / "empty.db")
        plan = _time(costs, "declaring and planning", lambda: _plan(stub, home, only))
        costs["trials"] = len(plan.missing)
        costs["Ray, packs and commits"], costs["starting Ray"] = _train(plan, home, PACK)[:2]
        tables = _commits(home)
        with tempfile.TemporaryDirectory(prefix="benchmark-") as other:
            _time(costs, "of which records", lambda: [commit(Home(other), key, rows) for key, rows in tables.items()])
        shutil.copy(Path(folder) / "empty.db", Path(folder) / "mlflow.db")
        _time(costs, "the mirror", lambda: rebuild(home, plan.name, pictures="none"))
        _time(costs, "reading the results", lambda: results(plan.name, home))
        _time(costs, "the report", lambda: write_report(plan.name, home))
    costs["load"] = load_average()
    _show_stages(costs)
    return costs


def mirror_load(only: Only) -> dict[str, Costs]:
    """Training throughput without and with the mirror, printed."""
    found = {}
    for way in ("without the mirror", "with the mirror"):
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            home = Home(folder)
            create_database(Path(folder) / "mlflow.db")
            plan = _plan(find("grid_gamma"), home, only)
            mirror = Mirror(home, plan.name) if way == "with the mirror" else None
            if mirror:
                mirror.start({})
            driver_s = time.process_time()
            _, _, span_s = _train(plan, home, None, mirror)
            costs = {"trials": len(plan.missing), "span_s": span_s, "driver_cpu_s": time.process_time() - driver_s}
            if mirror and (lag := mirror.close("finished", {}, patience_s=600)):
                sys.exit(lag)
        found[way] = costs | {"per_minute": 60 * costs["trials"] / span_s, "load": load_average()}
        print(
            f"{way:20}{costs['trials']:5} trials in {span_s:6.1f} s{found[way]['per_minute']:9.1f} trials/min; "
            f"the driver used {costs['driver_cpu_s']:.1f} s of a core meanwhile (load {load_average():.1f})",
            flush=True,
        )
    return found


def _plan(study: Study, home: Home, only: Only) -> Plan:
    """What a launch does before it trains."""
    plan = make_plan(study, "laptop", home, only)
    make_packs(plan.missing, plan.attempts, PACK, 2, CPU_CORE)
    record_data(plan, home)
    write_plan(plan, home)
    return plan


def _train(plan: Plan, home: Home, size: int | None, mirror: Mirror | None = None) -> tuple[float, float, float]:
    """Train a plan on a Ray of its own: seconds in all without Ray's start and end, of Ray's start, and of the training."""
    import ray

    from study.run.ray_tune import opened

    init, shutdown = ray.init, ray.shutdown
    starting, stopping = Stopwatch(), Stopwatch()
    ray.init, ray.shutdown = starting.around(init), stopping.around(shutdown)
    start = time.perf_counter()
    try:
        whole = LaunchPlan((plan,), size)
        with TimedBar(Console(quiet=True), whole) as bar:
            router = EventRouter(bar, {plan.name: mirror} if mirror else {}, whole)
            train(whole, home, partial(opened, None, router.say), router)
    finally:
        ray.init, ray.shutdown = init, shutdown
    wall_s = time.perf_counter() - start - starting.seconds - stopping.seconds
    if make_plan(plan.study, plan.scale, home, plan.only).settled < len(plan.rows):
        sys.exit(f"not every trial of {plan.name} has a result: nothing was measured")
    return wall_s, starting.seconds, bar.last - bar.first


def _time(costs: Costs, name: str, work: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    value = work()
    costs[name] = time.perf_counter() - start
    return value


def _commits(home: Home) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """commit_id → table → rows: what the packs committed."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(dict)
    for table in ("curves", "latents", "evaluations", "trials"):
        for row in read(home, table).to_pylist():
            found[row["commit_id"]].setdefault(table, []).append(row)
    return found


def _platform_ms(costs: Costs) -> float:
    """Milliseconds a trial of everything but the mirror."""
    parts = ("declaring and planning", "Ray, packs and commits", "reading the results", "the report")
    return 1e3 * sum(costs[name] for name in parts) / costs["trials"]


def _show_stages(costs: Costs) -> None:
    print(f"{costs['trials']} trials of one step in packs of {PACK} (load {costs['load']:.1f}), ms a trial:")
    for name in (
        "declaring and planning",
        "Ray, packs and commits",
        "of which records",
        "reading the results",
        "the report",
        "the mirror",
    ):
        print(f"  {name:26}{1e3 * costs[name] / costs['trials']:8.2f}")
    print("once, in seconds:")
    for name in ("starting Ray", "creating MLflow's database"):
        print(f"  {name:26}{costs[name]:8.1f}")


def _judged_stages(costs: Costs) -> list[str]:
    platform, mirror = _platform_ms(costs), 1e3 * costs["the mirror"] / costs["trials"]
    return [
        f"{_verdict(platform <= GOALS['platform'])}: the platform costs {platform:.1f} ms a trial without the mirror "
        f"(at most {GOALS['platform']:g})",
        f"{_verdict(mirror <= GOALS['mirror'])}: the mirror takes {mirror:.1f} ms a run (at most {GOALS['mirror']:g})",
    ]


def _judged_mirror(found: dict[str, Costs]) -> list[str]:
    without, with_it = found["without the mirror"], found["with the mirror"]
    ratio, goal = with_it["per_minute"] / without["per_minute"], GOALS["throughput"]
    short = f"; too short to tell: {without['span_s']:.0f} s, not {ENOUGH_S:g}" if without["span_s"] < ENOUGH_S else ""
    text = f"training keeps {ratio:.2f} of its throughput while the mirror runs (at least {goal:g}{short})"
    return [f"{'no verdict' if short else _verdict(ratio >= goal)}: {text}"]


def _verdict(is_met: bool) -> str:
    return "goal met" if is_met else "goal missed"


def _options() -> argparse.Namespace:
    parser = parser_of("overhead", __doc__)
    parts = ["stages", "mirror"]
    parser.add_argument("--only", type=lambda text: text.split(","), default=parts, metavar="PART,…")
    add_out(parser)
    parser.add_argument("--quick", action="store_true", help="run through everything with next to no trials")
    return parse(parser, "part", parts)


if __name__ == "__main__":
    main()
