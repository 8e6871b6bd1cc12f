"""One script for the first GPU that comes by: is training right there, how fast is it, and how large should packs be?

    python -m benchmarks.gpu [--device cuda|cpu] [--quick] [--out FOLDER] [--minutes 8]

It needs torch, NumPy, pydantic and jaxtyping alone. Its four parts are what the device can do, correctness, speed, and where
`--pack auto` should stop; each gets its share of the minutes, the most telling questions first, and what found no time is
named. Everything is in gpu-DEVICE.json as soon as it is known, so a run that is cut off loses nothing. docs/gpu.md says what
each number means. The exit status is 1 where a check failed or a goal was missed.
"""

import argparse
import math
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import torch

from benchmarks.gpu import correctness, limit, pack_sizes, speed, tables, ways
from benchmarks.gpu.budget import Budget
from benchmarks.gpu.findings import Findings, in_a_line
from benchmarks.gpu.networks import NAMES, measured
from benchmarks.machine import machine, sentence
from benchmarks.options import add_out, parser_of

WEIGHTS = {"limit": 0.05, "correctness": 0.3, "speed": 0.65}
GOALS = {"digits": 100.0, "mnist": 50.0}
"""How many times faster than one at a time some pack must train on a GPU."""

QUICK_NAMES, QUICK_PASSES, QUICK_SPAN_S = ("5-8-5", "8-small"), ((1, 4), (8,)), 0.01


def main() -> None:
    """Measure, print, write, and exit with status 1 where something is wrong."""
    options = _options()
    torch.set_num_threads(1)
    findings = Findings(options.out, f"gpu-{options.device.split(':')[0]}")
    names = QUICK_NAMES if options.quick else NAMES
    budget = Budget(60 * options.minutes, WEIGHTS)
    findings.note("machine", facts := machine(options.device) | _device(options.device))
    findings.note("ways", {way: "built" if way in ways.built(options.device) else ways.NOT_BUILT for way in ways.WAYS})
    print(sentence(facts), flush=True)
    _limits(options, findings, budget)
    _correctness(options, findings, budget)
    _speed(options, findings, budget, names)
    trained = [measured(name) for name in dict.fromkeys((*names, *correctness.NETWORKS))]
    findings.note("networks", {each.name: {"about": each.about, "data": each.data} for each in trained})
    findings.note("pack_auto", pack_sizes.advise(findings.found.get("speed", []), options.device))
    verdicts = judge(findings, options.device)
    findings.note("verdicts", verdicts)
    findings.note("complete", True)
    print("", tables.summary(findings.found), "", *_left_out(findings), *verdicts, sep="\n")
    sys.exit(any("failed" in verdict or "missed" in verdict for verdict in verdicts))


def judge(findings: Findings, device: str) -> list[str]:
    """Whether every check passed, and whether the goals are met."""
    checks = findings.found.get("correctness", [])
    counted = ", ".join(f"{count} {status}" for status, count in Counter(line["status"] for line in checks).items())
    failed = [line["check"] for line in checks if line["status"] == "failed"]
    verdicts = [f"checks: {counted}" + f" ({'; '.join(failed)})" * bool(failed)]
    for name, goal in GOALS.items() if device.startswith("cuda") else ():
        lines = [line for line in findings.found.get("speed", []) if line["network"] == name]
        gains = [line["times_alone"] for line in lines if line.get("times_alone")]
        verdict = "not measured" if not gains else "met" if max(gains) >= goal else "missed"
        reached = f"{max(gains):.0f} × one at a time" if gains else "no number"
        verdicts.append(f"goal {verdict}: {name}: {reached} (at least {goal:.0f} ×)")
    return verdicts


def _limits(options: argparse.Namespace, findings: Findings, budget: Budget) -> None:
    print("\nwhat the device can do")
    for line in limit.measure(options.device, options.quick, budget.turn("limit")):
        findings.add("limit", line)
        print(tables.limit_row(line), flush=True)


