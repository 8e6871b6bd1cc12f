"""How soon a launch answers that trains nothing: the catalog, and plans of hundreds and of thousands of trials.

    python -m benchmarks.planning [--repeats 5] [--out FOLDER]

Each command runs in a process of its own; the fastest of its repeats counts. Beside it stands the same process that does no
more than import the libraries which any declaration needs, so that the ratio tells what of it is Collapsar's.
"""

import argparse
import subprocess
import sys
import tempfile
import time

from benchmarks.machine import load_average, machine, sentence
from benchmarks.options import add_out, parser_of, write_numbers
from benchmarks.packing import ROOT

GOAL_S = 2.0
COMMANDS = {
    "importing the libraries": ["-c", "import numpy, pydantic, pyarrow.parquet, fsspec, typer, rich.console"],
    "--list": ["-m", "study.launch", "--list"],
    "grid_gamma --plan": ["-m", "study.launch", "grid_gamma", "--plan"],
    "grid_gamma --plan --scale paper": ["-m", "study.launch", "grid_gamma", "--plan", "--scale", "paper"],
}


def main() -> None:
    """Measure, print, and exit with status 1 where the goal is missed."""
    options = _options()
    facts = machine()
    print(sentence(facts), flush=True)
    found: dict[str, float] = {}
    print(f"{'':34}{'seconds':>8}{'ratio':>8}")
    for name, command in COMMANDS.items():
        found[name] = min(_seconds(command) for _ in range(options.repeats))
        print(f"{name:34}{found[name]:8.2f}{found[name] / next(iter(found.values())):8.1f}", flush=True)
    write_numbers(options.out, "planning", {"machine": facts, "load": load_average(), "seconds": found})
    slowest = max(found.values())
    print(
        f"\ngoal {'met' if slowest <= GOAL_S else 'missed'}: the slowest answers in {slowest:.2f} s (at most {GOAL_S:g})"
    )
    sys.exit(slowest > GOAL_S)


def _seconds(command: list[str]) -> float:
    """Wall-clock time of one process, in a folder whose home is empty."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        home = ["--home", folder] if "-m" in command else []
        start = time.perf_counter()
        subprocess.run([sys.executable, *command, *home], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def _options() -> argparse.Namespace:
    parser = parser_of("planning", __doc__)
    parser.add_argument("--repeats", type=int, default=5, help="how often each command runs")
    add_out(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
