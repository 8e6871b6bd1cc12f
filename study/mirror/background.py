"""A clerk: the thread that keeps a mirror up to date, and that nobody ever waits for.

Tasks are handed over and forgotten. Between tasks the clerk works off a backlog of entries, one at a time, so that news
of a running pack is not kept waiting by a thousand old trials. A fault is tried again a few times; then the entry or task is
given up. After two in a row the clerk closes the book, rests, and opens it anew: a server that comes back is served again.
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

from study.mirror.entry import Entry

MOST_WAITING = 64
"""Tasks waiting from which on droppable ones are dropped."""

PAUSES_S = (0.5, 2.0)
"""Pauses before the second and the third try."""

STRIKES = 2
REST_S = 60.0
STALL_S = 30.0
"""How long a launch's end waits for a clerk that gets nothing done."""

LOCK_POLL_S, LOCK_PATIENCE_S = 0.5, 5.0
"""How often a book that another one writes is tried, and for how long at the end."""

Task = Callable[[Any], object]


class PermanentError(Exception):
    """A fault that trying again cannot mend."""


class BusyError(Exception):
    """Somebody else is writing the book."""


class Book(Protocol):
    """What the clerk writes into. Opened and used on the clerk's thread alone."""

    def missing(self) -> Mapping[str, str]: ...
    def entries(self, wanted: Mapping[str, str]) -> Iterator[Entry]: ...
    def write(self, entry: Entry) -> None: ...
    def settle(self) -> None: ...


