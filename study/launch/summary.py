"""How a launch ends for one study: its mirror closed, its report written, and what became of its trials said."""

from dataclasses import dataclass

from rich.markup import escape

from study.cli import counted
from study.launch.plan_text import console, show_failures
from study.mirror.mirror import Ledger, ui_command
from study.plan.plan import MAX_ATTEMPTS, Plan
from study.record import RESULTS, Home


@dataclass(frozen=True)
class Ending:
    """A study's plan before the launch and after it."""

    before: Plan
    after: Plan
    home: Home
    ledger: Ledger | None
    tracking_uri: str | None

    @property
    def status(self) -> int:
        """The exit status: 0 where every chosen trial has a result."""
        return 0 if self._is_settled else 1

    @property
    def _is_settled(self) -> bool:
        return self.after.settled == len(self.after.rows)

    def close(self) -> None:
        """Have the mirror brought up to date."""
        if self.ledger:
            self.ledger.committed()  # failures are recorded after the packs
            summary = {**self._done(), "already_there": self.before.settled}
            self.ledger.finish("finished" if self._is_settled else "failed", summary)

    def report(self) -> None:
        """Wait for the mirror, which the report points to, write the report, and say what it says and where everything is."""
        with console.status("bringing MLflow up to date"):
            lag = self.ledger.wait() if self.ledger else None
        from analysis.report.report import write_report
        from analysis.report.terminal import print_report

        print_report(console, write_report(self.after.name, self.home, self.after.study))
        self._say_done()
        self._say_where(lag)

    def _done(self) -> dict[str, int]:
        """What became of the trials in this launch, by status."""
        done = {status: self.after.count(status) - self.before.count(status) for status in RESULTS}
        return {**done, "failed": self.after.count("failed")}

    def _say_done(self) -> None:
        after, done = self.after, self._done()
        untried = len(after.rows) - after.settled - done["failed"]
        counts = ", ".join(f"{n} {status}" for status, n in done.items())
        counts += f", {untried} not trained" if untried else ""
        declared = "chosen" if after.only else "declared"
        console.print(f"[bold]{len(after.rows)} {declared}, {self.before.settled} already there, {counts}[/]")
        show_failures(after, self.home)
        if after.given_up:
            console.print(
                f"{counted(len(after.given_up), 'trial')} failed {MAX_ATTEMPTS} times: --retry-failed tries them again"
            )

    def _say_where(self, lag: str | None) -> None:
        console.print(f"records: {escape(str(self.home))}/records", soft_wrap=True)
        if self.ledger:
            console.print(f"MLflow:  {escape(lag or ui_command(self.home, self.tracking_uri))}", soft_wrap=True)
            if self.ledger.page and not lag:
                console.print(f"         shows the study at {escape(self.ledger.page)}", soft_wrap=True)
