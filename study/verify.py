"""Verifying a home: `python -m study.verify [--home ./runs]` reads all of it, and names what is damaged or missing.

Every part of every table is read, every declaration is held against the id of its trial, every file of weights and pictures
is opened and must hold the weights that its records promise, and every study must have a readable plan. Nothing is changed.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import pyarrow as pa
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from safetensors import SafetensorError
from safetensors.numpy import load

from study.cli import command_of, counted, refuse, run
from study.declare.identity import ENGINE
from study.declare.probe import Probe
from study.declare.trial import Trial
from study.errors import said
from study.record import TABLES, Home, HomeError, part_names, read
from study.record.garbage import declared_ids
from study.record.parts import read_part

AGAIN = "move it out of the home, and launch again: its trials are trained again"


def faults_of(home: Home) -> Iterator[str]:
    """A sentence for each file of the home that is damaged or missing. Raises: HomeError where it holds no studies at all."""
    studies = home.folders("studies")
    if not studies:
        raise HomeError(f"{home} holds no studies: name the home with --home")
    yield from _faults_of_plans(home, studies)
    try:
        broken = [fault for table in TABLES for fault in _faults_of_table(home, table)]
    except HomeError as fault:  # the manifest is damaged, and nothing else can be told
        yield str(fault)
        return
    yield from broken
    if not broken:
        rows = read(
            home, "trials", ["trial_id", "engine", "declaration", "artifacts", "has_weights", "status"]
        ).to_pylist()
        yield from (fault for row in rows if (fault := _fault_of_declaration(home, row)))
        yield from _faults_of_artifacts(home, rows)


def _faults_of_plans(home: Home, studies: Sequence[str]) -> Iterator[str]:
    for study in studies:
        try:
            if home.names(f"studies/{study}"):  # a folder of locks alone is what is left of a forgotten study
                declared_ids(home, frozenset(studies) - {study})
        except HomeError as fault:
            yield str(fault)


def _faults_of_table(home: Home, table: str) -> Iterator[str]:
    for name in part_names(home, table):
        try:
            read_part(home, table, name)
        except HomeError as fault:
            yield str(fault)
        except (OSError, pa.ArrowException) as fault:  # a page that does not unpack, a file that is gone
            yield f"{home}/records/{table}/{name} cannot be read ({said(fault)}): {AGAIN}"


def _fault_of_declaration(home: Home, row: Mapping[str, Any]) -> str | None:
    """Of the engine of today: an earlier one had other ids for the same declarations."""
    try:
        kind = Probe if "what" in json.loads(row["declaration"]) else Trial
        found = kind.model_validate_json(row["declaration"]).trial_id
    except (ValidationError, ValueError, TypeError) as fault:
        return f"the declaration of trial {row['trial_id']} in {home} cannot be read ({said(fault)})"
    if row["engine"] != ENGINE or found == row["trial_id"]:
        return None
    return (
        f"the record of trial {row['trial_id']} in {home} holds the declaration of trial {found}: something changed it"
    )


def _faults_of_artifacts(home: Home, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    promised: dict[str, set[str]] = {}
    for row in rows:
        if row["artifacts"]:
            promised.setdefault(row["artifacts"], set()).update([row["trial_id"]] if row["has_weights"] else [])
    for path, trials in promised.items():
        try:
            held = {name.partition("/weights/")[0] for name in load(home.read(path)) if "/weights/" in name}
        except FileNotFoundError:
            if trials:
                yield f"{home}/{path} is gone, and with it the weights of {counted(len(trials), 'trial')}: restore it"
            continue
        except (SafetensorError, ValueError, HomeError) as fault:
            yield f"{home}/{path} holds no readable weights or pictures ({said(fault)}): restore it"
            continue
        if trials - held:
            yield f"{home}/{path} lacks the weights of trial {min(trials - held)}: restore it"


def main(home: Annotated[str, typer.Option(metavar="DIR|URI", help="The home to read.")] = "./runs") -> None:
    """Read a home whole, and name every file that is damaged or missing. Changes nothing; status 1 where there is one."""
    console = Console(highlight=False, soft_wrap=True)
    try:
        place = Home(home)
        faults = list(faults_of(place))
    except HomeError as fault:
        refuse(str(fault))
    for text in faults:
        console.print(escape(text))
    if faults:
        refuse(f"{counted(len(faults), 'fault')} found in {place}", status=1)
    trials = len(read(place, "trials", ["trial_id"]))
    console.print(f"{escape(str(place))} is whole: {counted(trials, 'trial')} of {', '.join(place.folders('studies'))}")


app = command_of(main)

if __name__ == "__main__":
    run(app, "python -m study.verify")