def _correctness(options: argparse.Namespace, findings: Findings, budget: Budget) -> None:
    print("\nis training right")
    extent = correctness.QUICK if options.quick else correctness.WHOLE
    deadline = budget.turn("correctness")
    checks = correctness.Checks(options.device, extent, deadline).by_name()
    for line in correctness.run(checks, deadline):
        findings.add("correctness", line)
        if line["status"] == "left out":
            findings.leave_out("correctness", line["check"], line["why"])
        print(tables.check_row(line), flush=True)


def _speed(options: argparse.Namespace, findings: Findings, budget: Budget, names: tuple[str, ...]) -> None:
    print(f"\nhow fast\n{tables.SPEED_HEAD}")
    known = findings.found.get("limit", [])
    tflops, gigabytes = limit.best(known, "fp32"), limit.best(known, "copy")
    limits = speed.Limit(tflops and 1e12 * tflops, gigabytes and 1e9 * gigabytes)
    sweep = speed.Sweep(options.device, limits, QUICK_SPAN_S if options.quick else speed.SPAN_S)
    jobs = speed.jobs(options.device, names, QUICK_PASSES if options.quick else speed.PASSES)
    for line in sweep.run(jobs, budget.turn("speed")):
        findings.add("speed", line)
        if "left_out" in line:
            what = f"{line['network']}, {line['way']}, packs of {line['pack']}"
            findings.leave_out("speed", what, line["left_out"])
        print(tables.speed_row(line), flush=True)


def _left_out(findings: Findings) -> list[str]:
    """What was left out, sizes of one network and way in one line, with the first's reason."""
    grouped: dict[str, list[dict[str, str]]] = {}
    for each in findings.found["left_out"]:
        what, _, _ = each["what"].rpartition(" ") if each["part"] == "speed" else (each["what"], "", "")
        grouped.setdefault(what, []).append(each)
    return [
        f"left out: {', '.join([group[0]['what'], *(each['what'].rpartition(' ')[2] for each in group[1:])])}: "
        f"{group[0]['why']}"
        for group in grouped.values()
    ]


def _device(device: str) -> dict[str, str]:
    """What a reader must know of a GPU besides its name."""
    if not device.startswith("cuda"):
        return {}
    properties = torch.cuda.get_device_properties(device)
    return {
        "gpu_memory": f"{properties.total_memory / 2**30:.0f} GiB",
        "multiprocessors": f"{properties.multi_processor_count}",
        "cuda": f"{torch.version.cuda}",
        "driver": _driver(),
        "tf32_in_products": f"{torch.backends.cuda.matmul.allow_tf32}",
        "tf32_in_convolutions": f"{torch.backends.cudnn.allow_tf32}",
    }


def _driver() -> str:
    """The driver's version, as Linux tells it."""
    try:
        return Path("/proc/driver/nvidia/version").read_text(encoding="utf-8").splitlines()[0]
    except OSError as fault:
        return f"unknown ({type(fault).__name__})"


def _options() -> argparse.Namespace:
    parser = parser_of("gpu", __doc__)
    parser.add_argument("--device", default="cuda", help="cuda or cpu")
    parser.add_argument("--quick", action="store_true", help="next to nothing of everything, to see that it runs")
    parser.add_argument("--minutes", type=_minutes, default=8.0, help="how long it may take")
    add_out(parser)
    options = parser.parse_args()
    if options.device != "cpu" and not options.device.startswith("cuda"):
        parser.error(f"{options.device} was never tried: give --device cuda or --device cpu")
    try:
        torch.zeros(1, device=options.device)
    except (AssertionError, RuntimeError) as fault:
        parser.error(
            f"torch has no {options.device} here ({in_a_line(fault)}): run it where there is one, or give --device cpu"
        )
    return options


def _minutes(text: str) -> float:
    """Raises: argparse.ArgumentTypeError."""
    with suppress(ValueError):
        if 0 < (minutes := float(text)) < math.inf:
            return minutes
    raise argparse.ArgumentTypeError(f"{text} is no number of minutes: give one above 0")


if __name__ == "__main__":
    main()