class Clerk:
    """Works for one book. `fault` is why something could not be written; `left` counts entries still to be written.

    Clerks that share a `turn` work one at a time: several would take every core from the training, and the driver's own
    thread would wait for each of them.
    """

    def __init__(
        self, open_book: Callable[[], AbstractContextManager[Any]], turn: AbstractContextManager[Any] | None = None
    ) -> None:
        self._turn = turn or threading.Lock()
        self.fault: str | None = None
        self.left = 0
        self.opened = self.is_kept_out = False
        self._open = open_book
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._backlog: Iterator[Entry] | None = None
        self._stale = self._looked_back = False
        self._strikes = 0
        self._cut = self._ended = self._is_hopeless = False
        self._moved = self._finishing = time.monotonic()
        self._book: Book | None = None
        self._first: Task | None = None
        self._last: Task | None = None
        self._closing, self._hurry, self._done = threading.Event(), threading.Event(), threading.Event()
        # A daemon: a hung server must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def start(self, first: Task) -> None:
        """Begin. `first` is what a book gets whenever it is opened."""
        self._first = first
        self._thread.start()

    def ask(self, task: Task, droppable: bool = False) -> None:
        """Hand a task over; it gets the book. A droppable one is dropped when the clerk is behind."""
        if not self._done.is_set() and not (droppable and self._tasks.qsize() >= MOST_WAITING):
            self._tasks.put(task)

    def refresh(self) -> None:
        """There may be new entries to write."""
        self.ask(self._look)

    def finish(self, last: Task) -> None:
        """Let the clerk write what is left, and then do the last task. Nothing is waited for."""
        self._last = last
        self._moved = self._finishing = time.monotonic()
        self._closing.set()
        self._tasks.put(None)

    def wait(self, patience_s: float, on_wait: Callable[[int], None] | None = None) -> None:
        """Wait for a clerk that is to finish, until `patience_s` after it was told so at most, and while it gets on."""
        if not self.is_started:
            return
        deadline = self._finishing + patience_s
        while (left := min(deadline, self._moved + STALL_S) - time.monotonic()) > 0:
            if self._done.wait(min(0.5, left)):
                break
            if on_wait:
                on_wait(self.left)
        self._cut = not self._done.is_set()
        self._hurry.set()
        self._done.wait(2.0)

    @property
    def is_started(self) -> bool:
        return self._thread.ident is not None

    @property
    def is_complete(self) -> bool:
        """Whether everything there was to write has been written."""
        return self._ended and self._done.is_set() and not self.left and not self._cut

    def _run(self) -> None:
        _give_way()
        try:
            while not self._serve():
                self._closing.wait(REST_S)
        except BaseException as fault:
            self.fault = sentence(fault)
        finally:
            if self._book and not self._ended:
                with contextlib.suppress(Exception):  # the records tell how much is left, if they can be read
                    self._look(self._book)
            self._done.set()

    def _serve(self) -> bool:
        """Open the book and write until there is nothing left to do. Returns whether there is no use in going on."""
        is_last_try = self._closing.is_set()
        self._strikes, self._backlog, self._stale, self._looked_back = 0, None, False, False
        with contextlib.ExitStack() as held:
            book = self._patiently(lambda: self._opened_in(held))
            if book is not None:
                self.opened, self._book = True, book
                self._in_turn(lambda: (self._first and self._first(book), self._look(book)))
                while self._strikes < STRIKES and not self._hurry.is_set() and self._work(book):
                    pass
                if self._strikes < STRIKES:
                    self._ended = bool(self._in_turn(lambda: (self._last and self._last(book), True)))
        return self._ended or is_last_try or self._is_hopeless or self._hurry.is_set()

    def _opened_in(self, held: contextlib.ExitStack) -> Any:
        """The book, as soon as nobody else writes it; once the launch ends it is not waited for much longer."""
        until = None
        while True:
            try:
                with self._turn:
                    book = held.enter_context(self._open())
            except BusyError:
                self.is_kept_out = True
                if self._closing.is_set():
                    until = until or time.monotonic() + LOCK_PATIENCE_S
                    if self._hurry.is_set() or time.monotonic() > until:
                        self._is_hopeless = True
                        raise
                (self._hurry if self._closing.is_set() else self._closing).wait(LOCK_POLL_S)
            else:
                self.is_kept_out = False
                return book

    def _work(self, book: Book) -> bool:
        """Do the next task, or else write the next entry. Returns whether there may be more to do."""
        idle = self._backlog is None and not self._stale
        if idle and self._closing.is_set() and self._tasks.empty():
            if not self._looked_back:  # another launch may have committed meanwhile
                self._looked_back = True
                self._in_turn(lambda: (self._look(book), True))
            return self._stale
        try:
            task = self._tasks.get(block=idle)
        except queue.Empty:
            self._write_next(book)
            return True
        if task:
            self._in_turn(lambda: (task(book), True))
        return True

    def _look(self, book: Book) -> None:
        self.left = len(book.missing())
        self._stale = self.left > 0

    def _write_next(self, book: Book) -> None:
        entry = self._in_turn(lambda: self._next_entry(book))
        if not entry:
            self._backlog = None
            self._in_turn(lambda: (book.settle(), True))
        elif self._in_turn(lambda: (book.write(entry), True)):
            self.left = max(0, self.left - 1)

    def _next_entry(self, book: Book) -> Entry | bool:
        """The next entry of the backlog; False at its end. After a fault the next call starts a new backlog."""
        if self._backlog is None:
            self._stale = False
            self._backlog = book.entries(book.missing())
        try:
            return next(self._backlog, False)
        except Exception:
            self._backlog = None
            raise

    def _patiently(self, action: Callable[[], Any]) -> Any:
        """The action's value, trying again after a pause; None, and a strike, where it fails for good."""
        for pause in (*PAUSES_S, None):
            try:
                value = action()
            except Exception as fault:
                self.fault = sentence(fault)
                self._is_hopeless |= isinstance(fault, PermanentError)
                if pause is None or self._is_hopeless or self._hurry.wait(pause):
                    break
            else:
                self._strikes, self._moved = 0, time.monotonic()
                return value
        self._strikes += 1
        return None

    def _in_turn(self, action: Callable[[], Any]) -> Any:
        """The action's value, as `_patiently`; each try waits for this clerk's turn, which a pause gives up."""

        def taken() -> Any:
            with self._turn:
                return action()

        return self._patiently(taken)


def _give_way() -> None:
    """Training comes first: on Linux a thread has a niceness of its own, and Ray's workers are nice already."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)


def sentence(fault: BaseException) -> str:
    """A fault in one line of bounded length."""
    text = " ".join(str(fault).split()) or type(fault).__name__
    return text if len(text) <= 200 else f"{text[:197]}…"
