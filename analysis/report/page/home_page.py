"""The home's page: every study with its counts and verdicts, and every claim by its topic, as the reports say them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT, OPEN, WORDS, tally
from analysis.report.overview import Told
from analysis.report.page.answer import CLAIMS_PAGE
from analysis.report.page.document import Section, document
from analysis.report.page.grid import Column, Entry, grid_section
from analysis.report.page.origin import reporting
from analysis.report.summary import Summary
from study.record import Home

HOME_PAGE = "index.html"
"""Where the page is, in the home."""

COUNTED = ("declared", "finished", "diverged", "failed")
"""What the table of studies counts of trials."""


def home_page(home: Home, found: Mapping[str, Summary | None]) -> str:
    """The page as HTML, from the summaries of a home's studies by their names; None where a study has no report."""
    told = [one for one in found.values() if one]
    claims = [Told(one.study, claim) for one in told for claim in one.claims]
    top = (
        f"<h1>Studies</h1><p class='caption'>{len(found)} in <code>{escape(str(home))}</code>; "
        f"{escape(tally([one.claim for one in claims]))}. "
        f"<a href='{CLAIMS_PAGE}'>What holds</a> goes through them source by source.</p>"
    )
    sections = [_studies(home, found), *([_claims(claims)] if claims else [])]
    return document("Studies", top, sections)


def _studies(home: Home, found: Mapping[str, Summary | None]) -> Section:
    columns = [
        Column("study"),
        Column("question"),
        *(Column(text, "number") for text in (*COUNTED, "hold", "fail", "undecided")),
        Column("written", "label"),
    ]
    rows = [_study(home, name, one) for name, one in found.items()]
    return grid_section("studies", "Studies", columns, rows, cards=True)


def _study(home: Home, name: str, told: Summary | None) -> list[Entry]:
    if not told:
        return [
            Entry(name, look="name"),
            Entry(f"No report yet: {reporting(name, home)} writes it."),
            *[Entry("")] * (len(COUNTED) + 4),
        ]
    said = Counter(claim.verdict for claim in told.claims)
    said[INSUFFICIENT] += said.pop(OPEN, 0)
    looks = {HOLDS: "holds", FAILS: "fails", INSUFFICIENT: ""}
    return [
        Entry(name, look="name", link=_page(name)),
        Entry(told.caption),
        *(Entry(f"{n:,}", n) for n in (told.counts.get(name, 0) for name in COUNTED)),
        *(Entry(str(said[verdict]), said[verdict], look if said[verdict] else "") for verdict, look in looks.items()),
        Entry(told.written.partition(" ")[0]),
    ]


def _page(study: str) -> str:
    """The report of a study, from the home's page."""
    return quote(f"studies/{study}/report/index.html")


def _claims(claims: Sequence[Told]) -> Section:
    columns = [Column("statement", "label"), Column("kind", "label"), Column("verdict", "label"), Column("claim")]
    columns += [Column("measured"), Column("expected"), Column("study", "label"), Column("trials", "number")]
    rows = [
        [
            Entry(", ".join(claim.statements), link=f"{CLAIMS_PAGE}#{claim.statements[0]}" if claim.statements else ""),
            Entry(str(claim.kind)),
            Entry(WORDS[claim.verdict], look=f"verdict {claim.verdict}"),
            Entry(f"{claim.data}: {claim.claim}"),
            Entry(f"{claim.measured}; {claim.why_undecided}" if claim.why_undecided else claim.measured),
            Entry(f"{claim.expected} ({claim.source})"),
            Entry(study, link=f"{_page(study)}#verdicts"),
            Entry(str(claim.trials), claim.trials),
        ]
        for study, claim in ((one.study, one.claim) for one in claims)
    ]
    return grid_section("claims", "Claims", columns, rows, cards=True)
