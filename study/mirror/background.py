"""The background thread that keeps a mirror up to date, so that training never waits for MLflow.

Tasks are handed over and forgotten. Between tasks the thread works off a backlog of entries, one at a time, so that news of
a running pack does not wait behind a thousand old trials. What fails is tried again a few times, and then given up. After
two such failures in a row the thread closes the mirror, rests, and opens it anew: a server that comes back is served again.
"""

import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from study.errors import RefusalError
from study.mirror.entry import Entry

MOST_WAITING = 64
"""With so many tasks waiting, droppable ones are dropped."""

PAUSES_S = (0.5, 2.0)
"""Pauses before the second and the third try."""

STRIKES = 2
"""Failures in a row after which the mirror is closed, and opened anew `REST_S` later."""

REST_S = 60.0
STALL_S, FOLLOW_S = 30.0, 600.0
"""How long the end of a launch waits for a writer without progress, and a writer at its end for what is to follow."""

LOCK_POLL_S, LOCK_PATIENCE_S = 0.5, 5.0
"""Seconds between tries to open a mirror that somebody else writes, and how long to go on trying at the end."""

Task = Callable[[Any], object]


class MirrorError(RefusalError):
    """MLflow cannot show the study before a person acts: trying again is no use."""


class MirrorBusyError(Exception):
    """Somebody else is writing the mirror."""


class OpenMirror(Protocol):
    """What the background thread writes: opened and used on that thread alone."""

    def missing(self) -> Mapping[str, str]:
        """trial_id → commit_id of what the records hold and the mirror does not show."""
        ...

    def entries(self, wanted: Mapping[str, str]) -> Iterator[Entry]:
        """The entries of these commits."""
        ...

    def write(self, entry: Entry) -> None:
        """Show an entry; writing it again changes nothing."""
        ...

    def settle(self) -> None:
        """All that was missing has been written."""
        ...


