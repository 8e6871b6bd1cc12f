"""The command line of the analysis: `python -m analysis STUDY [--home ./runs]`, or `claims` in the study's place.

What writes reports is imported once it is known that one is wanted: `--help` and shells' completions do not wait for pandas.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from study.cli import command_of, refuse, run

if TYPE_CHECKING:
    from analysis.report.overview import Overview
    from study.record import Home

DEFAULT_HOME = "./runs"

StudyName = Annotated[
    str | None, typer.Argument(metavar="STUDY", help="A study that was launched into the home.", show_default=False)
]
Every = Annotated[bool, typer.Option("--all", help="Every study of the home, and the home's page that lists them.")]
HomePlace = Annotated[str, typer.Option(metavar="DIR|URI", help="The folder or URI that holds the records.")]
AsJson = Annotated[bool, typer.Option("--json", help="A list of objects, for programs.")]
Page = Annotated[
    Path | None,
    typer.Option(metavar="FILE.md", help="Write them to this Markdown file, and to an HTML page beside it."),
]


def report(study: StudyName = None, home: HomePlace = DEFAULT_HOME, every: Every = False) -> None:
    """Write a study's report, with tables and figures, or all studies', from the records alone, and print what it says."""
    if bool(study) == every:
        refuse("--all means every study: leave the name out" if study else "name a study, or give --all")
    from analysis.frames.load import AnalysisError
    from analysis.report.report import write_all_reports, write_report
    from analysis.report.terminal import print_report, print_reports
    from study.record import HomeError

    try:
        if study:
            print_report(Console(), write_report(study, home))
        else:
            print_reports(Console(), write_all_reports(home))
    except (AnalysisError, HomeError) as fault:
        refuse(str(fault))


def claims(home: HomePlace = DEFAULT_HOME, machine: AsJson = False, page: Page = None) -> None:
    """List what the sources say, statement by statement, with verdicts, then every other claim, and what is missing."""
    from analysis.frames.load import AnalysisError
    from analysis.report.overview import as_json, overview
    from analysis.report.overview_text import print_overview
    from study.record import Home, HomeError

    try:
        found = overview(home)
        if page:
            _write_pages(page, found, Home(home))
    except (AnalysisError, HomeError) as fault:
        refuse(str(fault))
    typer.echo(as_json(found)) if machine else print_overview(Console(), found)


def main(
    study: Annotated[
        str | None,
        typer.Argument(
            help="A study that was launched into the home, or `claims`: all that any says.", show_default=False
        ),
    ] = None,
    home: HomePlace = DEFAULT_HOME,
    every: Every = False,
    machine: Annotated[bool, typer.Option("--json", help="With `claims`: a list of objects.")] = False,
    page: Annotated[
        Path | None,
        typer.Option(help="With `claims`: write them to this Markdown file, and to an HTML page beside it."),
    ] = None,
) -> None:
    """Write a study's tables, figures and report, or those of all; or list every claim of every study."""
    if study == "claims" and not every:
        claims(home, machine, page)
    elif machine or page:
        refuse("--json and --page are options of `python -m analysis claims`: leave them out")
    else:
        report(study, home, every)


def _write_pages(page: Path, found: "Overview", home: "Home") -> None:
    from analysis.report.overview_text import as_markdown
    from analysis.report.page.claims_page import claims_page

    try:
        page.write_text(as_markdown(found), encoding="utf-8")
        page.with_suffix(".html").write_text(claims_page(found, home, beside=False), encoding="utf-8")
    except OSError as fault:
        refuse(f"the page cannot be written to {page} ({fault.strerror}): name another file")


report_app, claims_app, app = command_of(report), command_of(claims), command_of(main)

if __name__ == "__main__":
    run(app, "python -m analysis")
