"""A clerk: the thread that keeps a mirror up to date, and that nobody ever waits for.

Tasks are handed over and forgotten. Between tasks the clerk works off a backlog of entries, one at a time, so that news
of a running pack is not kept waiting by a thousand old trials. A fault is tried again a few times; then the entry or task is
given up, and after two in a row the clerk falls silent for the rest of the launch.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from study.ledger_entry import Entry

MOST_WAITING = 64
"""Tasks waiting from which on droppable ones are dropped."""

PAUSES_S = (0.5, 2.0)
"""Pauses before the second and the third try."""

STRIKES = 2


class PermanentError(Exception):
    """A fault that trying again cannot mend."""


class Book(Protocol):
    """What the clerk writes into. Opened and used on the clerk's thread alone."""

    def missing(self) -> Mapping[str, str]: ...
    def entries(self, wanted: Mapping[str, str]) -> Iterator[Entry]: ...
    def write(self, entry: Entry) -> None: ...


class Clerk:
    """Works for one book. `fault` is why something could not be written; `left` counts entries still to be written."""

    def __init__(self, open_book: Callable[[], Any]) -> None:
        self.fault: str | None = None
        self.left = 0
        self.opened = False
        self._open = open_book
        self._tasks: queue.SimpleQueue[Callable[[Any], object] | None] = queue.SimpleQueue()
        self._backlog: Iterator[Entry] | None = None
        self._stale = False
        self._strikes = 0
        self._cut = False
        self._last: Callable[[Any], object] | None = None
        self._closing, self._hurry, self._done = threading.Event(), threading.Event(), threading.Event()
        # A daemon: a hung server must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask(self, task: Callable[[Any], object], droppable: bool = False) -> None:
        """Hand a task over; it gets the book. A droppable one is dropped when the clerk is behind."""
        if not self._done.is_set() and not (droppable and self._tasks.qsize() >= MOST_WAITING):
            self._tasks.put(task)

    def refresh(self) -> None:
        """There may be new entries to write."""
        self.ask(self._look)

    def finish(
        self, last: Callable[[Any], object], patience_s: float, on_wait: Callable[[int], None] | None = None
    ) -> None:
        """Let the clerk write what is left, for `patience_s` at most, and then the last task."""
        if not self.is_started:
            return
        self._last = last
        self._closing.set()
        self._tasks.put(None)
        deadline = time.monotonic() + patience_s
        while not self._done.wait(min(0.5, max(0.0, deadline - time.monotonic()))) and time.monotonic() < deadline:
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
        return self.opened and self._done.is_set() and not self.left and self._strikes < STRIKES and not self._cut

    def _run(self) -> None:
        try:
            book = self._patiently(self._open)
            self.opened = book is not None
            while self.opened and self._strikes < STRIKES and not self._hurry.is_set() and self._work(book):
                pass
            if self.opened and self._strikes < STRIKES and self._last:
                self._once(lambda: self._last and self._last(book))
        except BaseException as fault:
            self.fault = sentence(fault)
        finally:
            self._done.set()

    def _work(self, book: Book) -> bool:
        """Do the next task, or else write the next entry. Returns whether there may be more to do."""
        idle = self._backlog is None and not self._stale
        if idle and self._closing.is_set() and self._tasks.empty():
            return False
        try:
            task = self._tasks.get(block=idle)
        except queue.Empty:
            self._write_next(book)
            return True
        if task:
            self._patiently(lambda: task(book) or True)
        return True

    def _look(self, book: Book) -> None:
        self.left = len(book.missing())
        self._stale = self.left > 0

    def _write_next(self, book: Book) -> None:
        entry = self._patiently(lambda: self._next_entry(book))
        if not entry:
            self._backlog = None
        elif self._patiently(lambda: book.write(entry) or True):
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
                if pause is None or isinstance(fault, PermanentError) or self._hurry.wait(pause):
                    break
            else:
                self._strikes = 0
                return value
        self._strikes += 1
        return None

    def _once(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as fault:
            self.fault = sentence(fault)


def sentence(fault: BaseException) -> str:
    """A fault in one line of bounded length."""
    text = " ".join(str(fault).split()) or type(fault).__name__
    return text if len(text) <= 200 else f"{text[:197]}…"
