"""The page of claims: what the sources say, statement by statement, and what a home's records say to it."""

from collections import Counter
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from analysis.claims.statements import Source
from analysis.report.overview import ORDER, SAID, Answer, Overview, Told
from analysis.report.overview_text import PARTS
from analysis.report.page.answer import badge
from analysis.report.page.document import Section, document
from analysis.report.page.interval_strip import MOST_STRIPS, strip
from study.record import Home


def claims_page(found: Overview, home: Home, beside: bool = True) -> str:
    """The page as HTML. `beside` says that it lies in the home, beside the studies' reports, and links to them."""
    counted = f"{escape(found.counted)} From <code>{escape(str(home))}</code>."
    top = f"<h1>What holds</h1><p class='caption'>{counted}</p>{_tiles(found)}"
    sections = [_source(source, answers, beside) for source, answers in found.sources]
    sections.append(_errata(found.answers))
    sections += [
        _others(name, heading, about, told, beside) for name, heading, about in PARTS if (told := getattr(found, name))
    ]
    if found.missing:
        sections.append(_missing(found.missing))
    if found.faults:
        faults = "".join(f"<p class='fault'>{escape(fault)}</p>" for fault in found.faults)
        sections.append(Section("faults", "Not told", faults))
    return document("What holds", top, sections, up=("index.html", "All studies") if beside else None)


def _tiles(found: Overview) -> str:
    """A square a statement, coloured by its verdict, source by source: the whole page at a glance."""
    rows = "".join(
        f"<div><span>{escape(source.name)}</span><div>{''.join(map(_tile, answers))}</div></div>"
        for source, answers in found.sources
    )
    said = Counter(answer.verdict for answer in found.answers)
    legend = "".join(f"<li><i class='tile {_look(v)}'></i>{escape(SAID[v])}: {said[v]}</li>" for v in ORDER if said[v])
    return f"<div class='tiles'>{rows}</div><ul class='tiles-legend'>{legend}</ul>"


def _tile(answer: Answer) -> str:
    told = answer.statement
    said = escape(f"{told.number}: {told.says} {SAID[answer.verdict].capitalize()}.")
    look = _look(answer.verdict)
    return f"<a class='tile {look}' href='#{told.number}' title='{said}' aria-label='{said}'>{told.number}</a>"


def _look(verdict: str) -> str:
    return verdict.replace(" ", "-")


def _source(source: Source, answers: Sequence[Answer], beside: bool) -> Section:
    about = f"<p class='quiet'>{escape(source.about)}</p>"
    content = f"{about}<ul class='statements'>{''.join(_statement(one, beside) for one in answers)}</ul>"
    return Section(_anchor(source.name), source.name, content, source.name)


def _statement(answer: Answer, beside: bool) -> str:
    told, one = answer.statement, answer.deciding
    wrong = f"<p class='quiet'>Corrected: {escape(told.wrong)}</p>" if told.wrong else ""
    claims = ""
    if one:
        shown = f"<p class='quiet'>{escape(one.claim.data)}: {escape(one.claim.measured)}</p>{_strips(one)}"
        many = f"{len(answer.told)} claim{'s' * (len(answer.told) != 1)}"
        claims = f"{shown}<details><summary>{many}</summary>{_list(answer.told, beside)}</details>"
    missing = f"<p class='quiet'>Not launched: {escape(', '.join(answer.missing))}.</p>" if answer.missing else ""
    return (
        f"<li id='{told.number}'><span class='no'>{told.number}</span>{badge(answer.verdict, SAID)}"
        f"<div><p>{escape(told.says)} <span class='quiet'>{escape(told.where)}</span></p>{wrong}{claims}{missing}</div></li>"
    )


def _strips(one: Told) -> str:
    comparisons = one.claim.comparisons[:MOST_STRIPS]
    return f"<p class='strips'>{''.join(map(strip, comparisons))}</p>" if comparisons else ""


def _list(told: Sequence[Told], beside: bool) -> str:
    return f"<ul class='verdicts'>{''.join(_claim(one, beside) for one in told)}</ul>"


def _claim(one: Told, beside: bool) -> str:
    claim = one.claim
    why = f" {escape(claim.why_undecided.capitalize())}." if claim.why_undecided else ""
    study = escape(one.study)
    if beside:
        study = f"<a href='studies/{quote(one.study)}/report/index.html#verdicts'>{study}</a>"
    seeds = f", {claim.seeds} seeds" if claim.seeds else ""
    return (
        f"<li><span>{badge(claim.verdict, SAID)}</span>"
        f"<div><p>{escape(claim.data)}: {escape(claim.claim)}.</p>{_strips(one)}</div>"
        f"<p class='quiet'>{escape(claim.measured)}.{why} Expected: {escape(claim.expected)} ({escape(claim.source)}). "
        f"{study}, {escape(claim.scale)}, {claim.trials} trials{seeds}.</p></li>"
    )


def _errata(answers: Sequence[Answer]) -> Section:
    items = "".join(
        f"<li><span class='no'><a href='#{one.statement.number}'>{one.statement.number}</a></span>{badge(one.verdict, SAID)}"
        f"<div><p>{escape(one.statement.says)}</p><p>{escape(one.statement.wrong)}</p></div></li>"
        for one in answers
        if one.statement.wrong
    )
    about = "<p class='quiet'>Sentences of the sources that do not hold as they stand, and what does.</p>"
    return Section("errata", "What the sources have wrong", f"{about}<ul class='statements'>{items}</ul>", "Errata")


def _others(name: str, heading: str, about: str, told: Sequence[Told], beside: bool) -> Section:
    return Section(name, heading, f"<p class='quiet'>{escape(about)}</p>{_list(told, beside)}")


def _missing(missing: Sequence[str]) -> Section:
    items = "".join(f"<li><code>collapsar launch {escape(study)}</code></li>" for study in missing)
    return Section("missing", "Not launched", f"<ul>{items}</ul>")


def _anchor(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower())
