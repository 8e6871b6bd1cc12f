"""How the numbers of `benchmarks.core` stand: packs against JAX, the same packs by autograd, and the machine's limit.

Every way is taken at its best pack size. All of them train the same trials of a learned γ. `start counted` charges one pack
with what passes before its first step, which is compiling in JAX, over as many steps as the trials declare.
"""

from collections.abc import Sequence
from typing import Any

GOALS_JAX = {"5-8-5": 0.75, "planted": 1.05, "digits": 1.05}
"""How many times JAX's trials a minute packs must train, compiling not counted; with it counted, they must be ahead."""

GOALS_LIMIT = {"planted": 0.42, "digits": 0.42}
"""The share of the machine's limit that a pack must reach."""

PACKS, JAX, AUTOGRAD = "packs, learned", "JAX", "by autograd"
SPEED, WITH_START, SHARE = "trials_per_minute", "trials_per_minute_with_start", "share_of_limit"

Line = dict[str, Any]


def best(lines: Sequence[Line], network: str, way: str, number: str) -> float | None:
    """The largest number of a way, at whichever pack size; None where it was not measured."""
    mine = [line.get(number) for line in lines if (line["network"], line["way"]) == (network, way)]
    return max(filter(None, mine), default=None)


def ratio(lines: Sequence[Line], network: str, way: str, number: str = SPEED) -> float | None:
    """What packs reach, divided by what a way reaches."""
    ours, theirs = (best(lines, network, each, number) for each in (PACKS, way))
    return ours / theirs if ours and theirs else None


def judge(lines: Sequence[Line]) -> list[str]:
    """A sentence for each goal of each network that was measured."""
    found = []
    for network in dict.fromkeys(line["network"] for line in lines):
        if (goal := GOALS_JAX.get(network)) and (jax := ratio(lines, network, JAX)):
            text = (
                f"packs train {jax:.2f} times as many trials a minute as JAX, compiling not counted (at least {goal})"
            )
            found.append(_verdict(jax >= goal, network, text))
        if network in GOALS_JAX and (jax := ratio(lines, network, JAX, WITH_START)):
            text = f"packs train {jax:.2f} times as many trials a minute as JAX, compiling counted (more than 1)"
            found.append(_verdict(jax > 1, network, text))
        if (goal := GOALS_LIMIT.get(network)) and (share := best(lines, network, PACKS, SHARE)):
            text = f"a pack's matrix products alone would take {share:.2f} of its step (at least {goal})"
            found.append(_verdict(share >= goal, network, text))
    return found


def _verdict(is_met: bool, network: str, text: str) -> str:
    return f"goal {'met' if is_met else 'missed'}: {network}: {text}"


def cells(lines: Sequence[Line]) -> list[list[str]]:
    """The training alone: a row a network, and a way's best pack size in brackets."""
    head = ["training alone, trials a minute", "packs", "JAX", "÷ JAX", "packs, start counted", "JAX, start counted"]
    rows = [[*head, "÷ JAX", "of the limit", "JAX of the limit", "÷ by autograd"]]
    for network in dict.fromkeys(line["network"] for line in lines):
        row = [network]
        for number in (SPEED, WITH_START):
            row += [_with_size(lines, network, way, number) for way in (PACKS, JAX)]
            row.append(_number(ratio(lines, network, JAX, number), "×"))
        row += [_number(best(lines, network, way, SHARE)) for way in (PACKS, JAX)]
        rows.append([*row, _number(ratio(lines, network, AUTOGRAD), "×")])
    return rows


def _with_size(lines: Sequence[Line], network: str, way: str, number: str) -> str:
    value = best(lines, network, way, number)
    mine = [line for line in lines if (line["network"], line["way"]) == (network, way)]
    return f"{value:,.0f} ({next(line['pack'] for line in mine if line.get(number) == value)})" if value else ""


def _number(value: float | None, unit: str = "") -> str:
    return f"{value:.2f}{unit}" if value else ""


def as_text(rows: Sequence[Sequence[str]]) -> str:
    """A table for a terminal."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table as docs/how_fast.md shows it."""
    head, *others = rows
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *others))
