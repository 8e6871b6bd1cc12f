"""`python -m study.mirror [STUDY] [--home ./runs]` rebuilds the MLflow mirror from the records; so does `study.ledger`."""

from typing import Annotated

import typer

from study.cli import command_of, counted, refuse, run
from study.errors import REFUSALS
from study.mirror.address import asked_tracking_uri, tracking_uri, ui_command
from study.mirror.background import MirrorBusyError, sentence
from study.mirror.entry import Pictures
from study.mirror.mirror import rebuild
from study.record import Home, HomeError


def main(
    study: Annotated[str | None, typer.Argument(help="the study; if left out, every study of the home")] = None,
    home: Annotated[str, typer.Option(help="the folder or URI that holds the records")] = "./runs",
    uri: Annotated[
        str | None, typer.Option("--tracking-uri", help="MLflow's address; else MLFLOW_TRACKING_URI")
    ] = None,
    pictures: Annotated[
        Pictures, typer.Option("--artifacts", help="which trials get pictures and weights")
    ] = "first-seed",
) -> None:
    """Rebuild a study's MLflow mirror from its records."""
    try:
        place = Home(home)
        uri = asked_tracking_uri(uri)
        if not place.folders("studies"):
            raise HomeError(f"{place} holds no studies: name the home with --home")
    except REFUSALS as fault:
        refuse(str(fault))
    try:
        written = rebuild(place, study, uri, pictures)
    except REFUSALS as fault:
        refuse(str(fault))
    except MirrorBusyError as fault:
        refuse(f"the mirror is left alone: {fault}", status=1)
    except Exception as fault:  # MLflow's own exceptions are of many classes
        refuse(f"MLflow at {tracking_uri(place, uri)} did not take it: {sentence(fault)}", status=1)
    typer.echo(f"{counted(written, 'trial')} mirrored; to see them:\n{ui_command(place, uri)}")


app = command_of(main)

if __name__ == "__main__":
    run(app, "python -m study.mirror")
