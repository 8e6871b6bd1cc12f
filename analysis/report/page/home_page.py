"""The home's page: every study with its counts and verdicts, and every claim by its topic, as the reports say them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT, WORDS, tally
from analysis.report.overview import Answer, answers
from analysis.report.page.document import Section, document
from analysis.report.page.grid import Column, Entry, grid_section
from analysis.report.page.origin import reporting
from analysis.report.summary import Summary
from study.record import Home

HOME_PAGE = "index.html"
"""Where the page is, in the home."""

REMEDY = "<code>collapsar claims</code> says which studies they need"

COUNTED = ("declared", "finished", "diverged", "failed")
"""What the table of studies counts of trials."""


def home_page(home: Home, found: Mapping[str, Summary | None]) -> str:
    """The page as HTML, from the summaries of a home's studies by their names; None where a study has no report."""
    told = [one for one in found.values() if one]
    claims = [(one.study, claim) for one in told for claim in one.claims]
    topics = answers(claims, {one.in_catalog for one in told})
    top = (
        f"<h1>Studies</h1><p class='caption'>{len(found)} in <code>{escape(str(home))}</code>; "
        f"{escape(tally([claim for _, claim in claims]))}.</p>"
    )
    sections = [_studies(home, found), *([_claims(topics), _topics(topics)] if claims else [])]
    return document("Studies", top, sections)


def _studies(home: Home, found: Mapping[str, Summary | None]) -> Section:
    columns = [
        Column("study"),
        Column("question"),
        *(Column(text, "number") for text in (*COUNTED, "hold", "fail", "lack data")),
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


def _topics(found: Sequence[Answer]) -> Section:
    columns = [
        Column("topic"),
        Column("verdict", "label"),
        Column("claims that hold", "number"),
        Column("what is said"),
    ]
    columns += [Column("source"), Column("studies not launched")]
    rows = [
        [
            Entry(one.topic.name),
            Entry(WORDS.get(one.verdict, one.verdict), look=f"verdict {one.verdict}"),
            Entry(f"{_holding(one)} of {len(one.claims)}", _holding(one)),
            Entry(one.topic.says),
            Entry(one.topic.source),
            Entry(", ".join(one.missing)),
        ]
        for one in found
        if one.claims
    ]
    silent = len(found) - len(rows)
    left = (
        "" if not silent else f"<p class='quiet'>{silent} more topics of the catalog have no claim here: {REMEDY}.</p>"
    )
    return grid_section("topics", "Topics", columns, rows, left, cards=True)


def _holding(answer: Answer) -> int:
    return sum(claim.verdict == HOLDS for _, claim in answer.claims)


def _claims(found: Sequence[Answer]) -> Section:
    columns = [Column("topic", "label"), Column("verdict", "label"), Column("claim"), Column("measured")]
    columns += [Column("expected"), Column("study", "label"), Column("trials", "number")]
    rows = [
        [
            Entry(one.topic.name),
            Entry(WORDS[claim.verdict], look=f"verdict {claim.verdict}"),
            Entry(f"{claim.data}: {claim.claim}"),
            Entry(claim.measured),
            Entry(f"{claim.expected} ({claim.tolerance}; {claim.source})"),
            Entry(study, link=f"{_page(study)}#verdicts"),
            Entry(str(claim.trials), claim.trials),
        ]
        for one in found
        for study, claim in one.claims
    ]
    return grid_section("claims", "Claims", columns, rows, cards=True)
