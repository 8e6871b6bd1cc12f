"""How long the catalog's laptop scales take, all launched by one command: Ray, records, MLflow and reports.

    python -m benchmarks.catalog [--only STUDY,…] [--home FOLDER] [--out FOLDER]

The home is a new one; a folder that is given is kept, for `python -m analysis claims` to read. Beside each study stands what
its trials took of a core: they train together, so that no study has a beginning and an end of its own.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.frames.view import View
from analysis.report.findings import claims_of
from benchmarks.machine import load_average, machine, sentence
from benchmarks.options import add_out, parser_of, write_numbers
from benchmarks.packing import ROOT
from study.launch.find import catalog_names
from study.record import read

GOAL_MIN = 30.0

PROGRESS = "training: "
"""How the lines of a launch begin that say how far it is."""


def main() -> None:
    """Launch, print, and exit with status 1 where the goal is missed."""
    options = _options()
    facts = machine()
    print(sentence(facts), flush=True)
    with _home(options.home) as home:
        start = time.perf_counter()
        status = _launch(options.only, home)
        total = (time.perf_counter() - start) / 60
        found = {name: _verdicts(name, home) for name in options.only} if status in (0, 1) else {}
    print(f"{'':24}{'core s':>8}{'trials':>8}{'holds':>7}{'fails':>7}{'undecided':>11}")
    for name, counts in found.items():
        print(f"{name:24}" + "".join(f"{value:{width}}" for value, width in _row(counts)))
    write_numbers(
        options.out, "catalog", {"machine": facts, "load": load_average(), "minutes": total, "studies": found}
    )
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


def _launch(names: list[str], home: str) -> int:
    """Launch the studies, and pass on how far that is; the launch's exit status."""
    command = [sys.executable, "-u", "-m", "study.launch", *names, "--address", "local", "--home", home]
    with subprocess.Popen([*command, "--scale", "laptop"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as launch:
        for line in launch.stdout or ():
            if line.startswith(PROGRESS):
                print(line, end="", flush=True)
    return launch.returncode


def _verdicts(name: str, home: str) -> dict[str, float]:
    """What the trials of a study's table and their stages took of a core, how many they are, and what the claims say.

    A trial that several studies declare counts in each.
    """
    view = View.of(name, home)
    stages = json.loads(view.home.read(f"studies/{name}/study.json"))["stages"]
    trained = read(view.home, "trials", ["trial_id", "wall_s"]).to_pandas()
    ids = {*view.trials["trial_id"], *stages}
    seconds = float(trained["wall_s"][trained["trial_id"].isin(ids)].sum())
    claims = claims_of(view).claims
    counts = {verdict: sum(claim.verdict == verdict for claim in claims) for verdict in (HOLDS, FAILS)}
    counts[INSUFFICIENT] = sum(claim.is_undecided for claim in claims)
    return {"core_seconds": seconds, "trials": len(ids), **counts}


def _row(counts: dict[str, float]) -> list[tuple[int, int]]:
    widths = {"core_seconds": 8, "trials": 8, HOLDS: 7, FAILS: 7, INSUFFICIENT: 11}
    return [(round(counts[name]), width) for name, width in widths.items()]


def _options() -> argparse.Namespace:
    parser = parser_of("catalog", __doc__)
    parser.add_argument("--only", type=lambda text: text.split(","), default=catalog_names(), metavar="STUDY,…")
    parser.add_argument("--home", metavar="FOLDER", help="a new folder that is kept")
    add_out(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
