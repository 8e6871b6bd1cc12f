"""How long the catalog's laptop scales take, all launched by one command: Ray, records, MLflow and reports.

    python -m benchmarks.catalog [--only STUDY,…] [--home FOLDER] [--out FOLDER]

The home is a new one; a folder that is given is kept, for `python -m analysis claims` to read.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from analysis.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.studies import claims
from analysis.view import View
from benchmarks.machine import load, machine, sentence
from benchmarks.options import add_out, parser_of, write_numbers
from benchmarks.packing import ROOT
from study.find import catalog_names

GOAL_MIN = 30.0

LAST_LINE = "records: "
"""How the line begins with which a launch has said all of a study."""


def main() -> None:
    options = _options()
    told = machine()
    print(sentence(told), flush=True)
    print(f"{'':24}{'seconds':>8}{'trials':>8}{'holds':>7}{'fails':>7}{'lack data':>11}")
    found = {}
    with _home(options.home) as home:
        start = time.perf_counter()
        launch = _launch(options.only, home)
        for name, seconds in zip(options.only, _seconds(launch), strict=False):
            found[name] = {"seconds": seconds, **_said(name, home)}
            print(f"{name:24}" + "".join(f"{value:{width}}" for value, width in _row(found[name])), flush=True)
        status = launch.wait()
        total = (time.perf_counter() - start) / 60
    write_numbers(options.out, "catalog", {"machine": told, "load": load(), "minutes": total, "studies": found})
    is_met = total <= GOAL_MIN and not status
    print(f"\ngoal {'met' if is_met else 'missed'}: {total:.1f} minutes, status {status} (at most {GOAL_MIN:g}, and 0)")
    sys.exit(not is_met)


@contextlib.contextmanager
def _home(folder: str | None) -> Iterator[str]:
    if folder:
        if Path(folder).exists():
            sys.exit(f"error: {folder} is there already, and may hold trials: name a new folder")
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place:
        yield place


def _launch(names: list[str], home: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-m", "study.launch", *names, "--address", "local", "--home", home]
    return subprocess.Popen([*command, "--scale", "laptop"], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _seconds(launch: subprocess.Popen[str]) -> Iterator[float]:
    """How long each study has taken, as soon as it is over."""
    before = time.perf_counter()
    for line in launch.stdout or ():
        if line.startswith(LAST_LINE):
            yield time.perf_counter() - before
            before = time.perf_counter()


def _said(name: str, home: str) -> dict[str, int]:
    """The trials of a study's table, and what its claims say."""
    view = View.of(name, home)
    said = [claim.verdict for claim in claims(view)]
    return {"trials": len(view.trials)} | {verdict: said.count(verdict) for verdict in (HOLDS, FAILS, INSUFFICIENT)}


def _row(told: dict[str, float]) -> list[tuple[int, int]]:
    widths = {"seconds": 8, "trials": 8, HOLDS: 7, FAILS: 7, INSUFFICIENT: 11}
    return [(round(told[name]), width) for name, width in widths.items()]


def _options() -> argparse.Namespace:
    parser = parser_of("catalog", __doc__)
    parser.add_argument("--only", type=lambda text: text.split(","), default=catalog_names(), metavar="STUDY,…")
    parser.add_argument("--home", metavar="FOLDER", help="a new folder that is kept")
    add_out(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
