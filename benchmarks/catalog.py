"""How long the catalog's laptop scales take, each launched as a person launches it: Ray, records, MLflow and report.

    python -m benchmarks.catalog [--only STUDY,…] [--out FOLDER]

Every study runs in a process and a home of its own, so that none finds another's trials there.
"""

import argparse
import subprocess
import sys
import tempfile
import time

from analysis.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.studies import claims
from analysis.view import View
from benchmarks.machine import load, machine, sentence
from benchmarks.options import add_out, parser_of, write_numbers
from benchmarks.packing import ROOT
from study.find import catalog_names

GOAL_MIN = 30.0


def main() -> None:
    options = _options()
    told = machine()
    print(sentence(told), flush=True)
    print(f"{'':24}{'seconds':>8}{'trials':>8}{'holds':>7}{'fails':>7}{'lack data':>11}{'status':>8}")
    found = {}
    for name in options.only:
        found[name] = _launched(name)
        print(f"{name:24}" + "".join(f"{value:{width}}" for value, width in _row(found[name])), flush=True)
    total = sum(each["seconds"] for each in found.values()) / 60
    write_numbers(options.out, "catalog", {"machine": told, "load": load(), "studies": found})
    is_met = total <= GOAL_MIN and not any(each["status"] for each in found.values())
    print(f"\ngoal {'met' if is_met else 'missed'}: {total:.1f} minutes in all (at most {GOAL_MIN:g}, every status 0)")
    sys.exit(not is_met)


def _launched(name: str) -> dict[str, float]:
    """Seconds of one launch, its exit status, and what its claims say."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as home:
        command = [
            sys.executable,
            "-m",
            "study.launch",
            name,
            "--address",
            "local",
            "--home",
            home,
            "--scale",
            "laptop",
        ]
        start = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        view = View.of(name, home)
        said = [claim.verdict for claim in claims(view)]
        counts = {verdict: said.count(verdict) for verdict in (HOLDS, FAILS, INSUFFICIENT)}
        return {"seconds": seconds, "trials": len(view.trials), **counts, "status": done.returncode}


def _row(told: dict[str, float]) -> list[tuple[int, int]]:
    widths = {"seconds": 8, "trials": 8, HOLDS: 7, FAILS: 7, INSUFFICIENT: 11, "status": 8}
    return [(round(told[name]), width) for name, width in widths.items()]


def _options() -> argparse.Namespace:
    parser = parser_of("catalog", __doc__)
    parser.add_argument("--only", type=lambda text: text.split(","), default=catalog_names(), metavar="STUDY,…")
    add_out(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
