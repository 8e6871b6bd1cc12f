"""The summary of a launch for one study: its mirror closed, its report written, and what became of its trials."""

from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

from study.cli import counted, tell
from study.launch.plan_text import show_failures
from study.launch.result import StudyResult, result_of
from study.mirror.mirror import Mirror, ui_command
from study.plan.plan import MAX_ATTEMPTS, Plan
from study.record import Home


@dataclass(frozen=True)
class StudySummary:
    """A study's plan before the launch and after it, and its mirror, if it has one."""

    before: Plan
    after: Plan
    home: Home
    mirror: Mirror | None

    def close(self) -> None:
        """Have the mirror brought up to date."""
        if self.mirror:
            result = result_of(self.before, self.after, self.home, None)
            self.mirror.committed()  # failures are recorded after the packs
            counts = {"finished": result.finished, "diverged": result.diverged, "failed": result.failed}
            status = "finished" if result.is_settled else "failed"
            self.mirror.finish(status, {**counts, "already_there": result.already_there}, is_reported=True)

    def report(self, console: Console) -> StudyResult:
        """Wait for the mirror, which the report points to, write the report, and print what it says and where things are."""
        with console.status("bringing MLflow up to date"):
            lag = self.mirror.wait() if self.mirror else None
        from analysis.report.report import write_report
        from analysis.report.terminal import print_report

        report = write_report(self.after.name, self.home, self.after.study, listed=False)
        print_report(console, report)
        with console.status("showing the report in MLflow"):
            missed = self.mirror.show_report() if self.mirror else None
        result = result_of(self.before, self.after, self.home, report.location)
        self._say_done(console, result)
        self._say_where(console, lag or missed)
        return result

    def _say_done(self, console: Console, result: StudyResult) -> None:
        counts = f"{result.finished} finished, {result.diverged} diverged, {result.failed} failed"
        counts += f", {result.not_trained} not trained" if result.not_trained else ""
        selected = f", {result.selected} selected" if result.selected < result.declared else ""
        there = f"{result.declared} declared{selected}, {result.already_there} already there"
        console.print(f"[bold]{there}, {counts}[/]")
        show_failures(console, "failed", result.failures)
        show_failures(console, "not measured", result.unmeasured)
        if self.after.given_up:
            console.print(
                f"{counted(len(self.after.given_up), 'trial')} failed {MAX_ATTEMPTS} times: --retry-failed tries them again"
            )

    def _say_where(self, console: Console, lag: str | None) -> None:
        tell(console, f"records: {escape(str(self.home))}/records")
        if self.mirror:
            if lag:
                tell(console, f"MLflow:  {escape(lag)}")
                return
            command = ui_command(self.home, self.mirror.uri)
            console.print(f"MLflow:  {escape(command)}", soft_wrap=True)  # one line, to be copied
            if self.mirror.page:
                tell(console, f"         shows the study at {escape(self.mirror.page)}")
