"""The findings as tables for a terminal."""

from collections.abc import Sequence
from typing import Any

from benchmarks.gpu.findings import Line
from benchmarks.gpu.speed import ALONE


def limit_row(line: Line) -> str:
    """What the device can do of one thing."""
    return f"  {line['what']:6}{line['of']:30}{_number(line['value'], 10, 2)} {line['unit']}{_why(line)}"


def check_row(line: Line) -> str:
    """Whether a check passed, and how close it was."""
    worst = (
        f"  worst {line['worst']:.1e} of {line['tolerance']:.0e}, {line['compared']} trials" if "worst" in line else ""
    )
    return f"  {line['status']:10}{line['check']}{worst}{_why(line)}"


def speed_row(line: Line) -> str:
    """One network, way and size."""
    head = f"  {line['network']:11}{line['way']:15}{line['pack']:>6}"
    if "left_out" in line:
        return f"{head}   left out: {line['left_out']}"
    numbers = _number(line["step_ms"], 12, 3) + _number(line["trials_per_minute"], 14, 1)
    share = _number(line.get("of_limit"), 10, 3) + f"  {line.get('limited_by', ''):10}"
    return f"{head}{numbers}{_number(line['times_alone'], 10, 1)}{share}{_number(line.get('peak_gib'), 9, 2)}"


SPEED_HEAD = (
    f"  {'network':11}{'way':15}{'pack':>6}{'ms a step':>12}{'trials/min':>14}{'÷ alone':>10}{'of limit':>10}"
    f"  {'set by':10}{'GiB':>9}"
)


def summary(found: dict[str, Any]) -> str:
    """Trials a minute ÷ one at a time, a row for each network and way; then where packs should stop."""
    lines = [line for line in found.get("speed", []) if line["way"] != ALONE]
    sizes = sorted({line["pack"] for line in lines})
    rows = [f"  {'÷ one at a time, packs of':28}{''.join(f'{size:>9,}' for size in sizes)}"]
    rows += [_gains(name, way, lines, sizes) for name, way in dict.fromkeys((x["network"], x["way"]) for x in lines)]
    rows += ["", f"  {'packs that suffice':28}{'measured':>9}{'auto today':>12}{'of the best':>13}"]
    for line in found.get("pack_auto", []):
        enough = ("≥ " if line["enough"] == line["largest_measured"] else "") + f"{line['enough']:,}"
        numbers = f"{enough:>9}{line['auto_today']:>12,}{line['auto_of_best']:>13.2f}"
        rows.append(f"  {line['network'] + ', ' + line['way']:28}{numbers}")
    return "\n".join(rows)


def _gains(name: str, way: str, lines: Sequence[Line], sizes: Sequence[int]) -> str:
    gains = {line["pack"]: line.get("times_alone") for line in lines if (line["network"], line["way"]) == (name, way)}
    return f"  {name + ', ' + way:28}{''.join(_number(gains.get(size), 9, 1) for size in sizes)}"


def _number(value: float | None, width: int, digits: int) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:>{width},.{digits}f}"


def _why(line: Line) -> str:
    return f"  ({line['why']})" if "why" in line else ""
