"""The same trials, several ways, on one machine in one go: what packing gains.

    python -m benchmarks.packing [--only 5-8-5,planted,digits,mnist] [--out FOLDER] [--markdown]
    python -m benchmarks.packing --show FOLDER/packing.json [--markdown]

- default actors: Ray Tune as its documentation teaches it (`benchmarks.plain_tune`), a process for each trial;
- reused actors: the same with `reuse_actors=True`, processes that train one trial after another;
- packs of 1: this platform, `--pack 1`: records and mirror, but no packing;
- packs: this platform as it is.

Every way has a process and a Ray of its own, started before the clock (the seconds are shown separately), an MLflow database
that exists already, and shows its runs in it without pictures. The clock stops when the last number is on the disk and the
last run in MLflow: for Ray Tune that is `Tuner.fit()`, for the platform the whole command, planning and report included.
Slower ways train 16 of the study's trials; trials that two ways trained must agree. `benchmarks.core` then measures the
training alone.
"""

import argparse
import json
import math
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks import core, standing, tables
from benchmarks.machine import load_average, machine, sentence
from benchmarks.networks import NETWORKS
from benchmarks.studies import STUDIES, few
from study.record import Home, read

ROOT = Path(__file__).parents[1]
WAYS = ("tune", "reused", "single", "packs")
PATIENCE_S = 1800
CLOSE = 0.05
"""Relative difference up to which a trial's distortion counts as the same in two ways, after thousands of float32 steps."""

Line = dict[str, Any]


