"""What a person sees while a study trains: a live bar, or a line now and then where there is no terminal."""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from study.pack.cost import CPU_CORE, GPU, seconds
from study.pack.pack import Pack

LINE_EVERY_S = 30.0

_DEVICES = {device.name: device for device in (CPU_CORE, GPU)}


class Bar:
    """Trials done of declared, trials a minute, time left.

    A pack in training counts by its steps, and for the time left by what it is estimated to cost: the costliest are first.
    """

    def __init__(self, console: Console, declared: int, done: int) -> None:
        self._console, self._declared, self._before = console, declared, done
        self._started = self._last_line = time.monotonic()
        self._sizes: dict[str, int] = {}
        self._costs: dict[str, float] = {}
        self._shares: dict[str, float] = {}
        self._diverged: dict[str, int] = {}
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[counts]}"),
            TimeElapsedColumn(),
            console=console,
            refresh_per_second=4,
        )
        self._task = self._progress.add_task("starting Ray", total=declared, completed=done, counts=self._counts())

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def expect(self, packs: Sequence[Pack]) -> None:
        """The packs of the coming round. Packs that failed in an earlier one no longer count."""
        self._shares = {pack_id: share for pack_id, share in self._shares.items() if share == 1.0}
        self._diverged = {pack_id: count for pack_id, count in self._diverged.items() if pack_id in self._shares}
        self._sizes |= {pack.pack_id: len(pack.trials) for pack in packs}
        self._costs = {pack_id: self._costs[pack_id] for pack_id in self._shares}
        self._costs |= {pack.pack_id: seconds(pack.trials, _DEVICES[pack.device]) for pack in packs}
        if not self._shares:
            self._progress.update(self._task, description="starting workers")

    def grow(self, trials: int) -> None:
        """So many trials more."""
        self._declared += trials
        self._progress.update(self._task, total=self._declared, counts=self._counts())

    def restart(self, missing: int, why: str) -> None:
        """Count anew, with `missing` trials still to be trained, and say why."""
        self.say(why)
        done = self._declared - missing
        self._before, self._shares, self._diverged, self._costs = done, {}, {}, {}
        self._started = time.monotonic()
        self._progress.update(self._task, completed=done, counts=self._counts(), description="starting Ray")

    def step(self, pack_id: str, values: Mapping[str, float]) -> None:
        if not self._shares:  # a rate that counted Ray's start would be too low
            took = values.get("step", 0) * self._sizes[pack_id] / max(values.get("trial_steps_per_s", 0), 1)
            self._started = time.monotonic() - took
        # A pack is done when it is committed, not when its last step is taken.
        self._shares[pack_id] = min(0.99, values.get("step", 0) / max(values.get("steps", 1), 1))
        self._diverged[pack_id] = int(values.get("diverged", 0))
        self._show()

    def done(self, pack_id: str) -> None:
        self._shares[pack_id] = 1.0
        self._show()

    def say(self, text: str) -> None:
        self._progress.console.print(text, style="dim", markup=False)

    def _trained(self) -> float:
        return sum(share * self._sizes[pack_id] for pack_id, share in self._shares.items())

    def _cost_left(self) -> float:
        """Of the packs that are laid out, and of as many trials as are not: those of later rounds cost what these do."""
        total, known = sum(self._costs.values()), sum(self._sizes[pack_id] for pack_id in self._costs)
        laid_out = sum((1 - self._shares.get(pack_id, 0.0)) * cost for pack_id, cost in self._costs.items())
        return laid_out + max(0, self._declared - self._before - known) * total / known

    def _show(self) -> None:
        counts = self._counts()
        self._progress.update(
            self._task, completed=self._before + self._trained(), counts=counts, description="training"
        )
        now = time.monotonic()
        if not self._console.is_terminal and now - self._last_line > LINE_EVERY_S:
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
