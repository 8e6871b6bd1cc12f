"""Verifying a home: `python -m study.verify [--home ./runs]` reads all of it, and names what is damaged or missing.

Every part of every table is read and held against its checksums, every declaration against the id of its trial, every file
of weights and pictures against its checksum and what its records promise; of every result there must be rows in all tables,
and every study must have a readable plan. Nothing is changed.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from study.cli import command_of, counted, refuse, run, tell
from study.declare.identity import ENGINE
from study.declare.probe import Probe
from study.declare.trial import Trial
from study.errors import said
from study.record import TABLES, Home, HomeError, part_names, read
from study.record.artifacts import checked_artifacts
from study.record.parts import foreign_columns, read_part
from study.record.study_files import HEADER, PLAN, read_dropped, read_header, read_plan, study_file

Record = Mapping[str, Any]

IN_ALL = ("curves", "latents", "evaluations")
"""The tables in which every trial that was trained to its end has rows."""


def faults_of(home: Home) -> Iterator[str]:
    """A sentence for each file of the home that is damaged or missing. Raises: HomeError where it holds no studies at all."""
    studies = home.folders("studies")
    if not studies:
        raise HomeError(f"{home} holds no studies: name the home with --home")
    for study in studies:
        yield from _faults_of_study(home, study)
    try:
        broken = [fault for table in TABLES for fault in _faults_of_table(home, table)]
    except HomeError as fault:  # the manifest is damaged, and nothing else can be told
        yield str(fault)
        return
    yield from broken
    if not broken:
        yield from _faults_of_records(home)


def _faults_of_study(home: Home, study: str) -> Iterator[str]:
    if not home.names(f"studies/{study}"):  # a folder of locks alone is what is left of a forgotten study
        return
    for name, reader in ((PLAN, read_plan), (HEADER, read_header)):
        try:
            reader(home, study)
        except FileNotFoundError:
            yield f"{home}/{study_file(study, name)} is gone: launch the study again, or forget it"
        except HomeError as fault:
            yield str(fault)
    try:
        read_dropped(home, study)
    except FileNotFoundError:
        pass
    except HomeError as fault:
        yield str(fault)


def _faults_of_table(home: Home, table: str) -> Iterator[str]:
    for name in part_names(home, table):
        try:
            read_part(home, table, name)
            if foreign := foreign_columns(home, table, name):
                yield (
                    f"{home}/records/{table}/{name} has a column {foreign[0]}, which this version does not know: something "
                    "changed its name, or a later version wrote it"
                )
        except HomeError as fault:
            yield str(fault)
        except FileNotFoundError:
            yield f"{home}/records/{table}/{name} is gone, and the manifest lists it: restore it"


def _faults_of_records(home: Home) -> Iterator[str]:
    columns = ["trial_id", "commit_id", "engine", "declaration", "artifacts", "has_weights", "status", "data_id"]
    rows = read(home, "trials", columns).to_pylist()
    trained = []
    for row in rows:
        try:
            kind = Probe if "what" in json.loads(row["declaration"]) else Trial
            found = kind.model_validate_json(row["declaration"]).trial_id
        except (ValidationError, ValueError, TypeError) as fault:
            yield f"the declaration of trial {row['trial_id']} in {home} cannot be read ({said(fault)})"
            continue
        # An earlier engine had other ids for the same declaration.
        if row["engine"] == ENGINE and found != row["trial_id"]:
            yield f"the record of trial {row['trial_id']} in {home} holds the declaration of trial {found}: restore it"
        trained += [row] * (kind is Trial and row["status"] == "finished")
    for table in IN_ALL:
        yield from _faults_of_missing(home, table, trained)
    yield from _faults_of_datasets(home, {row["data_id"] for row in trained})
    yield from _faults_of_artifacts(home, rows)


def _faults_of_missing(home: Home, table: str, trained: Sequence[Record]) -> Iterator[str]:
    """Of each commit whose rows a table lacks."""
    present = set(read(home, table, ["trial_id"])["trial_id"].to_pylist())
    lacking: dict[str, list[str]] = {}
    for row in trained:
        if row["trial_id"] not in present:
            lacking.setdefault(row["commit_id"], []).append(row["trial_id"])
    for commit, trials in lacking.items():
        part = f"{home}/records/{table}/{commit}.parquet"
        yield f"{part} is gone, and with it rows of {counted(len(trials), 'trial')} ({trials[0]} …): restore it"


def _faults_of_datasets(home: Home, needed: Collection[str]) -> Iterator[str]:
    present = set(read(home, "datasets", ["data_id"])["data_id"].to_pylist())
    for data_id in sorted(set(needed) - present):
        yield f"{home}/records/datasets/{data_id}.parquet is gone: restore it"


def _faults_of_artifacts(home: Home, rows: Sequence[Record]) -> Iterator[str]:
    promised: dict[str, set[str]] = {}
    for row in rows:
        if row["artifacts"]:
            promised.setdefault(row["artifacts"], set()).update([row["trial_id"]] if row["has_weights"] else [])
    for path, trials in promised.items():
        try:
            held = {name.partition("/weights/")[0] for name in checked_artifacts(home, path) if "/weights/" in name}
        except FileNotFoundError:
            if trials:
                yield f"{home}/{path} is gone, and with it the weights of {counted(len(trials), 'trial')}: restore it"
            continue
        except HomeError as fault:
            yield f"{fault}: restore it"
            continue
        if trials - held:
            yield f"{home}/{path} lacks the weights of trial {min(trials - held)}: restore it"


def main(home: Annotated[str, typer.Option(metavar="DIR|URI", help="The home to read.")] = "./runs") -> None:
    """Read a home whole, and name every file that is damaged or missing. Changes nothing; status 1 where there is one."""
    console = Console(highlight=False)
    try:
        place = Home(home)
        faults = list(faults_of(place))
    except HomeError as fault:
        refuse(str(fault))
    for text in faults:
        tell(console, escape(text))
    if faults:
        refuse(f"{counted(len(faults), 'fault')} found in {place}", status=1)
    trials = len(read(place, "trials", ["trial_id"]))
    tell(console, f"{escape(str(place))} is whole: {counted(trials, 'trial')} of {', '.join(place.folders('studies'))}")


app = command_of(main)

if __name__ == "__main__":
    run(app, "python -m study.verify")
