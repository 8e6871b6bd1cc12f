"""The surroundings of a command: outputs that are closed, full or ASCII, and settings that would break libraries.

What a command prints is never worth more than what it does. So an output that takes nothing more does not stop it: the rest
of the text is lost, and one sentence says so at the end.
"""

import io
import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO, cast

WIDTHS = range(20, 1001)
"""Widths of a terminal that COLUMNS is believed."""


class Output(io.FileIO):
    """A standard output that drops what it cannot write, and remembers why."""

    fault: OSError | None = None

    def write(self, content: bytes, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """How much of the content is done with."""
        try:
            return super().write(content)
        except OSError as fault:
            self.fault = self.fault or fault
            return len(content)


def keep_docstrings() -> None:
    """Run this command anew if Python drops docstrings: Ray edits its own when it is imported, and cannot do without."""
    if sys.flags.optimize < 2:
        return
    words = [*without_optimisation(sys.orig_argv[1:])]
    if os.environ.pop("PYTHONOPTIMIZE", "") or words != sys.orig_argv[1:]:
        os.execv(sys.executable, [sys.executable, *words])


def without_optimisation(words: Sequence[str]) -> Iterator[str]:
    """The words that Python was called with, but for `-O` and `-OO`, also where they stand within others, as in `-uOO`."""
    rest = iter(words)
    for word in rest:
        is_option = re.fullmatch("-[A-Za-z]+", word) and word[1] not in "WXcm"
        if not is_option or word.replace("O", "") != "-":
            yield word.replace("O", "") if is_option else word
        if word in ("-W", "-X"):
            yield next(rest)
        elif not is_option and word[:2] not in ("-W", "-X"):
            yield from rest


def prepare() -> str | None:
    """Make the surroundings fit for a command; returns a sentence about what it leaves out of account, if anything."""
    _open_what_is_closed()
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 (as long as the process lives)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _lenient(sys.stdout, 1)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _lenient(sys.stderr, 2)
    _believe_widths()
    _spare_settings_of_libraries()
    return _ignored_warnings()


def lost_output() -> str | None:
    """Why some of the output could not be written; None also where its reader has left, who did not want it."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    fault = raw.fault if isinstance(raw, Output) else None
    return None if fault is None or isinstance(fault, BrokenPipeError) else fault.strerror


def is_folder_gone() -> bool:
    """Whether the current folder was deleted."""
    try:
        os.getcwd()  # noqa: PTH109 (this is what pathlib calls)
    except FileNotFoundError:
        return True
    return False


def _open_what_is_closed() -> None:
    """Give closed standard descriptors to nothing: the next file that opened would get their numbers, and what is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _lenient(stream: TextIO | None, number: int) -> io.TextIOWrapper:
    """The stream as it was, but for what it does with what it cannot write; a γ that it has no letter for becomes a `?`."""
    raw = Output(number, "w", closefd=False)
    encoding = stream.encoding if stream else "utf-8"
    errors = "replace" if number == 1 else "backslashreplace"
    return io.TextIOWrapper(
        io.BufferedWriter(cast("io.RawIOBase", raw)), encoding, errors, line_buffering=raw.isatty() or number == 2
    )


def _believe_widths() -> None:
    for name in ("COLUMNS", "LINES"):
        text = os.environ.get(name, "")
        if text and not (text.isdecimal() and text.isascii() and int(text[:9]) in WIDTHS):
            del os.environ[name]


def _spare_settings_of_libraries() -> None:
    """Matplotlib complains where it cannot keep its settings in the user's home, and works all the same.

    It ends at once where MPLBACKEND names what is not installed, as for a command that a notebook calls: ours draw to files.
    """
    os.environ["MPLBACKEND"] = "agg"
    if "MPLCONFIGDIR" not in os.environ and not _is_writable(_home()):
        import tempfile

        os.environ["MPLCONFIGDIR"] = str(Path(tempfile.gettempdir()) / f"matplotlib-{os.getuid()}")


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # HOME is not set, and the user has no entry
        return None


def _is_writable(folder: Path | None) -> bool:
    return folder is not None and folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _ignored_warnings() -> str | None:
    """Workers and libraries warn of much that is no fault of the user's: as errors these would end the launch."""
    asked = os.environ.pop("PYTHONWARNINGS", "")
    if not any(part.strip().startswith("error") for part in asked.split(",")):
        return None
    warnings.resetwarnings()
    warnings.simplefilter("ignore")
    return f"PYTHONWARNINGS={asked} is left out of account: libraries warn of what is no fault of the study"