class BackgroundWriter:
    """Writes one mirror. `fault` says why something could not be written; `left` counts the entries still to be written.

    Writers that share a `turn` work one at a time: several at once would take every core from the training, and the
    driver's own thread would wait for each of them.
    """

    def __init__(
        self, open_mirror: Callable[[], AbstractContextManager[Any]], turn: AbstractContextManager[Any] | None = None
    ) -> None:
        self._turn = turn or threading.Lock()
        self.fault: str | None = None
        self.left = 0
        self.was_opened = self.is_kept_out = False
        self._open = open_mirror
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._backlog: Iterator[Entry] | None = None
        self._stale = self._counted_last = False
        self._strikes = 0
        self._was_cut_short = self._ended = self._has_followed = self._is_hopeless = False
        self._progressed_at = self._finishing_since = time.monotonic()
        self._mirror: OpenMirror | None = None
        self._first: Task | None = None
        self._last: Task | None = None
        self._following: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._closing, self._hurry, self._written, self._done = (threading.Event() for _ in range(4))
        # A daemon: a hung server must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="mirror", daemon=True)

    def start(self, first: Task) -> None:
        """Start the thread. `first` is done whenever the mirror is opened."""
        self._first = first
        self._thread.start()

    def ask(self, task: Task, droppable: bool = False) -> None:
        """Hand a task over; it is given the mirror. A droppable one is dropped if the writer is behind."""
        if not self._done.is_set() and not (droppable and self._tasks.qsize() >= MOST_WAITING):
            self._tasks.put(task)

    def refresh(self) -> None:
        """Look for new entries to write."""
        self.ask(self._count_missing)

    def finish(self, last: Task, is_followed: bool = False) -> None:
        """Write what is left, and then do the last task; returns at once. The mirror stays open for what is to follow."""
        self._last = last
        if not is_followed:
            self._following.put(None)
        self._progressed_at = self._finishing_since = time.monotonic()
        self._closing.set()
        self._tasks.put(None)

    def wait(self, patience_s: float) -> None:
        """After `finish`: wait for the end, for `patience_s` since then at most, and only while there is progress."""
        if self.is_started:
            self._was_cut_short = not self._comes(self._written, patience_s)
            self._hurry.set()
            self._written.wait(2.0)

    def follow(self, task: Task, patience_s: float) -> bool:
        """After `wait`: do one task more, and close the mirror. Returns whether it was done; waits as `wait` does."""
        self._progressed_at = self._finishing_since = time.monotonic()
        self._following.put(task)
        return self._comes(self._done, patience_s) and self._has_followed

    def _comes(self, event: threading.Event, patience_s: float) -> bool:
        deadline = self._finishing_since + patience_s
        while (left := min(deadline, self._progressed_at + STALL_S) - time.monotonic()) > 0:
            if event.wait(min(0.5, left)):
                break
        return event.is_set()

    def progressed(self) -> None:
        """Part of a long task is done."""
        self._progressed_at = time.monotonic()

    @property
    def is_started(self) -> bool:
        """Whether `start` was called."""
        return self._thread.ident is not None

    @property
    def is_complete(self) -> bool:
        """Whether everything there was to write has been written."""
        return self._ended and self._written.is_set() and not self.left and not self._was_cut_short

    def _run(self) -> None:
        if sys.platform == "linux":  # there a thread has a niceness of its own, and training comes first
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        try:
            while not self._serve():
                self._closing.wait(REST_S)
        except BaseException as fault:
            self.fault = sentence(fault)
        finally:
            if self._mirror and not self._ended:
                with contextlib.suppress(Exception):  # the records tell how much is left, if they can be read
                    self._count_missing(self._mirror)
            self._written.set()
            self._done.set()

    def _serve(self) -> bool:
        """Open the mirror and write until nothing is left to do. Returns whether to stop for good."""
        is_last_try = self._closing.is_set()
        self._strikes, self._backlog, self._stale, self._counted_last = 0, None, False, False
        with contextlib.ExitStack() as held:
            mirror = self._with_retries(lambda: self._opened_in(held))
            if mirror is not None:
                self.was_opened, self._mirror = True, mirror
                self._in_turn(lambda: (self._first and self._first(mirror), self._count_missing(mirror)))
                while self._strikes < STRIKES and not self._hurry.is_set() and self._work(mirror):
                    pass
                if self._strikes < STRIKES:
                    self._ended = bool(self._in_turn(lambda: (self._last and self._last(mirror), True)))
                if self._ended:
                    self._follow_up(mirror)
        return self._ended or is_last_try or self._is_hopeless or self._hurry.is_set()

    def _follow_up(self, mirror: OpenMirror) -> None:
        self._written.set()
        with contextlib.suppress(queue.Empty):
            if task := self._following.get(timeout=FOLLOW_S):
                self._has_followed = bool(self._in_turn(lambda: (task(mirror), True)))

    def _opened_in(self, held: contextlib.ExitStack) -> Any:
        """The mirror, once nobody else writes it; when the launch is ending, the wait is short."""
        until = None
        while True:
            try:
                with self._turn:
                    mirror = held.enter_context(self._open())
            except MirrorBusyError:
                self.is_kept_out = True
                if self._closing.is_set():
                    until = until or time.monotonic() + LOCK_PATIENCE_S
                    if self._hurry.is_set() or time.monotonic() > until:
                        self._is_hopeless = True
                        raise
                (self._hurry if self._closing.is_set() else self._closing).wait(LOCK_POLL_S)
            else:
                self.is_kept_out = False
                return mirror

    def _work(self, mirror: OpenMirror) -> bool:
        """Do the next task, or else write the next entry. Returns whether there may be more to do."""
        idle = self._backlog is None and not self._stale
        if idle and self._closing.is_set() and self._tasks.empty():
            if not self._counted_last:  # another launch may have committed meanwhile
                self._counted_last = True
                self._in_turn(lambda: (self._count_missing(mirror), True))
            return self._stale
        try:
            task = self._tasks.get(block=idle)
        except queue.Empty:
            self._write_next(mirror)
            return True
        if task:
            self._in_turn(lambda: (task(mirror), True))
        return True

    def _count_missing(self, mirror: OpenMirror) -> None:
        self.left = len(mirror.missing())
        self._stale = self.left > 0

    def _write_next(self, mirror: OpenMirror) -> None:
        entry = self._in_turn(lambda: self._next_entry(mirror))
        if not entry:
            self._backlog = None
            self._in_turn(lambda: (mirror.settle(), True))
        elif self._in_turn(lambda: (mirror.write(entry), True)):
            self.left = max(0, self.left - 1)

    def _next_entry(self, mirror: OpenMirror) -> Entry | bool:
        """The next entry of the backlog; False at its end. After a failure the next call starts a new backlog."""
        if self._backlog is None:
            self._stale = False
            self._backlog = mirror.entries(mirror.missing())
        try:
            return next(self._backlog, False)
        except Exception:
            self._backlog = None
            raise

    def _with_retries(self, action: Callable[[], Any]) -> Any:
        """The action's value, tried again after pauses; None, and a strike, if it fails for good."""
        for pause in (*PAUSES_S, None):
            try:
                value = action()
            except Exception as fault:
                self.fault = sentence(fault)
                self._is_hopeless |= isinstance(fault, MirrorError)
                if pause is None or self._is_hopeless or self._hurry.wait(pause):
                    break
            else:
                self._strikes, self._progressed_at = 0, time.monotonic()
                return value
        self._strikes += 1
        return None

    def _in_turn(self, action: Callable[[], Any]) -> Any:
        """As `_with_retries`; each try waits for this writer's turn, and pauses give the turn up."""

        def taken() -> Any:
            with self._turn:
                return action()

        return self._with_retries(taken)


def sentence(fault: BaseException) -> str:
    """What an exception says, on one line of bounded length."""
    text = " ".join(str(fault).split()) or type(fault).__name__
    return text if len(text) <= 200 else f"{text[:197]}…"
