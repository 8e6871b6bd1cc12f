"""The command line: `python -m study.launch STUDY`.

Plans a study, trains what is missing, mirrors it to MLflow, prints the table, and says where everything is. Exit status:
0 when every chosen trial has a result, 1 when some have not, 2 for a wrong command or declaration, 130 on Ctrl-C.
"""

import os
import signal
import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from models.idx import DataError
from study.declare import DeclarationError, Scale
from study.find import catalog_names, find
from study.ledger import Ledger, ui_command
from study.ledger_entry import Pictures
from study.plan import MAX_ATTEMPTS, Plan, make_packs, make_plan, write_plan
from study.record import RESULTS, Home, HomeError, read
from study.sizing import CPU_CORE, seconds

console = Console(highlight=False)
MOST_FAILURES = 5

StudyName = Annotated[str | None, typer.Argument(metavar="STUDY", help="A name from --list, or file.py:name.")]
HomePlace = Annotated[str, typer.Option("--home", metavar="DIR|URI", help="Where everything is kept.")]
ScaleName = Annotated[Scale | None, typer.Option("--scale", help="Default: laptop here, paper on a cluster.")]
Address = Annotated[str | None, typer.Option(metavar="ADDR|local", help="A running Ray; else RAY_ADDRESS, else here.")]
PackSize = Annotated[str, typer.Option("--pack", metavar="auto|N", help="How many trials train as one stack.")]
Only = Annotated[list[str] | None, typer.Option("--only", metavar="AXIS=V1,V2", help="Only these values (repeatable).")]
ShowPlan = Annotated[bool, typer.Option("--plan", help="Count and estimate; train nothing.")]
ShowList = Annotated[bool, typer.Option("--list", help="The catalog, with captions.")]
Tracking = Annotated[str | None, typer.Option("--tracking-uri", help="MLflow; default: mlflow.db in the home.")]
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
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill leaves as Ctrl-C does
        try:
            if self.plan.missing:
                self._train(ledger)
            after = self._replanned()
            settled = after.settled == len(after.rows)
            self._finish(ledger, after, settled)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not tear the closing apart
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

    def _train(self, ledger: Ledger | None) -> None:
        from study.conduct import train
        from study.progress import Bar

        with Bar(console, len(self.plan.rows), self.plan.settled) as bar:
            train(self.plan, self.home, self.size, self.address, bar, ledger)

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
            console.print(f"{len(after.given_up)} trials failed {MAX_ATTEMPTS} times: --retry-failed tries them again")
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
        where, place, size = _address(address), Home(home), _pack_size(pack)
        todo = make_plan(find(study), scale or ("paper" if where else "laptop"), place, _only(only or []), retry_failed)
        _announce(todo, place, where)
        if plan:
            _show_cost(todo, size)
            return
        status = Launch(todo, place, size, where, tracking_uri, artifacts, mirrored).carry_out()
    except (DeclarationError, HomeError, DataError) as fault:
        _refuse(str(fault))
    raise typer.Exit(status)


def _announce(plan: Plan, home: Home, address: str | None) -> None:
    place = f"Ray at {address}" if address else "this machine"
    console.print(
        f"[bold]{plan.study.name}[/] at {plan.scale} scale on {place}, home {escape(str(home))}", soft_wrap=True
    )
    console.print(f"{len(plan.rows)} trials declared, {plan.settled} already there, {len(plan.missing)} to train")
    if plan.repeated:
        console.print(f"{plan.repeated} rows make a trial that another row makes too: each trial is counted once")


def _show_cost(plan: Plan, size: int | None) -> None:
    workers = os.cpu_count() or 1
    packs = make_packs(plan, size, workers, CPU_CORE)
    sizes = Counter(len(pack.trials) for pack in packs)
    made_of = ", ".join(f"{n} of {trials} trials" for trials, n in sorted(sizes.items()))
    total = sum(seconds(pack.trials) for pack in packs)
    console.print(f"{len(packs)} packs" + (f": {made_of}" if packs else ""))
    console.print(f"estimated: {_span(total)} of one CPU core, {_span(total / workers)} on the {workers} cores here")
    console.print("(training alone: starting Ray takes some ten seconds more)", style="dim")


def _span(duration: float) -> str:
    """A duration in seconds as a person says it."""
    if duration < 90:
        return f"{duration:.0f} seconds"
    return f"{duration / 60:.1f} minutes" if duration < 7200 else f"{duration / 3600:,.0f} hours"


def _show_catalog() -> None:
    for name in catalog_names():
        study = find(name)
        counts = ", ".join(f"{len(table.rows())} trials at {scale} scale" for scale, table in study.tables.items())
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


def _address(text: str | None) -> str | None:
    """The Ray to use, None for one of our own on this machine. Raises: DeclarationError where none answers."""
    chosen = text or os.environ.get("RAY_ADDRESS")
    if chosen in (None, "", "local"):
        return None
    host, colon, port = chosen.removeprefix("ray://").rpartition(":")
    if colon and not _answers(host, port):
        raise DeclarationError(
            f"no Ray answers at {chosen}: start one there with `ray start --head`, or give --address local"
        )
    return chosen


def _answers(host: str, port: str) -> bool:
    try:
        socket.create_connection((host, int(port)), timeout=3).close()
    except (OSError, ValueError):
        return False
    return True


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


def _refuse(text: str) -> NoReturn:
    typer.echo(f"error: {text}", err=True)
    raise typer.Exit(2)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(main)

if __name__ == "__main__":
    app(prog_name="python -m study.launch")
