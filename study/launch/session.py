"""One launch of studies, from its claims on the home to its last sentence."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn

from rich.markup import escape

from study.cli import counted
from study.errors import REFUSALS, HomeBusyError
from study.launch.plan_text import console
from study.launch.summary import Ending
from study.mirror.entry import Pictures
from study.mirror.mirror import Ledger
from study.plan.launch_plan import LaunchPlan
from study.plan.plan import Plan, write_plan
from study.record import LAUNCH_LOCK, WORK_LOCK, Home, HomeError


@dataclass(frozen=True)
class Launch:
    """A launch as it was asked for."""

    plans: LaunchPlan
    home: Home
    size: int | None
    address: str | None
    tracking_uri: str | None
    artifacts: Pictures
    mirrored: bool

    def carry_out(self) -> int:
        """Train what is missing, catch the mirror up, report each study; returns the exit status.

        Raises: HomeBusyError where another launch of a study is at work; DataError; HomeError.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        if self.plans.missing:
            from study.plan.datasets import fetch_data

            for plan in self.plans.plans:
                fetch_data(plan)
        with _alone(self.plans, self.home):
            launch = replace(self, plans=self.plans.replan(self.home))  # the home may have been cleaned in between
            return launch._carry_out()

    def _carry_out(self) -> int:
        for plan in self.plans.plans:
            self._record_data(plan)
            write_plan(plan, self.home)
        ledgers = self._ledgers()
        try:
            if self.plans.missing and (lost := self._train(ledgers)):
                console.print(f"[yellow]{escape(lost)}[/]")
            return self._finish(ledgers)
        except KeyboardInterrupt:
            self._say_interrupted()
            _abandon(ledgers, patience_s=5)
            return 130
        except REFUSALS:
            _abandon(ledgers, patience_s=2)
            raise

    def _record_data(self, plan: Plan) -> None:
        if plan.missing:
            from study.plan.datasets import record_data

            for warning in record_data(plan, self.home):
                console.print(f"[yellow]{escape(warning)}[/]")

    def _ledgers(self) -> dict[str, Ledger]:
        """The studies' mirrors by their names, begun. They write one at a time: training has use for the cores."""
        if not self.mirrored:
            return {}
        turn, ledgers = threading.Lock(), dict[str, Ledger]()
        for plan in self.plans.plans:
            ledger = Ledger(self.home, plan.name, self.tracking_uri, self.artifacts, turn)
            counts = {"declared": len(plan.rows), "missing": len(plan.missing)}
            ledger.start({"scale": plan.scale, "pack": self.size or "auto", **counts})
            ledgers[plan.name] = ledger
        return ledgers

    def _train(self, ledgers: Mapping[str, Ledger]) -> str | None:
        from study.launch.listeners import Watch
        from study.launch.progress_bar import Bar
        from study.run.rounds import train

        with Bar(console, self.plans.declared, self.plans.settled) as bar:
            return train(self.plans, self.home, self.size, self.address, Watch(bar, ledgers))

    def _finish(self, ledgers: Mapping[str, Ledger]) -> int:
        """Report each study as soon as its mirror is up to date, in the order in which they were asked for."""
        after = self.plans.replan(self.home)
        endings = [
            Ending(plan, replace(now, retry_failed=False), self.home, ledgers.get(plan.name), self.tracking_uri)
            for plan, now in zip(self.plans.plans, after.plans, strict=True)
        ]  # a trial that failed once more too often is given up from now on
        for ending in endings:
            ending.close()
        for ending in endings:
            ending.report()
        return max(ending.status for ending in endings)

    def _say_interrupted(self) -> None:
        there = ""
        with contextlib.suppress(HomeError):  # the home may be the reason for the interruption
            after = self.plans.replan(self.home)
            there = f"{after.settled} of {counted(after.chosen, 'trial')} have a result; "
        console.print(
            f"interrupted: {there}packs in training are lost, but for checkpoints, and the same command goes on from there",
            soft_wrap=True,
        )


def _abandon(ledgers: Mapping[str, Ledger], patience_s: float) -> None:
    """Leave the mirrors as they are; all of them are waited for at once."""
    for ledger in ledgers.values():
        ledger.finish("killed", {})
    for ledger in ledgers.values():
        ledger.wait(patience_s)


@contextlib.contextmanager
def _alone(plans: LaunchPlan, home: Home) -> Iterator[None]:
    """One launch of a study at a time in a home. Raises: HomeBusyError where another is at work."""
    me = f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now():%Y-%m-%d %H:%M:%S}"
    with contextlib.ExitStack() as held:
        for plan in plans.plans:
            if other := held.enter_context(home.claim(LAUNCH_LOCK.format(plan.name), me)):
                raise HomeBusyError(
                    f"another launch of {plan.name} is at work in {home} ({other}): wait for it or stop it; "
                    "launching again then trains what it left"
                )
        held.enter_context(home.lock(WORK_LOCK, shared=True))  # waits while the home is being cleaned
        yield


def _interrupt(*_: object) -> NoReturn:
    """The first Ctrl-C, or a polite kill, stops in good order; the next leaves at once, which loses nothing either."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(130))
    raise KeyboardInterrupt
