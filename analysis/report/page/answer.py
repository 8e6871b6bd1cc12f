"""What a report says first: how many trials became what, the verdicts, and the table at a glance."""

from collections.abc import Mapping, Sequence
from html import escape

from analysis.claims.claim import WORDS, Claim, tally
from analysis.frames.load import Header
from analysis.frames.regime import MEANINGS
from analysis.report.page.document import Section, scrolled
from analysis.report.page.interval_strip import MOST_STRIPS, strip
from analysis.tables.cells import OF_PROBES, Cell, Glance
from analysis.tables.interval import NOTHING

CLAIMS_PAGE = "claims.html"
"""Where the page of claims is, in the home."""

MOST_LINES = 200
"""Rows of a glance: more are none."""

NAMES = {"unconverged": "not converged"}


def counts(counted: dict[str, int], header: Header) -> str:
    """The numbers of trials, large; those that are zero step back."""
    shown = {name: n for name, n in counted.items() if header.trained or name in OF_PROBES}
    items = "".join(
        f"<div class='count{'' if n else ' none'}'><b>{n:,}</b> {escape(NAMES.get(name, name))}</div>"
        for name, n in shown.items()
    )
    return f"<div class='counts'>{items}</div>"


def verdicts(claims: Sequence[Claim]) -> list[Section]:
    """A section with each claim, what was expected and what was measured; none where there are no claims."""
    if not claims:
        return []
    items = "".join(
        f"<li><span>{badge(one.verdict)}</span><div><p>{_numbers(one)}{escape(one.data)}: {escape(one.claim)}.</p>"
        f"<p class='strips'>{''.join(map(strip, one.comparisons[:MOST_STRIPS]))}</p></div>"
        f"<p class='quiet'>{escape(one.measured)}. {escape(_why(one))}Expected: {escape(one.expected)} "
        f"({escape(one.source)}), {one.trials} trials.</p></li>"
        for one in claims
    )
    content = f"<p class='quiet'>{escape(tally(claims))}</p><ul class='verdicts'>{items}</ul>"
    return [Section("verdicts", "What the numbers say", content, "Verdicts")]


def badge(verdict: str, words: Mapping[str, str] = WORDS) -> str:
    """A verdict on its colour."""
    return f"<b class='badge {escape(verdict.replace(' ', '-'))}'>{escape(words.get(verdict, verdict))}</b>"


def _numbers(claim: Claim) -> str:
    """The statements that it tests, each a link to the page of claims, which lies in the home."""
    return "".join(f"<a class='no' href='../../../{CLAIMS_PAGE}#{number}'>{number}</a> " for number in claim.statements)


def _why(claim: Claim) -> str:
    return f"{claim.why_undecided[:1].upper()}{claim.why_undecided[1:]}. " if claim.why_undecided else ""


def at_a_glance(glance: Glance, notes: Sequence[str]) -> list[Section]:
    """A section with the glance, and what its regimes mean; none for probes alone. On a narrow screen rows become cards."""
    if not glance.rows:
        return []
    head = "".join(f"<th scope='col'>{escape(text)}</th>" for text in [*glance.axes, *glance.columns])
    lines = [*zip(glance.rows, glance.sparse_rows(), glance.cells, strict=True)][:MOST_LINES]
    body = "".join(f"<tr>{_labels(glance, row, sparse)}{_cells(glance, line)}</tr>" for row, sparse, line in lines)
    table = f"<table class='glance'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    said = "".join(f"<p class='quiet'>{escape(note)}</p>" for note in notes)
    more = len(glance.rows) - MOST_LINES
    left = f"<p class='quiet'>And {more:,} more rows: they are in the table below.</p>" if more > 0 else ""
    content = f"{scrolled(table, len(lines))}{left}{_legend(glance)}{said}"
    return [Section("glance", "At a glance", content)]


def _labels(glance: Glance, row: Sequence[str], sparse: Sequence[str]) -> str:
    """The labels of a row; those that repeat the row above are shown on cards alone."""
    return "".join(
        f"<th scope='row' class='{'' if above else 'same'}' data-label='{escape(axis)}'><span>{escape(text)}</span></th>"
        for axis, text, above in zip(glance.axes, row, sparse, strict=True)
    )


def _cells(glance: Glance, line: Sequence[Cell]) -> str:
    return "".join(
        f"<td class='{_looks(cell)}' data-label='{escape(column)}' "
        f"title='{cell.agreeing} of {cell.of}'>{escape(cell.text)}</td>"
        for column, cell in zip(glance.columns, line, strict=True)
    )


def _looks(cell: Cell) -> str:
    return "nothing" if cell.regime == NOTHING else f"{escape(cell.regime)}{' moving' if cell.mark else ''}"


def _legend(glance: Glance) -> str:
    seen = {text for line in glance.cells for cell in line for text in (cell.regime, cell.mark)}
    items = "".join(
        f"<li><span class='{escape(name)}'>{escape(name)}</span>{escape(meaning)}</li>"
        for name, meaning in MEANINGS.items()
        if name in seen
    )
    return (
        f"<p class='quiet'>Each cell: mean number of active latents, and the regime.</p><ul class='legend'>{items}</ul>"
    )
