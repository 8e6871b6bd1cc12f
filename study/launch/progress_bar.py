"""What a person sees while studies train: a live bar in a terminal or notebook, and elsewhere a line now and then."""

import threading
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from study.cli import counted
from study.launch.time_left import Course, TimeLeft
from study.pack.cost import CPU_CORE, GPU
from study.pack.pack import Pack, make_packs
from study.plan.launch_plan import LaunchPlan
from study.record import PATIENCE_S
from study.run.blame import Kind

LINE_EVERY_S = 30.0

LEAST_BAR = 6
"""Letters of a terminal's width that remain for the bar."""


class ProgressBar:
    """A listener that shows trials trained of all to train, how far packs in training are, the rate, and the time left.

    What does not fit beside one another in the terminal is left out: the time elapsed first, then the rate, then the packs.
    """

    def __init__(self, console: Console, plan: LaunchPlan, in_process: bool = False) -> None:
        """`in_process`: nothing is drawn between events, so that a debugger in this process has the terminal to itself."""
        self._console, self._plan, self._trials = console, plan, {trial.trial_id for trial in plan.missing}
        self._before = 0
        self._opened = self._last_line = time.monotonic()
        self._since: float | None = None
        self._sizes: dict[str, int] = {}
        self._steps: dict[str, tuple[int, int]] = {}
        self._done: set[str] = set()
        self._handed_out: set[str] = set()
        self._diverged: dict[str, int] = {}
        self._time_left = TimeLeft()
        self._lock = threading.RLock()  # a live bar is drawn on a thread of its own
        self._is_waiting = False
        self._opening, self._beginning = (
            ("starting", "training") if in_process else ("starting Ray", "starting workers")
        )
        is_bare = console.is_jupyter and find_spec("ipywidgets") is None  # a notebook that cannot draw a bar
        self._is_live = not is_bare and (console.is_terminal or console.is_jupyter)
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None),
            _Counts(self),
            console=console,
            refresh_per_second=4,
            auto_refresh=not in_process,
            disable=is_bare,
        )
        self._task = self._progress.add_task(self._opening, total=None)
        self._show(self._opening)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def begin(self, packs: Sequence[Pack]) -> None:
        """Expect these packs, and forget those that were not committed."""
        with self._lock:
            self._diverged = {pack_id: count for pack_id, count in self._diverged.items() if pack_id in self._done}
            self._sizes |= {pack.pack_id: len(pack.trials) for pack in packs}
            self._steps = {}
            self._handed_out.update(trial_id for pack in packs for trial_id in pack.trial_ids)
            self._time_left.expect(packs, self._later(packs), time.monotonic())
        self._show("training" if self._since else self._beginning)

    def _later(self, packs: Sequence[Pack]) -> list[Pack]:
        """The packs of the rounds after this one, as far as they are known."""
        trials = [trial for trial in self._plan.missing if trial.trial_id not in self._handed_out]
        device = GPU if any(pack.device == GPU.name for pack in packs) else CPU_CORE
        return make_packs(trials, {}, self._plan.size, 1, device)

    def progress(self, pack_id: str, values: Mapping[str, float]) -> None:
        """Count a pack by the steps it has taken."""
        if "step" not in values:
            return
        now, step, steps = time.monotonic(), int(values["step"]), max(1, int(values.get("steps", 1)))
        took_s = values.get("took_s", 0.0)
        with self._lock:
            self._since = self._since or now - took_s  # a rate that counted the executor's start would be too low
            self._steps[pack_id] = step, steps
            self._diverged[pack_id] = int(values.get("diverged", 0))
            self._time_left.progress(pack_id, step / steps, values.get("taken", 0) / steps, took_s, now)
        self._show("training")

    def committed(self, pack_id: str) -> None:
        """Count a pack as done."""
        with self._lock:
            self._is_waiting = False
            self._done.add(pack_id)
            self._time_left.committed(pack_id, time.monotonic())
        self._show("training")

    def failed(self, pack_id: str, reason: str) -> None:
        """Say why, where several trials are tried again; a single one is listed at the end."""
        with self._lock:
            self._time_left.ended(pack_id, time.monotonic())
        if (size := self._sizes[pack_id]) > 1:
            again = "trying it again, in halves if it got no further"
            self.say(f"a pack of {size} trials cannot be trained ({reason}): {again}")

    def lost(self, pack_id: str, what: Kind) -> None:
        """Say so."""
        died = "node was lost" if what == "node" else "worker died"
        self.say(f"a {died}: its pack of {counted(self._sizes[pack_id], 'trial')} is trained again")

    def waiting(self, reason: str) -> None:
        """Say so once, until something is committed again: every worker meets the same refusal."""
        if not self._is_waiting:
            self.say(f"{reason}; trying again for up to {PATIENCE_S / 60:g} minutes")
        self._is_waiting = True

    def grown(self, plan: LaunchPlan) -> None:
        """Count the further trials in."""
        with self._lock:
            self._plan = plan
            self._trials |= {trial.trial_id for trial in plan.missing}
        self._show("training")

    def restarted(self, plan: LaunchPlan, why: str) -> None:
        """Say why, and count anew."""
        self.say(why)
        with self._lock:
            self._before, self._plan = len(self._trials - plan.open_ids), plan
            self._done, self._diverged, self._steps, self._handed_out = set(), {}, {}, set()
            self._since, self._time_left = None, TimeLeft()
        self._show(self._opening)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(text, style="dim", markup=False)

    def end(self) -> None:
        """Take the live bar away; its last state stays."""
        if self._progress.live.is_started:
            self._progress.stop()

    def counts(self, width: int) -> str:
        """What stands beside the bar, in at most `width` letters if that can be: trials first, then the time left."""
        with self._lock:
            parts = self._parts(time.monotonic())
        for least in sorted({rank for rank, _ in parts}, reverse=True):
            if len(text := " · ".join(part for rank, part in parts if rank <= least)) <= width:
                return text
        return parts[0][1]

    def _parts(self, now: float) -> list[tuple[int, str]]:
        """Rank and text of each part, in the order of reading; the lower the rank, the more it matters."""
        parts = [(0, f"{self._before + self._finished}/{self._total} trials")]
        left = self._time_left.seconds(now)
        if training := list(self._time_left.training.values()):
            parts.append((3, self._in_training(training)))
        if self._since and left is not None and (trained := self._trained()):
            parts.append((4, f"{60 * trained / max(now - self._since, 1e-3):.0f} trials/min"))
        if self._since and self._before + self._finished < self._total:
            of = " of this round" if any(plan.growth for plan in self._plan.plans) else ""
            parts.append((1, ("…" if left is None else _clock(left)) + f" left{of}"))
        if diverged := sum(self._diverged.values()):
            parts.append((2, f"{diverged} diverged"))
        return [*parts, (5, f"{_clock(now - self._opened)} elapsed")]

    def _in_training(self, courses: Sequence[Course]) -> str:
        """How far the packs in training are: one by its steps, several by the share of their steps."""
        packs = counted(len(courses), "pack")
        if all(course.share == 1 for course in courses):
            return f"{packs} being measured"
        step, steps = self._steps[courses[0].pack.pack_id]
        if len(courses) == 1 and hasattr(courses[0].pack.trials[0], "training"):
            return f"{packs} at step {step:,}/{steps:,}"
        costs = sum(course.cost for course in courses)
        return f"{packs} at {100 * sum(course.share * course.cost for course in courses) / costs:.0f} %"

    @property
    def _total(self) -> int:
        """Trials to train, those of a search's later rounds included."""
        return len(self._trials) + self._plan.remaining

    @property
    def _finished(self) -> int:
        """Trials of packs that are committed: one is done then, not when its last step is taken."""
        return sum(self._sizes[pack_id] for pack_id in self._done)

    def _trained(self) -> float:
        """Trials, those in training by the share of their steps."""
        courses = self._time_left.training.values()
        return self._finished + sum(course.share * len(course.pack.trials) for course in courses)

    def _show(self, description: str) -> None:
        with self._lock:
            done, total = self._before + self._trained(), self._total
        self._progress.update(
            self._task,
            description=description,
            total=total,
            completed=done,
            refresh=not self._progress.live.auto_refresh,
        )
        now = time.monotonic()
        if not self._is_live and now - self._last_line > LINE_EVERY_S:
            self._last_line = now
            self._console.print(f"training: {self.counts(self._console.width - len('training: '))}")


class _Counts(ProgressColumn):
    """The counts beside the bar, as long as the terminal has room for."""

    def __init__(self, bar: ProgressBar) -> None:
        super().__init__(Column(no_wrap=True))
        self._bar = bar

    def render(self, task: Task) -> Text:
        """The text of this moment."""
        others = len(task.description) + LEAST_BAR + len("  ")
        return Text(self._bar.counts(self._bar._console.width - others))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
