"""What a notebook shows of studies, trials and launches: small tables, without style sheets or anything from elsewhere."""

from collections.abc import Iterable, Sequence
from html import escape


def table(head: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """A table as HTML, all of its text escaped."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"{paragraph(caption)}<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def paragraph(text: str) -> str:
    """Text as a paragraph of HTML, escaped; nothing for no text."""
    return f"<p>{escape(text)}</p>" if text else ""


def _cell(value: object) -> str:
    return f"<td style='text-align: left'>{escape(str(value))}</td>"
