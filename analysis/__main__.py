"""The command line of the analysis: `python -m analysis STUDY [--home ./runs]`."""

from typing import Annotated

import typer
from rich.console import Console

from analysis.load import DEFAULT_HOME, AnalysisError
from analysis.report import write_report
from analysis.terminal import print_report
from study.record import HomeError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    study: Annotated[str, typer.Argument(help="Name of a study that was launched into the home.")],
    home: Annotated[str, typer.Option(help="The folder or URI that holds the records.")] = DEFAULT_HOME,
) -> None:
    """Write a study's tables, figures and report, and print what they say."""
    try:
        report = write_report(study, home)
    except (AnalysisError, HomeError) as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(2) from None
    print_report(Console(), report)


if __name__ == "__main__":
    app(prog_name="python -m analysis")
