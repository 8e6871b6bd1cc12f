"""The report: `studies/<name>/report/` in the home, with the tables, the figures and one page that holds them all."""

import json
from dataclasses import dataclass
from typing import Any

from analysis.claims.claim import WORDS, Claim
from analysis.explore.charts import charts_of
from analysis.frames.load import DEFAULT_HOME, AnalysisError, Header, Place, studies_of
from analysis.frames.regime import MEANINGS, by_trial
from analysis.frames.view import View
from analysis.report.findings import Findings, findings
from analysis.report.mlflow_links import read_links, section
from analysis.report.notes import outdone, restless, rules
from analysis.report.overview import Told, overview_of
from analysis.report.page.answer import CLAIMS_PAGE
from analysis.report.page.claims_page import claims_page
from analysis.report.page.home_page import HOME_PAGE, home_page
from analysis.report.page.origin import Origin
from analysis.report.page.study_page import Content, study_page
from analysis.report.summary import NAME, Summary, read_summaries
from analysis.tables.cells import Glance, counts, glance, table
from analysis.tables.sheet import Sheet, in_latex, rows_in_markdown
from study.record import Home
from study.record.study_files import REGIMES, RULES, study_file


@dataclass(frozen=True)
class Report:
    """What was written and what it says. `paths` are relative to the home; `location` is the page a browser opens.

    `notes` are about the data, `faults` say why claims, figures or sheets are missing. `has_own_table` says whether something
    says it better than the glance: a sheet of the study's own, or the best trials of a search, whose cells are single trials.
    """

    study: str
    caption: str
    location: str
    paths: list[str]
    counts: dict[str, int]
    glance: Glance
    sheets: list[Sheet]
    claims: list[Claim]
    notes: list[str]
    faults: list[str]
    has_own_table: bool = False


def write_report(study: str, home: Place = DEFAULT_HOME, live: Any = None, listed: bool = True) -> Report:
    """Write the report of the study of that name into the home.

    `live` is the study object, if this process has it: then its file does not run again. Where the report is not `listed`,
    the home's page stays as it is, for `write_home_page` to write it after many reports.

    Raises: AnalysisError, HomeError.
    """
    view = View.of(study, home)
    head, frame = view.header, view.trials
    found, seen, counted = findings(view, live), glance(frame, head), counts(frame)
    judged_by = rules(frame, head)
    notes = [*judged_by, *restless(frame), *outdone(frame, head)]
    files = _files(view, found, seen, counted, notes)
    folder = f"studies/{study}/report"
    for name, content in files.items():
        view.home.write(f"{folder}/{name}", content)
    for name, content in {REGIMES: by_trial(frame), RULES: judged_by}.items():
        view.home.write(study_file(study, name), json.dumps(content, ensure_ascii=False).encode())
    if listed:
        write_home_page(view.home)
    return Report(
        study=study,
        caption=head.caption,
        location=f"{view.home}/{folder}/index.html",
        paths=[f"{folder}/{name}" for name in files],
        counts=counted,
        glance=seen,
        sheets=found.sheets,
        claims=found.claims,
        notes=[*notes, *([found.left_out] if found.left_out else [])],
        faults=found.faults,
        has_own_table=bool(found.own_sheets or (head.is_search and found.sheets)),
    )


@dataclass(frozen=True)
class AllReports:
    """The reports of a home, why some studies have none, and the home's page, which a browser opens."""

    reports: list[Report]
    faults: list[str]
    location: str


def write_all_reports(home: Place = DEFAULT_HOME) -> AllReports:
    """Write the report of every study of a home, and the home's page.

    Raises: AnalysisError where there are no studies; HomeError.
    """
    place = home if isinstance(home, Home) else Home(home)
    reports, faults = [], []
    for study in studies_of(place):
        try:
            reports.append(write_report(study, place, listed=False))
        except AnalysisError as fault:
            faults.append(f"{study} cannot be read: {fault}")
    return AllReports(reports, faults, write_home_page(place))


def write_home_page(home: Home) -> str:
    """Write the home's page and the page of claims, from what its reports say; returns where it is. Raises: HomeError."""
    told = read_summaries(home)
    home.write(HOME_PAGE, home_page(home, told).encode())
    claims = [Told(one.study, claim) for one in told.values() if one for claim in one.claims]
    if any(one.claim.statements for one in claims):
        held = {one.in_catalog for one in told.values() if one}
        home.write(CLAIMS_PAGE, claims_page(overview_of(claims, held), home).encode())
    return f"{home}/{HOME_PAGE}"


def _files(view: View, found: Findings, seen: Glance, counted: dict[str, int], notes: list[str]) -> dict[str, bytes]:
    """The report's files by their names."""
    head, summary = view.header, table(view.trials, view.header)
    origin = Origin.of(head, view.home)
    charts = charts_of(view)
    drawings = [*found.figures, *map(charts.drawing, charts.charts)]
    files = {f"{drawing.name}.svg": drawing.svg for drawing in drawings}
    files |= {f"{drawing.name}.png": drawing.png for drawing in drawings}
    files |= {f"{sheet.name}.csv": sheet.csv() for sheet in found.sheets}
    files |= {f"{sheet.name}.tex": sheet.latex() for sheet in found.sheets}
    runs = section(read_links(view.study, view.home), view.trials, head)
    shown = Content(head, origin, counted, seen, found, summary, notes, charts, runs)
    files["table.csv"] = summary.to_csv(index=False).encode()
    files["table.tex"] = in_latex(*shown.table, head.caption)
    files["table.md"] = _document(head, seen, rows_in_markdown(*shown.table), found, notes).encode()
    files[NAME] = Summary(
        study=head.name,
        caption=head.caption,
        scale=head.scale,
        written=origin.written,
        version=origin.version,
        trained_by=origin.train,
        counts=counted,
        claims=found.claims,
        in_catalog=found.in_catalog,
    ).as_json()
    files["index.html"] = study_page(shown).encode()
    return files


def _document(head: Header, seen: Glance, full: str, found: Findings, notes: list[str]) -> str:
    """The Markdown file: glance, claims, the study's own tables and the whole table."""
    says = "".join(f"- **{WORDS[one.verdict]}**: {one.data}: {one.claim} ({one.measured})\n" for one in found.claims)
    glanced = [_at_a_glance(seen)] if seen.rows else []
    parts = [f"# {head.name}\n\n{head.caption}\n", *([] if head.is_search else glanced)]
    parts += [f"{note}\n" for note in [*notes, found.left_out, *found.faults] if note]
    parts += [f"## What the numbers say\n\n{says}"] if says else []
    parts += [f"## {sheet.caption}\n\n{sheet.markdown()}" for sheet in found.sheets]
    parts += glanced if head.is_search else []
    parts += [f"## Table\n\nMean ± half-width of the 95 % t-interval over the seeds of the finished trials.\n\n{full}"]
    return "\n".join(parts)


def _at_a_glance(seen: Glance) -> str:
    head = [*seen.axes, *seen.columns]
    lines = [head, ["---"] * len(head)]
    lines += [[*labels, *(cell.text for cell in row)] for labels, row in zip(seen.rows, seen.cells, strict=True)]
    at_a_glance = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    regimes = sorted(
        {text for row in seen.cells for cell in row for text in (cell.regime, cell.mark)} & MEANINGS.keys()
    )
    clauses = "".join(f"- {regime}: {MEANINGS[regime]}\n" for regime in regimes)
    return f"## At a glance\n\n{at_a_glance}\n{clauses}"
