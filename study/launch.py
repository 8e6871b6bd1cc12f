"""The command line: `python -m study.launch STUDY`.

Plans a study, trains what is missing, mirrors it to MLflow, prints the table, and says where everything is. Exit status:
0 when every chosen trial has a result, 1 when some have not, 2 for a wrong command or declaration, 130 on Ctrl-C.
"""

import contextlib
import os
import signal
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from models.idx import DataError, absence
from study.command import counted, known_tracking, refuse, run
from study.declare import DeclarationError, Scale
from study.find import catalog_names, find
from study.ledger import Ledger, ui_command
from study.ledger_entry import Pictures
from study.place import Place, find_place
from study.plan import MAX_ATTEMPTS, Plan, make_packs, make_plan, selected, write_plan
from study.record import LAUNCH_LOCK, RESULTS, Home, HomeError, read
from study.sizing import CPU_CORE, seconds
from study.trial import ENGINE

console = Console(highlight=False)
MOST_FAILURES = 5

StudyName = Annotated[str | None, typer.Argument(metavar="STUDY", help="A name from --list, or file.py:name.")]
HomePlace = Annotated[str, typer.Option("--home", metavar="DIR|URI", help="Where everything is kept.")]
ScaleName = Annotated[Scale | None, typer.Option("--scale", help="Default: laptop here, paper on a cluster.")]
Address = Annotated[
    str | None, typer.Option(metavar="URL|ADDR|local", help="A Ray cluster to submit to; else RAY_ADDRESS, else here.")
]
PackSize = Annotated[str, typer.Option("--pack", metavar="auto|N", help="How many trials train as one stack.")]
Only = Annotated[list[str] | None, typer.Option("--only", metavar="AXIS=V1,V2", help="Only these values (repeatable).")]
ShowPlan = Annotated[bool, typer.Option("--plan", help="Count and estimate; train nothing.")]
ShowList = Annotated[bool, typer.Option("--list", help="The catalog, with captions.")]
Tracking = Annotated[
    str | None,
    typer.Option("--tracking-uri", help="MLflow; default: mlflow.db in the home.", callback=known_tracking),
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Try trials again that were given up.")]
Artifacts = Annotated[Pictures, typer.Option("--artifacts", help="Which trials' pictures and weights MLflow gets.")]
Mirrored = Annotated[bool, typer.Option("--mirror/--no-mirror", help="Whether to show the runs in MLflow.")]


@dataclass(frozen=True)
class Launch:
    """A launch as it was asked for."""

    plan: Plan
    home: Home
    size: int | None
    address: str | None
    tracking_uri: str | None
    artifacts: Pictures
    mirrored: bool

    def carry_out(self) -> int:
        """Train what is missing, catch the mirror up, report; returns the exit status."""
        if self.plan.missing:
            self._prepare()  # before anything says that the study runs: data may not be had
        write_plan(self.plan, self.home)
        ledger = self._ledger()
        try:
            if self.plan.missing and (lost := self._train(ledger)):
                console.print(f"[yellow]{escape(lost)}[/]")
            after = self._replanned()
            settled = after.settled == len(after.rows)
            self._finish(ledger, after, settled)
        except KeyboardInterrupt:
            console.print(
                f"interrupted: {self._replanned().settled} of {len(self.plan.rows)} trials have a result; ", end=""
            )
            console.print("packs in training are lost, and the same command goes on from there")
            if ledger:
                ledger.close("killed", {}, patience_s=5)
            return 130
        return 0 if settled else 1

    def _replanned(self) -> Plan:
        return make_plan(self.plan.study, self.plan.scale, self.home, self.plan.only)

    def _ledger(self) -> Ledger | None:
        if not self.mirrored:
            return None
        ledger = Ledger(self.home, self.plan.name, self.tracking_uri, self.artifacts)
        counts = {"declared": len(self.plan.rows), "missing": len(self.plan.missing)}
        ledger.start({"scale": self.plan.scale, "pack": self.size or "auto", **counts})
        return ledger

    def _prepare(self) -> None:
        from study.conduct import prepare_data

        for warning in prepare_data(self.plan, self.home):
            console.print(f"[yellow]{escape(warning)}[/]")

    def _train(self, ledger: Ledger | None) -> str | None:
        from study.conduct import train
        from study.progress import Bar

        with Bar(console, len(self.plan.rows), self.plan.settled) as bar:
            return train(self.plan, self.home, self.size, self.address, bar, ledger)

    def _finish(self, ledger: Ledger | None, after: Plan, settled: bool) -> None:
        from analysis.report import write_report
        from analysis.terminal import print_report

        done = {status: after.count(status) - self.plan.count(status) for status in RESULTS}
        failed, there = after.count("failed"), self.plan.settled
        untried = len(after.rows) - after.settled - failed
        lag = None
        if ledger:
            ledger.committed()  # failures are recorded after the packs
            with console.status("bringing MLflow up to date"):
                lag = ledger.close(
                    "finished" if settled else "failed", {**done, "failed": failed, "already_there": there}
                )
        print_report(console, write_report(self.plan.name, self.home))
        counts = ", ".join(f"{n} {status}" for status, n in {**done, "failed": failed}.items())
        counts += f", {untried} not trained" if untried else ""
        declared = "chosen" if after.only else "declared"
        console.print(f"[bold]{len(after.rows)} {declared}, {there} already there, {counts}[/]")
        _show_failures(after, self.home)
        if after.given_up:
            console.print(
                f"{counted(len(after.given_up), 'trial')} failed {MAX_ATTEMPTS} times: --retry-failed tries them again"
            )
        console.print(f"records: {escape(str(self.home))}/records", soft_wrap=True)
        if ledger:
            console.print(f"MLflow:  {escape(lag or ui_command(self.home, self.tracking_uri))}", soft_wrap=True)
            if ledger.page and not lag:
                console.print(f"         shows the study at {escape(ledger.page)}", soft_wrap=True)


def main(
    study: StudyName = None,
    home: HomePlace = "./runs",
    scale: ScaleName = None,
    address: Address = None,
    pack: PackSize = "auto",
    only: Only = None,
    plan: ShowPlan = False,
    catalog: ShowList = False,
    tracking_uri: Tracking = None,
    artifacts: Artifacts = "first-seed",
    mirrored: Mirrored = True,
    retry_failed: RetryFailed = False,
) -> None:
    """Train whatever a study declares and its home does not have yet."""
    try:
        if catalog:
            _show_catalog()
            return
        if study is None:
            raise DeclarationError(f"name a study: {', '.join(catalog_names())}, or file.py:name of your own")
        where, size, chosen = find_place(address), _pack_size(pack), _only(only or [])
        scale = scale or where.scale
        if where.is_sent and not plan:
            declared = find(study)
            selected(declared.table(scale).rows(), chosen, declared)  # what is wrong is refused here, not by a job
            options = ["--pack", pack, "--artifacts", artifacts, *["--retry-failed"] * retry_failed]
            options += [part for text in only or [] for part in ("--only", text)]
            from study.submit import Request, submit  # Ray takes its time to import

            raise typer.Exit(
                submit(Request(study, declared.name, home, scale, tracking_uri, mirrored, options), where, console)
            )
        place = Home(home)
        todo = make_plan(find(study), scale, place, chosen, retry_failed)
        _announce(todo, place, where)
        if plan:
            _show_cost(todo, size)
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        with _alone(todo, place):
            status = Launch(todo, place, size, where.address, tracking_uri, artifacts, mirrored).carry_out()
    except (DeclarationError, HomeError, DataError) as fault:
        refuse(str(fault))
    except KeyboardInterrupt:
        status = 130
    raise typer.Exit(status)


@contextlib.contextmanager
def _alone(plan: Plan, home: Home) -> Iterator[None]:
    """One launch of a study at a time in a home. Raises: DeclarationError where another is at work."""
    me = f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now():%Y-%m-%d %H:%M:%S}"
    with home.claim(LAUNCH_LOCK.format(plan.name), me) as other:
        if other:
            raise DeclarationError(
                f"another launch of {plan.name} is at work in {home} ({other}): wait for it or stop it; "
                "launching again then trains what it left"
            )
        yield


