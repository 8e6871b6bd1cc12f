"""What the command lines of the benchmarks share, and the files that their numbers go to."""

import argparse
import json
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def parser_of(name: str, doc: str | None) -> argparse.ArgumentParser:
    """The command line of `python -m benchmarks.<name>`, described by the first line of its module."""
    return argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=(doc or "").split("\n")[0])


def add_out(parser: argparse.ArgumentParser, default: Path | None = RESULTS) -> None:
    """The option `--out`."""
    parser.add_argument("--out", type=_folder, default=default, help="a folder for the numbers as JSON")


def _folder(text: str) -> Path:
    """Raises: argparse.ArgumentTypeError where numbers could not be written, before anything is measured."""
    path = Path(text)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise argparse.ArgumentTypeError(
            f"{text} cannot be a folder for numbers ({fault.strerror}): name another"
        ) from fault
    return path


def add_training(
    parser: argparse.ArgumentParser, networks: Collection[str], sizes: Sequence[int], span_s: float
) -> None:
    """Options: networks, device, pack sizes, and the length of a round."""
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(networks), metavar="NETWORK,…")
    parser.add_argument("--sizes", type=lambda text: [int(n) for n in text.split(",")], default=list(sizes))
    parser.add_argument("--span", type=float, default=span_s, metavar="S", help="seconds a round")


def parse(parser: argparse.ArgumentParser, kind: str, known: Collection[str]) -> argparse.Namespace:
    """The options; ends the program with a sentence where `--only` names something unknown."""
    options = parser.parse_args()
    if unknown := sorted(set(options.only) - set(known)):
        parser.error(f"there is no {kind} {unknown[0]}: choose among {', '.join(known)}")
    return options


def write_numbers(folder: Path | None, name: str, found: Any) -> None:
    """Write the numbers to `<name>.json` in the folder, if there is one: whole, or not at all."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        beside = folder / f"{name}.json.{os.getpid()}"
        beside.write_text(json.dumps(found, indent=1), encoding="utf-8")
        beside.replace(folder / f"{name}.json")
