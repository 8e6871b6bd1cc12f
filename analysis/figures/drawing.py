"""A figure as files for the report. Matplotlib is imported only to draw one: a study's file may import `Drawing`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """A figure: its file name without suffix, its caption, and the bytes of both formats."""

    name: str
    caption: str
    svg: bytes
    png: bytes

    @classmethod
    def of(cls, name: str, caption: str, figure: "Figure") -> "Drawing":
        """A figure of matplotlib's, drawn in both formats."""
        from analysis.figures.style import saved

        return cls(name, caption, saved(figure, "svg"), saved(figure, "png"))