def _interrupt(*_: object) -> NoReturn:
    """The first Ctrl-C, or a polite kill, stops in good order; the next leaves at once, which loses nothing either."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(130))
    raise KeyboardInterrupt


def _announce(plan: Plan, home: Home, place: Place) -> None:
    console.print(
        f"[bold]{plan.study.name}[/] at {plan.scale} scale on {place}, home {escape(str(home))}", soft_wrap=True
    )
    console.print(
        f"{counted(len(plan.rows), 'trial')} declared, {plan.settled} already there, {len(plan.missing)} to train"
    )
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


def _show_cost(plan: Plan, size: int | None) -> None:
    workers = os.cpu_count() or 1
    packs = make_packs(plan, size, workers, CPU_CORE)
    sizes = Counter(len(pack.trials) for pack in packs)
    made_of = ", ".join(f"{n} of {counted(trials, 'trial')}" for trials, n in sorted(sizes.items()))
    total = sum(seconds(pack.trials) for pack in packs)
    console.print(counted(len(packs), "pack") + (f": {made_of}" if packs else ""))
    console.print(f"estimated: {_span(total)} of one CPU core, {_span(total / workers)} on the {workers} cores here")
    console.print("(training alone: starting Ray takes some ten seconds more)", style="dim")
    for sentence in dict.fromkeys(absence(trial.data) for trial in plan.missing):
        if sentence:
            console.print(f"[yellow]{escape(sentence)}[/]", soft_wrap=True)


def _span(duration: float) -> str:
    """A duration in seconds as a person says it."""
    if duration < 90:
        return counted(round(duration), "second")
    return f"{duration / 60:.1f} minutes" if duration < 7200 else f"{duration / 3600:,.0f} hours"


def _show_catalog() -> None:
    for name in catalog_names():
        study = find(name)
        counts = ", ".join(f"{counted(len(table), 'row')} at {scale} scale" for scale, table in study.tables.items())
        console.print(f"[bold]{name}[/]  {escape(study.caption.splitlines()[0])}  [dim]({counts})[/]", soft_wrap=True)


def _show_failures(plan: Plan, home: Home) -> None:
    """Which trials failed and why, a handful of them."""
    if not plan.count("failed"):
        return
    errors = {row["trial_id"]: row["error"] for row in read(home, "trials", ["trial_id", "error"]).to_pylist()}
    failed = [row for row in plan.rows if plan.statuses.get(row.trial.trial_id) == "failed"]
    for row in failed[:MOST_FAILURES]:
        where = ", ".join(f"{axis}={label}" for axis, label in row.axes.items())
        console.print(f"failed: {escape(where)}: {escape(str(errors.get(row.trial.trial_id)))}")
    if len(failed) > MOST_FAILURES:
        console.print(f"and {len(failed) - MOST_FAILURES} more: see the report")


def _pack_size(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) == 0:
        raise DeclarationError(f"--pack {text} is no pack size: give auto, or a number from 1")
    return int(text)


def _only(texts: Sequence[str]) -> dict[str, list[str]]:
    chosen: dict[str, list[str]] = {}
    for text in texts:
        axis, equals, values = text.partition("=")
        if not (axis and equals and values):
            raise DeclarationError(f"--only {text} is not understood: write it as AXIS=VALUE or AXIS=V1,V2")
        chosen.setdefault(axis, []).append(values)
    return chosen


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(main)

if __name__ == "__main__":
    run(app, "python -m study.launch")
