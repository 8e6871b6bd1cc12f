"""Tables that fit a terminal: what is too wide is laid out otherwise, and nothing is cut.

A table takes the first of these forms that fits: as it is; with heads and long texts folded between words; in blocks of
columns, one below the other, each with the columns that name the rows; and else a paragraph for each row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

GAP = 2
"""Blanks between two columns."""

WHOLE = 20
"""A cell of at most so many letters, a number with its interval for example, is never folded."""


@dataclass(frozen=True)
class Section:
    """Rows of a table below a title of their own, which may be empty."""

    title: str
    rows: Sequence[Sequence[Text]]


@dataclass(frozen=True)
class Grid:
    """A table: its heads, its rows in sections, and how many of its first columns name a row."""

    head: Sequence[str]
    sections: Sequence[Section]
    labels: int

    def blocks(self, width: int) -> list[list[int]]:
        """The columns of each block, by number; none where a row does not fit beside its name."""
        return _blocks([self._least(i) for i in range(len(self.head))], self.labels, width)

    def lay_out(self, width: int) -> Iterator[RenderableType]:
        """What is printed, of at most `width` letters a line."""
        blocks = self.blocks(width)
        for place, block in enumerate(blocks):
            widths = self._widths(block, width)
            if place:
                yield ""
            for number, section in enumerate(self.sections):
                if section.title:
                    yield Text(section.title, style="bold underline")
                rows = [[row[i] for i in block] for row in section.rows]
                yield _table([self.head[i] for i in block], rows, widths, show_header=not number)
        if not blocks:
            yield from self._paragraphs()

    def _paragraphs(self) -> Iterator[RenderableType]:
        for section in self.sections:
            if section.title:
                yield Text(section.title, style="bold underline")
            for row in section.rows:
                pairs = [Text.assemble((f"{name} ", "dim"), cell) for name, cell in zip(self.head, row, strict=True)]
                if self.labels:
                    yield Text(", ").join(pairs[: self.labels])
                yield Padding(Text(", ").join(pairs[self.labels :]), (0, 0, 0, GAP if self.labels else 0))

    def _cells(self, column: int) -> list[str]:
        return [row[column].plain for section in self.sections for row in section.rows]

    def _least(self, column: int) -> int:
        """The width that a column needs when its head and its long texts are folded."""
        cells = self._cells(column)
        parts = [part for cell in cells for part in ([cell] if len(cell) <= WHOLE else cell.split())]
        return max(map(cell_len, [*self.head[column].split(), *parts]), default=1)

    def _widths(self, block: Sequence[int], width: int) -> list[int]:
        """The widths of a block's columns: what each needs, and what is left for those that then fold less."""
        widths = {column: self._least(column) for column in block}
        wanted = {column: max(map(cell_len, [self.head[column], *self._cells(column)])) for column in block}
        left = width - sum(widths.values()) - GAP * (len(block) - 1)
        for column in sorted(block, key=lambda column: wanted[column] - widths[column]):
            more = min(wanted[column] - widths[column], max(0, left))
            widths[column], left = widths[column] + more, left - more
        return [widths[column] for column in block]


def _blocks(least: Sequence[int], labels: int, width: int) -> list[list[int]]:
    names, values = list(range(labels)), list(range(labels, len(least)))
    room = width - sum(least[:labels]) - GAP * labels
    blocks: list[list[int]] = []
    used = 0
    for column in values:
        if least[column] > room:
            return []
        if not blocks or used + GAP + least[column] > room:
            blocks.append([*names])
            used = -GAP
        blocks[-1].append(column)
        used += GAP + least[column]
    is_crowded = len(blocks) > 1 and len(values) > 2 and any(len(block) == labels + 1 for block in blocks[:-1])
    return [] if is_crowded or not values else blocks


def _table(head: Sequence[str], rows: Sequence[Sequence[Text]], widths: Sequence[int], show_header: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=show_header)
    for name, width in zip(head, widths, strict=True):
        table.add_column(Text(name), width=max(1, width), overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
