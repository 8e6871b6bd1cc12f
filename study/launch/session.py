"""One launch of studies, from their plans and its claims on the home to its last sentence."""

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from rich.console import Console
from rich.markup import escape

from study.cli import counted, tell
from study.cluster.target import Target
from study.declare.table import Scale, Study
from study.errors import REFUSALS, ClusterError, HomeBusyError, all_of
from study.launch.options import Options
from study.launch.own_checks import check_own
from study.launch.plan_text import announce, show_cost
from study.launch.result import Launched, result_of
from study.launch.summary import StudySummary
from study.mirror.mirror import Mirror
from study.plan.launch_plan import LaunchPlan
from study.plan.namesakes import refuse_namesake
from study.plan.plan import Plan, check, make_plan, write_plan
from study.record import LAUNCH_LOCK, WORK_LOCK, Home, HomeError
from study.run.executor import Opening
from study.run.listener import Listener
from study.run.ray_folders import sessions_folder


def checked_scales(asked: Mapping[str, Study], options: Options, place: Target) -> dict[str, Scale]:
    """The scale of each study, by the name that it was asked for by.

    Raises: DeclarationError, OptionError for what is wrong with any of them, before anything of the first is done.
    """
    scales: dict[str, Scale] = {name: options.scale or place.scale_of(study.tables) for name, study in asked.items()}
    all_of(partial(check, study, scales[name], options.only, options.refine) for name, study in asked.items())
    return scales


@dataclass(frozen=True)
class Session:
    """A launch on this machine, or on the cluster that it is part of. `is_command`: the process is this launch's own."""

    options: Options
    place: Target
    console: Console
    is_command: bool = False

    def launch(self, asked: Mapping[str, Study]) -> Launched:
        """Plan the studies, train what is missing, and report each of them. Raises: one of REFUSALS; KeyboardInterrupt."""
        options, scales = self.options, checked_scales(asked, self.options, self.place)
        home = Home("./runs" if options.home is None else options.home)
        settings = (home, options.only, options.retry_failed, options.refine)
        plans = tuple(make_plan(study, scales[name], *settings) for name, study in asked.items())
        for own in plans:
            refuse_namesake(own, home)
        plan = LaunchPlan(plans, options.pack)
        where = "in this process" if options.in_process else f"on {self.place}"
        for own in plan.plans:
            announce(self.console, own, home, where)
        check_own(plan, self.console)
        if options.plan:
            show_cost(self.console, plan, self.place.resources, options)
            return Launched(str(home), tuple(result_of(own, own, home, None) for own in plan.plans))
        return Training(self, plan, home).carry_out()


