"""What a person sees while studies train: a live bar in a terminal or notebook, and elsewhere a line now and then."""

import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from study.cli import counted
from study.pack.cost import CPU_CORE, GPU, seconds
from study.pack.pack import Pack
from study.plan.launch_plan import LaunchPlan
from study.record import PATIENCE_S
from study.run.blame import Kind

LINE_EVERY_S = 30.0

_DEVICES = {device.name: device for device in (CPU_CORE, GPU)}


class ProgressBar:
    """A listener that shows trials done of declared, trials a minute, time left.

    A pack in training counts by its steps, and for the time left by its estimated cost: the costliest packs come first.
    """

    def __init__(self, console: Console, plan: LaunchPlan, in_process: bool = False) -> None:
        """`in_process`: nothing is drawn between events, so that a debugger in this process has the terminal to itself."""
        self._console, self._trials = console, plan.trial_ids
        self._before = len(self._trials - plan.open_ids)
        self._started = self._last_line = time.monotonic()
        self._sizes: dict[str, int] = {}
        self._costs: dict[str, float] = {}
        self._shares: dict[str, float] = {}
        self._diverged: dict[str, int] = {}
        self._is_waiting = False
        self._opening, self._beginning = (
            ("starting", "training") if in_process else ("starting Ray", "starting workers")
        )
        is_bare = console.is_jupyter and find_spec("ipywidgets") is None  # a notebook that cannot draw a bar
        self._is_live = not is_bare and (console.is_terminal or console.is_jupyter)
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[counts]}"),
            TimeElapsedColumn(),
            console=console,
            refresh_per_second=4,
            auto_refresh=not in_process,
            disable=is_bare,
        )
        self._task = self._progress.add_task(self._opening, total=None, counts="")
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
        self._shares = {pack_id: share for pack_id, share in self._shares.items() if share == 1.0}
        self._diverged = {pack_id: count for pack_id, count in self._diverged.items() if pack_id in self._shares}
        self._sizes |= {pack.pack_id: len(pack.trials) for pack in packs}
        self._costs = {pack_id: self._costs[pack_id] for pack_id in self._shares}
        self._costs |= {pack.pack_id: seconds(pack.trials, _DEVICES[pack.device]) for pack in packs}
        if not self._shares:
            self._show(self._beginning)

    def progress(self, pack_id: str, values: Mapping[str, float]) -> None:
        """Count a pack by the steps it has taken."""
        if not self._shares:  # a rate that counted the executor's start would be too low
            took = values.get("step", 0) * self._sizes[pack_id] / max(values.get("trial_steps_per_s", 0), 1)
            self._started = time.monotonic() - took
        # A pack is done when it is committed, not when its last step is taken.
        self._shares[pack_id] = min(0.99, values.get("step", 0) / max(values.get("steps", 1), 1))
        self._diverged[pack_id] = int(values.get("diverged", 0))
        self._show("training")

    def committed(self, pack_id: str) -> None:
        """Count a pack as done."""
        self._is_waiting = False
        self._shares[pack_id] = 1.0
        self._show("training")

    def failed(self, pack_id: str, reason: str) -> None:
        """Say why, where several trials are tried again; a single one is listed at the end."""
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
        self._trials |= plan.trial_ids
        self._show("training")

    def restarted(self, plan: LaunchPlan, why: str) -> None:
        """Say why, and count anew."""
        self.say(why)
        self._before, self._shares, self._diverged, self._costs = len(self._trials - plan.open_ids), {}, {}, {}
        self._started = time.monotonic()
        self._show(self._opening)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(text, style="dim", markup=False)

    def end(self) -> None:
        """Take the live bar away; its last state stays."""
        if self._progress.live.is_started:
            self._progress.stop()

    @property
    def _declared(self) -> int:
        return len(self._trials)

    def _trained(self) -> float:
        return sum(share * self._sizes[pack_id] for pack_id, share in self._shares.items())

    def _cost_left(self) -> float:
        """Of the packs of this round, and of the trials of later rounds, which will cost as much each as these do."""
        total, known = sum(self._costs.values()), sum(self._sizes[pack_id] for pack_id in self._costs)
        hand_over = sum((1 - self._shares.get(pack_id, 0.0)) * cost for pack_id, cost in self._costs.items())
        return hand_over + max(0, self._declared - self._before - known) * total / known

    def _show(self, description: str) -> None:
        counts, done = self._counts(), self._before + self._trained()
        self._progress.update(
            self._task,
            description=description,
            total=self._declared,
            completed=done,
            counts=counts,
            refresh=not self._progress.live.auto_refresh,
        )
        now = time.monotonic()
        if not self._is_live and now - self._last_line > LINE_EVERY_S:
            self._last_line = now
            self._console.print(f"training: {counts}")

    def _counts(self) -> str:
        done = self._before + sum(self._sizes[pack_id] for pack_id, share in self._shares.items() if share == 1.0)
        trained, elapsed = self._trained(), time.monotonic() - self._started
        text = f"{done}/{self._declared} trials"
        if trained > 0:
            left = elapsed * self._cost_left() / sum(share * self._costs[name] for name, share in self._shares.items())
            text += f" · {60 * trained / elapsed:.0f} trials/min · {_clock(left)} left"
        diverged = sum(self._diverged.values())
        return text + (f" · {diverged} diverged" if diverged else "")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