def main() -> None:
    """Measure, print, and exit with status 1 where a goal is missed."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # or a polite kill would leave a way running
    if options.show:
        found = json.loads(options.show.read_text(encoding="utf-8"))
    else:
        found = _measure(options)
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "packing.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
        (options.out / "packing.png").write_bytes(tables.figure(found))
        print(f"\nwritten: {options.out}/packing.json, packing.png")
    print(f"\n{tables.markdown(found) if options.markdown else tables.plain(found)}")
    if not options.quick:
        verdicts = [*tables.judge(found), *standing.judge(found["core"])]
        apart = sum(line.get("apart", 0) for line in found["ways"])
        verdicts += [f"goal missed: {apart} trials ended with other numbers in packs"] * (apart > 0)
        print("", *verdicts, sep="\n")
        sys.exit(any("goal missed" in verdict for verdict in verdicts))


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    torch.set_num_threads(1)
    found: dict[str, Any] = {"machine": machine(), "database_s": 0.0, "ways": []}
    print(sentence(found["machine"]), flush=True)
    names = ["quick"] if options.quick else [name for name in options.only if name in STUDIES]
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        place = Path(folder)
        found["database_s"] = create_database(place / "empty.db")
        for name in names:
            print(f"\n{name}: {STUDIES[name].caption}", flush=True)
            found["ways"] += _ways(name, options.ways, place / name, place / "empty.db")
    if options.quick:
        found["core"] = core.measure(["5-8-5"], "cpu", sizes=(1, 4), span_s=0.02)
    else:
        found["core"] = core.measure(options.only, "cpu")
    return found


def _ways(name: str, ways: list[str], place: Path, database: Path) -> list[Line]:
    """A study, each way."""
    lines, known = [], {}
    for way in ways:
        folder = place / way
        folder.mkdir(parents=True)
        numbers = (
            _run_launch(name, way, folder, database)
            if way in ("single", "packs")
            else _run_tune(name, way, folder, database)
        )
        known[way] = {row["declared"]: row["distortion_test"] for row in numbers["trials"]}
        minutes = numbers["wall_s"] / 60
        line = {"network": name, "way": way, "trials": len(numbers["trials"]), "wall_s": numbers["wall_s"]}
        lines.append(
            line | {"ray_s": numbers["ray_s"], "per_minute": len(numbers["trials"]) / minutes, "load": load_average()}
        )
        print(f"  {tables.NAMES[way]:16}{tables.row(lines[-1])}", flush=True)
    lines[-1]["apart"] = _apart(known)
    return lines


def _run_tune(name: str, way: str, folder: Path, database: Path) -> Any:
    shutil.copy(database, folder / "mlflow.db")
    options = ["--tracking-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    return _run("benchmarks.plain_tune", folder, name, *options, *(["--reuse-actors"] if way == "reused" else []))


def _run_launch(name: str, way: str, folder: Path, database: Path) -> Any:
    home = folder / "home"
    home.mkdir()
    shutil.copy(database, home / "mlflow.db")
    study = f"{Path(__file__).with_name('studies.py')}:{STUDIES[name].name}"
    options = ["--home", str(home), "--scale", "laptop", "--address", "local", "--artifacts", "none"]
    if way == "single":
        only = [f"{axis}={','.join(map(str, labels))}" for axis, labels in few(name).items()]
        options += ["--pack", "1", *(part for text in only for part in ("--only", text))]
    numbers = _run("benchmarks.launch_start", folder, "--", study, *options)
    rows = read(Home(home), "trials", ["trial_id", "status", "distortion_test"]).to_pylist()
    if unsettled := [row["status"] for row in rows if row["status"] == "failed"]:
        sys.exit(f"{len(unsettled)} trials of {name} failed: nothing can be compared")
    return numbers | {"trials": [row | {"declared": row["trial_id"]} for row in rows]}


def _run(module: str, folder: Path, *arguments: str) -> Any:
    """The numbers of one way, run in a process of its own."""
    out, log = folder / "numbers.json", folder / "log.txt"
    # Options come before the study: what follows `--` belongs to the launcher.
    command = [sys.executable, "-m", module, "--out", str(out), *arguments]
    with log.open("w") as stream:
        status = subprocess.run(
            command, stdout=stream, stderr=stream, cwd=ROOT, timeout=PATIENCE_S, check=False
        ).returncode
    if status or not out.exists():
        sys.exit(f"{log.read_text(errors='replace')[-3000:]}\n{' '.join(command)} ended with status {status}")
    return json.loads(out.read_text(encoding="utf-8"))


def create_database(file: Path) -> float:
    """An empty MLflow database; returns the seconds that making it takes, which no way is charged for."""
    from mlflow import MlflowClient

    start = time.perf_counter()
    MlflowClient(tracking_uri=f"sqlite:///{file}").search_experiments()
    return time.perf_counter() - start


def _apart(known: dict[str, dict[str, float | None]]) -> int:
    """How many of the trials that both ways trained ended with different numbers."""
    plain = known.get("tune") or known.get("reused")
    if not plain or "packs" not in known:
        return 0
    there = {trial: (value, known["packs"].get(trial)) for trial, value in plain.items()}
    if strangers := [trial for trial, (_, ours) in there.items() if ours is None]:
        sys.exit(f"{len(strangers)} of Ray Tune's trials are none of the platform's: nothing can be compared")
    differences = [abs(a / b - 1) if a and b else math.inf for a, b in there.values()]
    close = sum(difference <= CLOSE for difference in differences)
    worst = max(differences)
    print(f"  {close} of {len(there)} trials agree within {CLOSE:.0%} in test distortion; the worst by {worst:.1e}")
    return len(there) - close


def _options() -> argparse.Namespace:
    def names(text: str) -> list[str]:
        return text.split(",")

    parser = argparse.ArgumentParser(prog="python -m benchmarks.packing", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", type=names, default=list(NETWORKS), metavar="NETWORK,…", help=", ".join(NETWORKS))
    parser.add_argument("--ways", type=names, default=list(WAYS), metavar="WAY,…", help=", ".join(WAYS))
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results", help="a folder for numbers and figure")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument(
        "--show", type=Path, metavar="FILE", help="print an earlier run's packing.json, measure nothing"
    )
    parser.add_argument("--quick", action="store_true", help="run through everything with next to no trials")
    options = parser.parse_args()
    for chosen, known in ((options.only, NETWORKS), (options.ways, WAYS)):
        if unknown := sorted(set(chosen) - set(known)):
            parser.error(f"there is no {unknown[0]}: choose among {', '.join(known)}")
    return options


if __name__ == "__main__":
    main()
