"""The shell of a page: its sections with links to them, its style, its scripts, and the data that these unpack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path

from analysis.report.page.libraries import library, packed

HERE = Path(__file__).parent
SCRIPTS = ("theme.js", "unpack.js", "tables.js", "charts.js", "lazy.js")
STYLES = ("page.css", "tables.css", "claims.css")

MOST_ROWS = 60
"""Rows of a table that are shown in full."""


@dataclass(frozen=True)
class Section:
    """A part of a page: its anchor, its heading, its HTML, and what a shorter link to it says.

    `data` are texts, most of them JSON, that the page's scripts find under their names; `libraries` is what they need.
    """

    anchor: str
    heading: str
    content: str
    link: str = ""
    data: Mapping[str, str] = field(default_factory=dict)
    libraries: Sequence[str] = ()


def document(title: str, top: str, sections: Sequence[Section], up: tuple[str, str] | None = None) -> str:
    """A whole page. `top` is its head, as HTML; `up` are address and text of a link to the page above."""
    data = {name: packed(text) for section in sections for name, text in section.data.items()}
    data |= {name: library(name) for section in sections for name in section.libraries}
    held = "".join(
        f"<script type='application/gzip' id='{escape(name)}'>{text}</script>" for name, text in data.items()
    )
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{_read(STYLES)}</style></head><body>"
        f"{_navigation(sections, up)}<main><header>{top}</header>{''.join(map(_section, sections))}</main>"
        f"{held}<script type='module'>{_read(SCRIPTS)}</script></body></html>\n"
    )


def scrolled(table: str, rows: int = 0) -> str:
    """A table that scrolls within the page where it is wide, or so long that what comes below would be out of reach."""
    return f"<div class='scroll{' tall' if rows > MOST_ROWS else ''}' tabindex='0'>{table}</div>"


def _section(section: Section) -> str:
    return f"<section id='{escape(section.anchor)}'><h2>{escape(section.heading)}</h2>{section.content}</section>"


def _navigation(sections: Sequence[Section], up: tuple[str, str] | None) -> str:
    above = f"<a class='up' href='{escape(up[0])}'>← {escape(up[1])}</a>" if up else ""
    links = "".join(f"<a href='#{escape(one.anchor)}'>{escape(one.link or one.heading)}</a>" for one in sections)
    button = "<button id='theme' type='button' hidden></button>"
    return f"<nav class='contents' aria-label='Contents'>{above}{links}{button}</nav>"


@cache
def _read(names: tuple[str, ...]) -> str:
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)
