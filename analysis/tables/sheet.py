"""A table of a study's own: what a paper would print, as CSV, Markdown and LaTeX.

Pandas is imported only to write one: a study's file may import `Sheet`, and planning does not need pandas.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.frames.types import Frame


@dataclass(frozen=True)
class Sheet:
    """A table: its file name without suffix, its caption, and its rows with headings as a reader sees them.

    Numbers are stored in full and written in three significant digits; columns of text are written as they are. `unmeasured`
    counts the rows that are left out, since nothing of them is measured yet.
    """

    name: str
    caption: str
    frame: "Frame"
    unmeasured: int = 0

    @classmethod
    def of(cls, name: str, caption: str, rows: Iterable[Mapping[str, Any] | None]) -> "Sheet":
        """A table of rows, where None stands for a row of which nothing is measured yet."""
        import pandas as pd

        listed = list(rows)
        known = [row for row in listed if row is not None]
        return cls(name, caption, pd.DataFrame(known), len(listed) - len(known))

    def measured(self, labels: Collection[str]) -> "Sheet":
        """The table without rows that hold nothing but these labels: text, numbers and None below these headings."""
        values = self.frame.drop(columns=[name for name in self.frame if name in labels])
        if values.empty:
            return self
        known = values.map(_is_known).any(axis=1)
        return replace(self, frame=self.frame[known], unmeasured=self.unmeasured + int((~known).sum()))

    def text(self) -> tuple[list[str], list[list[str]]]:
        """Headings and rows as they are written."""
        return [str(name) for name in self.frame], [[_written(value) for value in row] for row in self.frame.to_numpy()]

    def csv(self) -> bytes:
        """The numbers in full, for programs."""
        return self.frame.to_csv(index=False).encode()

    def markdown(self) -> str:
        """The table for readers."""
        head, body = self.text()
        return rows_in_markdown(head, body)

    def latex(self) -> bytes:
        """A booktabs table with its caption; needs `\\usepackage{booktabs}`."""
        return in_latex(*self.text(), self.caption)


def rows_in_markdown(head: list[str], body: list[list[str]]) -> str:
    """A Markdown table, columns padded so that it also reads as plain text."""
    widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]
    rule = ["-" * width for width in widths]
    lines = (
        " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in [head, rule, *body]
    )
    return "".join(f"| {line} |\n" for line in lines)


_TEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"γ": r"$\gamma$", "β": r"$\beta$", "κ": r"$\kappa$", "ζ": r"$\zeta$", "λ": r"$\lambda$", "σ": r"$\sigma$"}
    | {"δ": r"$\delta$", "ε": r"$\varepsilon$", "<": "$<$", ">": "$>$"}
    | {"Σ": r"$\Sigma$", "²": "$^2$", "±": r"$\pm$", "≤": r"$\le$", "≥": r"$\ge$", "×": r"$\times$", "−": "$-$"}
    | {"₀": "$_0$", "₁": "$_1$", "₂": "$_2$", "₃": "$_3$", "ᵢ": "$_i$", "∞": r"$\infty$", "→": r"$\to$", "—": "---"}
    | {"√": r"$\surd$", "Δ": r"$\Delta$", "∂": r"$\partial$", "‖": r"$\Vert$", "·": r"$\cdot$", "…": r"\ldots{}"}
)


def in_latex(head: list[str], body: list[list[str]], caption: str) -> bytes:
    """A LaTeX table in the style of booktabs."""
    lines = [" & ".join(text.translate(_TEX) for text in row) + r" \\" for row in [head, *body]]
    parts = [
        r"\begin{table}",
        rf"\caption{{{caption.translate(_TEX)}}}",
        rf"\begin{{tabular}}{{{'l' * len(head)}}}",
        r"\toprule",
        lines[0],
        r"\midrule",
        *lines[1:],
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join([*parts, ""]).encode()


def _is_known(value: object) -> bool:
    from analysis.tables.interval import NOTHING

    return _written(value) not in ("", NOTHING)


def _written(value: object) -> str:
    import pandas as pd

    from analysis.tables.interval import NOTHING, number

    if value is None or value is pd.NA:
        return NOTHING
    if isinstance(value, bool | str):
        return str(value)
    return number(float(value))  # pyright: ignore[reportArgumentType]
