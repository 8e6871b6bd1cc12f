"""Reads a home in every way there is, and prints what was unpickled meanwhile: run as a script with the home.

Then once more for each kind of file, with pickles in their place that would run code. As JSON:
{"unpickled": [...], "refused": {kind of file: [what each way of reading said]}}.
"""

import contextlib
import io
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import typer

UNPICKLED: list[str] = []

KINDS = [f"records/{table}/*.parquet" for table in ("trials", "curves", "latents")]
KINDS += ["artifacts/*", "studies/tiny/plan.parquet", "studies/tiny/study.json"]


class Bomb:
    """What runs code wherever it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return print, ("a pickle in the home was run",)


def ways(home: Path) -> dict[str, Callable[[], object]]:
    """Every way to read a home: as Python does, and as the commands do."""
    from analysis import results
    from analysis.report.overview import overview
    from analysis.report.report import write_report
    from study import clean, evaluate, load
    from study.mirror import __main__ as mirror
    from study.mirror.records import StudyRecords
    from study.record import Home, read

    def command(app: typer.Typer, *arguments: str) -> Callable[[], object]:
        return lambda: app([*arguments, "--home", str(home)], standalone_mode=False)

    def network() -> object:
        rows = read(Home(home), "trials", ["trial_id"])
        return load(rows["trial_id"][0].as_py(), home)

    def entries() -> object:
        records = StudyRecords(Home(home), "tiny", "all")
        return [records.files(entry) for entry in records.entries(records.committed())]

    return {
        "results": lambda: results("tiny", home),
        "load": network,
        "report": lambda: write_report("tiny", home),
        "claims": lambda: overview(home),
        "entries": entries,
        "evaluate": command(evaluate.app),
        "clean": command(clean.app),
        "mirror": command(mirror.app, "tiny"),
    }


def with_pickle_inside(part: Path) -> bytes:
    """A Parquet file with a column whose type is a pickle, as Arrow once read them."""
    inside = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": pickle.dumps(Bomb())}
    table = pq.read_table(part)
    field = table.schema.field(0).with_metadata(inside)
    buffer = io.BytesIO()
    pq.write_table(table.cast(pa.schema([field, *list(table.schema)[1:]])), buffer)
    return buffer.getvalue()


def main(home: Path) -> None:
    sys.addaudithook(
        lambda event, arguments: UNPICKLED.append(str(arguments)) if event == "pickle.find_class" else None
    )
    reading = ways(home)
    with contextlib.redirect_stdout(io.StringIO()):
        for read in reading.values():
            read()
    del reading["mirror"]  # it reads by "entries", and takes seconds
    refused: dict[str, list[str]] = {}
    for kind in KINDS:
        files = {file: file.read_bytes() for file in home.glob(kind)}
        for bomb in (lambda _: pickle.dumps(Bomb()), with_pickle_inside):
            if bomb is with_pickle_inside and not kind.endswith(".parquet"):
                continue
            for file, content in files.items():
                file.write_bytes(content)
                file.write_bytes(bomb(file))
            for name, read in reading.items():
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    try:
                        read()
                    except BaseException as fault:
                        refused.setdefault(kind, []).append(f"{name}: {type(fault).__name__}")
        for file, content in files.items():
            file.write_bytes(content)
    json.dump({"unpickled": UNPICKLED, "refused": refused}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
