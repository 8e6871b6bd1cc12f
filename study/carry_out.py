"""One launch of a study, from its claim on the home to its last sentence."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn

from rich.markup import escape

from study.command import counted
from study.declare import DeclarationError
from study.ledger import Ledger, ui_command
from study.ledger_entry import Pictures
from study.plan import MAX_ATTEMPTS, Plan, renewed, write_plan
from study.record import LAUNCH_LOCK, RESULTS, WORK_LOCK, Home, HomeError
from study.show import console, show_failures


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
    keeps_ray: bool = False
    """Whether another study follows in this process: a Ray of its own then stays up for it."""

    def carry_out(self) -> int:
        """Train what is missing, catch the mirror up, report; returns the exit status.

        Raises: DeclarationError where another launch of the study is at work; DataError; HomeError.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        if self.plan.missing:
            from study.conduct import fetch_data

            fetch_data(self.plan)
        with _alone(self.plan, self.home):
            launch = replace(self, plan=renewed(self.plan, self.home))  # a sweep may have come in between
            return launch._carry_out()

    def _carry_out(self) -> int:
        if self.plan.missing:
            self._record_data()
        write_plan(self.plan, self.home)
        ledger = self._ledger()
        try:
            if self.plan.missing and (lost := self._train(ledger)):
                console.print(f"[yellow]{escape(lost)}[/]")
            return self._finish(ledger)
        except KeyboardInterrupt:
            self._say_interrupted()
            self._abandon(ledger, patience_s=5)
            return 130
        except (HomeError, DeclarationError):
            self._abandon(ledger, patience_s=2)
            raise

    def _finish(self, ledger: Ledger | None) -> int:
        after = self._afterwards()
        settled = after.settled == len(after.rows)
        lag = self._close(ledger, after, settled)
        self._report(after)
        self._say_where(ledger, lag)
        return 0 if settled else 1

    def _say_interrupted(self) -> None:
        there = ""
        with contextlib.suppress(HomeError):  # the home may be the reason for the interruption
            there = f"{self._afterwards().settled} of {counted(len(self.plan.rows), 'trial')} have a result; "
        console.print(
            f"interrupted: {there}packs in training are lost, but for checkpoints, and the same command goes on from there",
            soft_wrap=True,
        )

    def _abandon(self, ledger: Ledger | None, patience_s: float) -> None:
        if ledger:
            ledger.close("killed", {}, patience_s=patience_s)

    def _afterwards(self) -> Plan:
        """What has become of the plan; a trial that failed once more too often is given up from now on."""
        return replace(renewed(self.plan, self.home), retry_failed=False)

    def _ledger(self) -> Ledger | None:
        if not self.mirrored:
            return None
        ledger = Ledger(self.home, self.plan.name, self.tracking_uri, self.artifacts)
        counts = {"declared": len(self.plan.rows), "missing": len(self.plan.missing)}
        ledger.start({"scale": self.plan.scale, "pack": self.size or "auto", **counts})
        return ledger

    def _record_data(self) -> None:
        from study.conduct import record_data

        for warning in record_data(self.plan, self.home):
            console.print(f"[yellow]{escape(warning)}[/]")

    def _train(self, ledger: Ledger | None) -> str | None:
        from study.conduct import train
        from study.progress import Bar

        total = len(self.plan.rows) + len(self.plan.missing_stages)
        with Bar(console, total, self.plan.settled) as bar:
            return train(self.plan, self.home, self.size, self.address, bar, ledger, self.keeps_ray)

    def _done(self, after: Plan) -> dict[str, int]:
        """What became of the trials in this launch, by status."""
        done = {status: after.count(status) - self.plan.count(status) for status in RESULTS}
        return {**done, "failed": after.count("failed")}

    def _close(self, ledger: Ledger | None, after: Plan, settled: bool) -> str | None:
        """Bring the mirror up to date; a sentence where it lags behind."""
        if not ledger:
            return None
        ledger.committed()  # failures are recorded after the packs
        with console.status("bringing MLflow up to date"):
            summary = {**self._done(after), "already_there": self.plan.settled}
            return ledger.close("finished" if settled else "failed", summary)

    def _report(self, after: Plan) -> None:
        from analysis.report import write_report
        from analysis.terminal import print_report

        print_report(console, write_report(self.plan.name, self.home))
        done = self._done(after)
        untried = len(after.rows) - after.settled - done["failed"]
        counts = ", ".join(f"{n} {status}" for status, n in done.items())
        counts += f", {untried} not trained" if untried else ""
        declared = "chosen" if after.only else "declared"
        console.print(f"[bold]{len(after.rows)} {declared}, {self.plan.settled} already there, {counts}[/]")
        show_failures(after, self.home)
        if after.given_up:
            console.print(
                f"{counted(len(after.given_up), 'trial')} failed {MAX_ATTEMPTS} times: --retry-failed tries them again"
            )

    def _say_where(self, ledger: Ledger | None, lag: str | None) -> None:
        console.print(f"records: {escape(str(self.home))}/records", soft_wrap=True)
        if ledger:
            console.print(f"MLflow:  {escape(lag or ui_command(self.home, self.tracking_uri))}", soft_wrap=True)
            if ledger.page and not lag:
                console.print(f"         shows the study at {escape(ledger.page)}", soft_wrap=True)


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
        with home.lock(WORK_LOCK, shared=True):  # waits for a sweep that deletes
            yield


def _interrupt(*_: object) -> NoReturn:
    """The first Ctrl-C, or a polite kill, stops in good order; the next leaves at once, which loses nothing either."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(130))
    raise KeyboardInterrupt
