"""Which rows of a table `--only AXIS=V1,V2` chooses.

A typed value means the label that is written exactly so. Where there is none, it means the label of the same value, as Python
reads numbers, tuples and text in quotes; and only then a label that differs in case, in blanks, or in signs that keyboards
lack. A value that could mean several labels is refused.
"""

import ast
import difflib
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from study.declare.table import Label, Row, Study
from study.errors import OptionError

_OPEN, _CLOSE, _QUOTES = "([{", ")]}", "\"'"
_NOTHING = object()
MOST_SHOWN = 30
"""Labels that a sentence lists whole."""

_ON_KEYBOARDS = str.maketrans({"→": "->", "≤": "<=", "×": "x", "−": "-"})


def select_rows(
    rows: Sequence[Row],
    only: Mapping[str, Sequence[str]],
    study: Study,
    choices: Mapping[str, Sequence[Label]] = MappingProxyType({}),
) -> list[Row]:
    """The rows that `only` chooses; `choices` are labels that may have no row yet. Raises: OptionError for what is none."""
    kept = list(rows)
    _check_axes(rows[0].axes, only, study)
    for axis, texts in only.items():
        labels = list(dict.fromkeys([*choices.get(axis, ()), *(row.axes[axis] for row in rows)]))
        wanted = {label for text in texts for label in meant(text, labels, f"{study.name}'s axis {axis}")}
        kept = [row for row in kept if row.axes[axis] in wanted]
    return kept


def _check_axes(known: Iterable[str], asked: Iterable[str], study: Study) -> None:
    if strangers := [axis for axis in asked if axis not in known]:
        raise OptionError(f"study {study.name} has no axis {strangers[0]}: choose among {', '.join(known)}")


def meant(text: str, labels: Sequence[Label], of: str) -> list[Label]:
    """The labels that a typed text means: one, or several with commas between them, in brackets or not.

    Commas within a label, brackets or quotes separate nothing. Raises: OptionError, which calls the axis what `of` says.
    """
    reading = _Reading(labels)
    inner = text.strip()[1:-1] if _is_bracketed(text) else text
    for way in (text, inner):
        for depth in (2, 3, 4):  # exactly, then by value, then loosely
            if found := reading.sequence(way, depth):
                return found
    unclear = next((part for part in _parts(inner) if len(reading.meanings(part)) != 1), inner)
    raise OptionError(_refusal(unclear, reading, of))


class _Reading:
    """The labels of an axis, by how a person may type them."""

    def __init__(self, labels: Sequence[Label]) -> None:
        self.labels = labels
        self._longest = max((str(label).count(",") for label in labels), default=0) + 2  # a tuple may end in a comma
        self.levels = (
            (str, _indexed(labels, lambda label: [str(label)])),
            (str.strip, _indexed(labels, lambda label: [str(label)])),
            (_value, _indexed(labels, lambda label: {_alike(label), _value(str(label))} - {_NOTHING})),
            (_typed, _indexed(labels, lambda label: [_typed(str(label))])),
        )
        """How a typed text becomes a key, and the labels of each key: the strictest way first."""

    def sequence(self, text: str, depth: int) -> list[Label]:
        """The labels whose texts, with commas between them, make up `text`; none where there are no such labels.

        Of several ways the one with the longest first label counts. `depth` is how many levels a label may be found at.
        """
        parts = text.split(",")
        ends = len(parts)
        ways: list[list[Label] | None] = [*[None] * ends, []]
        for start in reversed(range(ends)):
            for end in range(min(ends, start + self._longest), start, -1):
                rest = ways[end]
                found = [] if rest is None else self.meanings(",".join(parts[start:end]), depth)
                if rest is not None and len(found) == 1:
                    ways[start] = [*found, *rest]
                    break
        return ways[0] or []

    def meanings(self, text: str, depth: int | None = None) -> list[Label]:
        """The labels that one value could mean, at the first level that knows any."""
        return next((labels[key(text)] for key, labels in self.levels[:depth] if key(text) in labels), [])


def _indexed(labels: Sequence[Label], keys: Callable[[Label], Iterable[Any]]) -> dict[Any, list[Label]]:
    """Key → the labels that have it."""
    found: dict[Any, list[Label]] = {}
    for label in labels:
        for key in keys(label):
            found.setdefault(key, []).append(label)
    return found


def _refusal(part: str, reading: _Reading, of: str) -> str:
    near = reading.meanings(part)
    told = f"{of} has no value {_on_one_line(part) or repr(part)}"
    if near:
        return f"{told}, and it might mean {' or '.join(map(_shown, near))}: write one of these"
    return f"{told}: choose among {_listed(part, [*map(_shown, reading.labels)])}"


def _listed(part: str, shown: list[str]) -> str:
    """All labels; of many the nearest to what was typed, or the first and the last."""
    if len(shown) <= MOST_SHOWN:
        return ", ".join(shown)
    near = difflib.get_close_matches(part, shown, n=3, cutoff=0.7)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"{len(shown)} labels, {', '.join(shown[:3])}, … {shown[-1]}{hint}"


def _shown(label: Label) -> str:
    return _on_one_line(str(label)) or f"{label!r} (nothing)"


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _value(text: str) -> Any:
    """The number, tuple or quoted text that Python reads, as it is compared; `_NOTHING` where it reads none."""
    for read in (int, float, ast.literal_eval):
        try:
            with warnings.catch_warnings(action="ignore"):  # of what no program would write
                return _alike(read(text.strip()))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return _NOTHING


def _alike(value: Any) -> Any:
    """A value as it is compared: `[64, 64]` is `(64, 64)`, `1.0` is `1`, and neither is True."""
    if isinstance(value, list | tuple):
        return tuple(map(_alike, value))
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else repr(value)


def _is_bracketed(text: str) -> bool:
    inner = text.strip()
    is_open = len(inner) > 1 and inner[0] in _OPEN and inner[-1] == _CLOSE[_OPEN.index(inner[0])]
    return is_open and len(_parts(inner)) == 1


def _parts(text: str) -> list[str]:
    """The text between commas that stand in no brackets and no quotes; between all commas where these do not close."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if letter == "," and not depth and not quote:
            parts.append("")
            continue
        parts[-1] += letter
        if quote:
            quote = "" if letter == quote else quote
        elif letter in _QUOTES:
            quote = letter
        else:
            depth += (letter in _OPEN) - (letter in _CLOSE)
    return text.split(",") if depth or quote else parts


def _typed(text: str) -> str:
    """A label as a keyboard writes it, without blanks; an `é` is one, of one letter or of two."""
    plain = unicodedata.normalize("NFKC", text.translate(_ON_KEYBOARDS))
    return "".join(plain.casefold().split())
