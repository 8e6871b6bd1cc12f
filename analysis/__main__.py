"""The command line of the analysis: `python -m analysis STUDY [--home ./runs]`, or `claims` in the study's place."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from analysis.frames.load import DEFAULT_HOME, AnalysisError
from analysis.report.overview import as_json, as_markdown, overview, print_overview
from analysis.report.report import write_report
from analysis.report.terminal import print_report
from study.record import HomeError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    study: Annotated[
        str, typer.Argument(help="A study that was launched into the home, or `claims`: all that any says.")
    ],
    home: Annotated[str, typer.Option(help="The folder or URI that holds the records.")] = DEFAULT_HOME,
    machine: Annotated[bool, typer.Option("--json", help="With `claims`: a list of objects.")] = False,
    page: Annotated[Path | None, typer.Option(help="With `claims`: write them to this Markdown file.")] = None,
) -> None:
    """Write a study's tables, figures and report, and print what they say; or list every claim of every study."""
    try:
        if study == "claims":
            _claims(home, machine, page)
        elif machine or page:
            raise AnalysisError("--json and --page are options of `python -m analysis claims`: leave them out")
        else:
            print_report(Console(), write_report(study, home))
    except (AnalysisError, HomeError) as fault:
        typer.echo(f"error: {fault}", err=True)
        raise typer.Exit(2) from None


def _claims(home: str, machine: bool, page: Path | None) -> None:
    found = overview(home)
    if page:
        try:
            page.write_text(as_markdown(found), encoding="utf-8")
        except OSError as fault:
            raise AnalysisError(f"the page cannot be written to {page} ({fault.strerror}): name another file") from None
    typer.echo(as_json(found)) if machine else print_overview(Console(), found)


if __name__ == "__main__":
    app(prog_name="python -m analysis")
