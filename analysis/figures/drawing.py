"""A drawn figure, as files for the report."""

from dataclasses import dataclass

from matplotlib.figure import Figure

from analysis.figures.style import saved


@dataclass(frozen=True)
class Drawing:
    """A figure: its file name without suffix, its caption, and the bytes of both formats."""

    name: str
    caption: str
    svg: bytes
    png: bytes

    @classmethod
    def of(cls, name: str, caption: str, figure: Figure) -> "Drawing":
        """A figure of matplotlib's, drawn in both formats."""
        return cls(name, caption, saved(figure, "svg"), saved(figure, "png"))
