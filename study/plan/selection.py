"""Which rows of a table `--only AXIS=V1,V2` chooses."""

from collections.abc import Mapping, Sequence

from study.declare.table import Label, Row, Study
from study.errors import OptionError


def select_rows(rows: Sequence[Row], only: Mapping[str, Sequence[str]], study: Study) -> list[Row]:
    """The rows that `only` chooses. Raises: OptionError for an axis or a value that the table does not have."""
    kept = list(rows)
    for axis, texts in only.items():
        if axis not in rows[0].axes:
            raise OptionError(f"study {study.name} has no axis {axis}: choose among {', '.join(rows[0].axes)}")
        wanted = _wanted(study.name, axis, texts, list(dict.fromkeys(row.axes[axis] for row in rows)))
        kept = [row for row in kept if any(matches(row.axes[axis], part) for part in wanted)]
    return kept


def _wanted(study: str, axis: str, texts: Sequence[str], labels: Sequence[Label]) -> list[str]:
    """The values typed for an axis, each of which means one of its labels. Raises: OptionError for one that means none."""
    wanted = [part for text in texts for part in _parts(text, labels)]
    for part in wanted:
        if not any(matches(label, part) for label in labels):
            choices = ", ".join(str(label) for label in labels)
            raise OptionError(f"{study}'s axis {axis} has no value {part or repr(part)}: choose among {choices}")
    return wanted


def _parts(text: str, labels: Sequence[Label]) -> list[str]:
    """The values in `V1,V2`; a label that itself holds a comma is one value."""
    return [text] if any(matches(label, text) for label in labels) else text.split(",")


def matches(label: Label, text: str) -> bool:
    """Whether a value typed on the command line means this label (`->` also means `→`, and `<=` means `≤`)."""
    if _typed(str(label)) == _typed(text):
        return True
    try:
        return not isinstance(label, str) and float(text) == float(label)
    except (ValueError, OverflowError):
        return False


def _typed(text: str) -> str:
    """A label as a keyboard writes it."""
    return text.replace("→", "->").replace("≤", "<=").lower()
