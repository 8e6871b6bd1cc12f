"""What a launch prints about its plan: what is to be done, what it costs, and what failed."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from models.data.load import absence
from study.cli import counted, tell
from study.declare.identity import ENGINE
from study.declare.table import Scale
from study.declare.trial import Trial
from study.launch.estimate import Estimate
from study.launch.find import catalog_names, find
from study.launch.options import Options
from study.launch.result import MOST_FAILURES, Failure, axes_in_words
from study.pack.cost import CPU_CORE, GPU, seconds
from study.pack.pack import make_packs
from study.plan.launch_plan import LaunchPlan
from study.plan.plan import Plan, trials_of
from study.record import Home

LEAST_OF_A_GPU_S = 36
"""What takes less of a GPU, in seconds, nobody would rent one for."""


def announce(console: Console, plan: Plan, home: Home, where: str) -> None:
    """Print what a study declares, and what of it is already there."""
    tell(console, f"[bold]{plan.study.name}[/] at {plan.scale} scale {where}, home {escape(str(home))}")
    stages, is_round = len(plan.missing_stages), plan.missing and plan.remaining.total()
    trials = f"{counted(plan.expected, 'trial')} declared"
    trials += f", {len(plan.rows)} selected" + (" so far" if is_round else "") if len(plan.rows) < plan.expected else ""
    console.print(
        f"{trials}, {plan.settled} already there, {len(plan.missing) - stages} to train"
        + (" in this round" if is_round else "")
        + (f", and {counted(stages, 'stage')} that they stand on" if stages else "")
    )
    for remark in (*plan.remarks, *_too_large_batches(plan)):
        tell(console, f"[yellow]{escape(remark)}[/]")
    if plan.left_out and not plan.only:  # of a part of the table nobody knows how many
        console.print(f"{counted(plan.left_out, 'row')} of the table left out, where the study returns no trial")
    if plan.outdated and plan.missing:
        console.print(
            f"{plan.outdated} results in this home are of another engine version, whose numbers differ: "
            f"they stay, and trials of engine {ENGINE} are trained beside them"
        )
    if plan.repeated:
        make = "makes" if plan.repeated == 1 else "make"
        console.print(
            f"{counted(plan.repeated, 'row')} {make} a trial that another row makes too: each trial is counted once"
        )


def _too_large_batches(plan: Plan) -> list[str]:
    """What of a batch no data set can fill."""
    trials = [trial for trial in plan.missing if isinstance(trial, Trial)]
    found = ((trial.training.batch, trial.data.n_train, trial.data.label) for trial in trials)
    return [
        f"batch={batch} is more than the {n} training examples of {label}: each step takes all {n}"
        for batch, n, label in dict.fromkeys(each for each in found if each[0] > each[1])
    ]


def show_cost(console: Console, plan: LaunchPlan, resources: Mapping[str, float], options: Options) -> None:
    """Print packs and estimated time on CPU cores and on GPUs; `resources` are a cluster's, nothing on this machine."""
    cores, gpus = int(resources.get("CPU", 0)) or os.cpu_count() or 1, int(resources.get("GPU", 0))
    cores = 1 if options.in_process else cores
    packs = make_packs(plan.missing, plan.attempts, plan.size, gpus or cores, GPU if gpus else CPU_CORE)
    sizes = Counter(len(pack.trials) for pack in packs)
    made_of = ", ".join(f"{n} with {counted(trials, 'trial')}" for trials, n in sorted(sizes.items()))
    console.print(counted(len(packs), "pack") + (f": {made_of}" if packs else ""))
    estimate = Estimate.of(plan, packs, options.in_process, options.mirror)
    where = (
        "in this process" if options.in_process else f"on the {cores} cores {'of the cluster' if resources else 'here'}"
    )
    of_round = " for this round" if estimate.later else ""
    beside = f"{_span(estimate.beside)} to start and to report"
    tell(console, f"estimated: {_span(estimate.on(cores))} {where}{of_round}, {beside} included")
    console.print(f"training alone: {_span(estimate.training)} of one CPU core{of_round}")
    if estimate.later:
        rounds = f"{counted(plan.remaining, 'trial')} of later rounds, at most"
        tell(console, f"and {_span(estimate.later)} of one CPU core for {rounds}, if they cost what these do")
    packs = packs if gpus else make_packs(plan.missing, plan.attempts, plan.size, 1, GPU)
    hours = sum(seconds(pack.trials, GPU) for pack in packs) / 3600
    shared = f", {_span(hours * 3600 / gpus)} on the {counted(gpus, 'GPU')} of the cluster" if gpus else ""
    if gpus or hours * 3600 >= LEAST_OF_A_GPU_S:
        console.print(f"or {hours:.2g} GPU-hours{shared}, of a GPU that is assumed to be slow rather than measured")
    for sentence in dict.fromkeys(absence(spec) for trial in plan.missing for spec in trial.datasets):
        if sentence:
            tell(console, f"[yellow]{escape(sentence)}[/]")


def _span(duration: float) -> str:
    """A duration in seconds as a person says it."""
    if duration < 1:
        return "less than a second"
    if duration < 90:
        return counted(round(duration), "second")
    return f"{duration / 60:.1f} minutes" if duration < 7200 else f"{duration / 3600:,.0f} hours"


def show_catalog(console: Console, scale: Scale) -> None:
    """Print the studies of the catalog, each with its number of trials at this scale and the first line of its caption."""
    listed = Table(box=None, pad_edge=False, header_style="bold")
    listed.add_column("study", style="bold")
    listed.add_column("trials", justify="right")
    listed.add_column("what it asks", overflow="fold")
    for name in catalog_names():
        study = find(name)
        listed.add_row(name, f"{trials_of(study.table(scale)):,}", Text(study.caption.splitlines()[0]))
    console.print(listed)
    other = "laptop" if scale == "paper" else "paper"
    console.print(f"[dim]trials at {scale} scale; --list --scale {other} counts those at {other} scale[/]")


def show_failures(console: Console, what: str, failures: Sequence[Failure]) -> None:
    """Print of which trials something went wrong, and why, a handful of them."""
    for failure in failures[:MOST_FAILURES]:
        tell(console, f"{what}: {escape(axes_in_words(failure.axes))}: {escape(failure.reason)}")
    if len(failures) > MOST_FAILURES:
        console.print(f"and {len(failures) - MOST_FAILURES} more: see the report")