@dataclass(frozen=True)
class Training:
    """A launch that is to train what its plan misses."""

    session: Session
    plan: LaunchPlan
    home: Home

    def carry_out(self) -> Launched:
        """Raises: HomeBusyError where another launch of a study is at work; DataError; HomeError; KeyboardInterrupt."""
        if self.plan.missing:
            from study.plan.datasets import fetch_data

            for own in self.plan.plans:
                fetch_data(own)
        with _alone(self.plan, self.home):
            training = replace(self, plan=self.plan.replan(self.home))  # the home may have been cleaned in between
            return training._carry_out()

    def _carry_out(self) -> Launched:
        for own in self.plan.plans:
            refuse_namesake(own, self.home)  # another launch may have come in between
        for own in self.plan.plans:
            self._record_data(own)
            write_plan(own, self.home)
        mirrors = self._mirrors()
        try:
            if self.plan.missing and (lost := self._train(mirrors)):
                self._warn(lost)
            return self._finish(mirrors)
        except KeyboardInterrupt:
            self._say_interrupted()
            _abandon(mirrors, patience_s=5)
            raise
        except REFUSALS:
            _abandon(mirrors, patience_s=2)
            raise

    def _record_data(self, plan: Plan) -> None:
        if plan.missing:
            from study.plan.datasets import record_data

            for warning in record_data(plan, self.home):
                self._warn(warning)

    def _mirrors(self) -> dict[str, Mirror]:
        """The studies' mirrors by the plans' names, started. They write one at a time: training has use for the cores."""
        turn, mirrors = threading.Lock(), dict[str, Mirror]()
        options = self.session.options
        for plan in self.plan.plans if options.mirror else ():
            mirror = Mirror(self.home, plan.name, options.tracking_uri, options.artifacts, turn)
            counts = {"declared": plan.expected, "selected": len(plan.rows), "missing": len(plan.missing)}
            mirror.start({"scale": plan.scale, "pack": options.pack or "auto", **counts})
            mirrors[plan.name] = mirror
        return mirrors

    def _train(self, mirrors: Mapping[str, Mirror]) -> str | None:
        from study.launch.event_router import EventRouter
        from study.launch.progress_bar import ProgressBar
        from study.run.rounds import train

        in_process = self.session.options.in_process
        with ProgressBar(self.session.console, self.plan, in_process) as bar:
            router = EventRouter(bar, mirrors, self.plan)
            try:
                lost = train(self.plan, self.home, self._opening(router), router)
            finally:
                router.end()
        return f"{lost} (Ray's own logs are in {sessions_folder()})" if lost and not in_process else lost

    def _opening(self, listener: Listener) -> Opening:
        """How to start what trains; only the one that is asked for is imported, and Ray takes seconds."""
        if self.session.options.in_process:
            from study.run import in_process

            return partial(in_process.opened, self._show_traceback)
        if sys.flags.optimize > 1:  # of a script: a command would run anew, see `study.terminal`
            raise ClusterError(
                "Ray cannot be imported where Python drops docstrings (-OO, PYTHONOPTIMIZE=2): launch without, or with "
                "in_process=True"
            )
        from study.run import ray_tune

        return partial(ray_tune.opened, self.session.place.address, listener.say, self.session.is_command)

    def _show_traceback(self, text: str) -> None:
        if not self.session.console.quiet:
            print(text, file=sys.stderr, flush=True)

    def _finish(self, mirrors: Mapping[str, Mirror]) -> Launched:
        """Report each study as soon as its mirror is up to date, in the order in which they were asked for."""
        after = self.plan.replan(self.home)
        summaries = [
            StudySummary(plan, replace(now, retry_failed=False), self.home, mirrors.get(plan.name))
            for plan, now in zip(self.plan.plans, after.plans, strict=True)
        ]  # a trial that failed once more too often is given up from now on
        for summary in summaries:
            summary.close()
        reported = tuple(summary.report(self.session.console) for summary in summaries)
        from analysis.report.report import write_home_page

        write_home_page(self.home)
        return Launched(str(self.home), reported)

    def _warn(self, sentence: str) -> None:
        tell(self.session.console, f"[yellow]{escape(sentence)}[/]")

    def _say_interrupted(self) -> None:
        there = ""
        with contextlib.suppress(HomeError):  # the home may be the reason for the interruption
            after = self.plan.replan(self.home)
            there = f"{after.settled} of {counted(after.selected, 'trial')} have a result; "
        tell(
            self.session.console,
            f"interrupted: {there}packs in training are lost, but for checkpoints, and the same command goes on from there",
        )


def _abandon(mirrors: Mapping[str, Mirror], patience_s: float) -> None:
    """Leave the mirrors as they are; all of them are waited for at once."""
    for mirror in mirrors.values():
        mirror.finish("killed", {})
    for mirror in mirrors.values():
        mirror.wait(patience_s)


@contextlib.contextmanager
def _alone(plan: LaunchPlan, home: Home) -> Iterator[None]:
    """One launch of a study at a time in a home. Raises: HomeBusyError where another is at work."""
    me = f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now():%Y-%m-%d %H:%M:%S}"
    with contextlib.ExitStack() as held:
        for own in plan.plans:
            if other := held.enter_context(home.claim(LAUNCH_LOCK.format(own.name), me)):
                raise HomeBusyError(
                    f"another launch of {own.name} is at work in {home} ({other}): wait for it or stop it; "
                    "launching again then trains what it left"
                )
        held.enter_context(home.lock(WORK_LOCK, shared=True))  # waits while the home is being cleaned
        yield
