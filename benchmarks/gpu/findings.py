"""What a run has found so far. The file is written whole after every line, so that a run that is cut off loses nothing."""

from pathlib import Path
from typing import Any

from benchmarks.options import write_numbers

Line = dict[str, Any]


class Findings:
    """Facts by name, and lines by part."""

    def __init__(self, folder: Path | None, name: str) -> None:
        self.found: dict[str, Any] = {"complete": False, "left_out": []}
        self._folder, self._name = folder, name

    def note(self, name: str, value: Any) -> None:
        """Keep a fact."""
        self.found[name] = value
        write_numbers(self._folder, self._name, self.found)

    def add(self, part: str, line: Line) -> None:
        """Keep a line of a part."""
        self.note(part, [*self.found.get(part, []), line])

    def leave_out(self, part: str, what: str, why: str) -> None:
        """Name what was left out."""
        self.add("left_out", {"part": part, "what": what, "why": why})


def in_a_line(fault: BaseException) -> str:
    """A fault in one line."""
    return f"{type(fault).__name__}: {fault}".splitlines()[0][:300]
