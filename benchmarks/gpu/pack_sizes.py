"""Where `--pack auto` should stop on this device, by what was measured, and where `study.pack.cost` stops today."""

import math
from collections.abc import Sequence

from benchmarks.gpu.findings import Line
from benchmarks.gpu.networks import measured, varied
from benchmarks.gpu.speed import ALONE, flops_of
from study.pack.cost import CPU_CORE, GPU, largest_useful_pack

ENOUGH = 0.95
"""Part of the best trials a minute that the least sufficient size reaches."""


def advise(lines: Sequence[Line], device: str) -> list[Line]:
    """A line for each network and way that has numbers."""
    pairs = dict.fromkeys((line["network"], line["way"]) for line in lines if line["way"] != ALONE)
    found = [_advice(name, way, lines, device) for name, way in pairs]
    return [line for line in found if line]


def _advice(name: str, way: str, lines: Sequence[Line], device: str) -> Line | None:
    of_way = [line for line in lines if (line["network"], line["way"]) == (name, way) and "step_ms" in line]
    if not of_way:
        return None
    of_way.sort(key=lambda line: line["pack"])
    speeds = {line["pack"]: line["trials_per_minute"] for line in of_way}
    best = max(speeds.values())
    enough = min(size for size, speed in speeds.items() if speed >= ENOUGH * best)
    first = varied(measured(name).network, 1)[0]
    today = largest_useful_pack(first, GPU if device.startswith("cuda") else CPU_CORE)
    at = min(speeds, key=lambda size: abs(math.log(size / today)))
    return {
        "network": name,
        "way": way,
        "enough": enough,
        "largest_measured": max(speeds),
        "trials_per_minute": speeds[enough],
        "auto_today": today,
        "auto_measured_at": at,
        "auto_of_best": speeds[at] / best,
        "smallest_step_s": of_way[0]["step_ms"] / 1e3,
        "sustained_flops": max(flops_of(first) * line["pack"] * 1e3 / line["step_ms"] for line in of_way),
    }
