"""The numbers of `benchmarks.packing` as text, Markdown and a figure, and whether they meet the goals."""

from typing import Any

import matplotlib as mpl

from analysis.figures.looks import QUIET
from analysis.figures.style import SETTINGS, panels, saved
from benchmarks import standing
from benchmarks.machine import sentence
from benchmarks.standing import as_markdown, as_text

NAMES = {"tune": "default actors", "reused": "reused actors", "single": "packs of 1", "packs": "packs"}
GOALS = {"5-8-5": 20.0, "planted": 4.0, "digits": 2.0}
"""How many times more trials a minute packs must train than Ray Tune with its default actors."""

COLOURS = {"tune": "#999999", "reused": "#56B4E9", "single": "#E69F00", "packs": "#0072B2"}

Found = dict[str, Any]


def row(line: dict[str, Any]) -> str:
    """A way of training in numbers."""
    counts = f"{line['trials']:5} trials in {line['wall_s']:6.1f} s{line['per_minute']:10.1f} trials/min"
    return f"{counts}   (Ray started in {line['ray_s']:.1f} s, load {line['load']:.1f})"


def judge(found: Found) -> list[str]:
    """A sentence for each network with a goal."""
    sentences = []
    for network, goal in GOALS.items():
        if ratio := _ratio(_speeds(found, network), "tune"):
            verdict = "goal met" if ratio >= goal else "goal missed"
            sentences.append(
                f"{verdict}: {network}: packs train {ratio:.1f} times as many trials a minute as Ray Tune with default "
                f"actors (at least {goal:g})"
            )
    return sentences


def plain(found: Found) -> str:
    """The comparison for a terminal."""
    whole = "trials a minute of the whole way, and how many times as many packs train"
    return "\n".join([whole, as_text(_cells(found)), "", as_text(standing.cells(found["core"]))])


def markdown(found: Found) -> str:
    """The comparison as docs/how_fast.md shows it."""
    ray = [line["ray_s"] for line in found["ways"]]
    starting = f"Starting Ray ({min(ray):.0f} to {max(ray):.0f} s) and creating an MLflow database" if ray else ""
    apart = f" {starting} ({found['database_s']:.0f} s) are not in the numbers." if starting else ""
    loads = [line["load"] for line in (*found["ways"], *found["core"])]
    trained = [f"{line['trials']} ({NAMES[line['way']]}, {line['network']})" for line in found["ways"]]
    counts = f" Trials trained: {', '.join(trained)}." if trained else ""
    tables = f"{as_markdown(_cells(found))}\n\n{as_markdown(standing.cells(found['core']))}"
    return (
        f"{tables}\n\nMeasured {sentence(found['machine'])}; load {min(loads):.1f} to {max(loads):.1f}.{apart}{counts}"
    )


def _cells(found: Found) -> list[list[str]]:
    """The whole way: a row a network, numbers where they were measured."""
    lines = [["trials a minute", *NAMES.values(), *(f"÷ {NAMES[way]}" for way in ("tune", "reused", "single"))]]
    for network in dict.fromkeys(line["network"] for line in found["ways"]):
        speeds = _speeds(found, network)
        cells = [f"{speeds[way]:,.0f}" if way in speeds else "" for way in NAMES]
        ratios = [f"{ratio:.1f}×" if (ratio := _ratio(speeds, way)) else "" for way in ("tune", "reused", "single")]
        lines.append([network, *cells, *ratios])
    return lines


def _speeds(found: Found, network: str) -> dict[str, float]:
    return {line["way"]: line["per_minute"] for line in found["ways"] if line["network"] == network}


def _ratio(speeds: dict[str, float], way: str) -> float | None:
    return speeds["packs"] / speeds[way] if {"packs", way} <= speeds.keys() else None


def figure(found: Found) -> bytes:
    """Trials a minute of each way, and what a pack's size gains in the training alone, on which machine, as a PNG."""
    with mpl.rc_context(SETTINGS):
        sheets, ((ways, sizes),) = panels(1, 2, height=3.4)
        _draw_ways(ways, found)
        _draw_sizes(sizes, found)
        sheets.supxlabel(sentence(found["machine"]), fontsize=7.5, color=QUIET)
        return saved(sheets, "png")


def _draw_ways(ax: Any, found: Found) -> None:
    networks = list(dict.fromkeys(line["network"] for line in found["ways"]))
    for i, way in enumerate(NAMES):
        lines = [line for line in found["ways"] if line["way"] == way]
        places = [networks.index(line["network"]) + 0.2 * (i - 1.5) for line in lines]
        bars = ax.bar(places, [line["per_minute"] for line in lines], 0.18, label=NAMES[way], color=COLOURS[way])
        ax.bar_label(bars, fmt="{:,.0f}", fontsize=7, padding=2)
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.margins(y=0.15)
    ax.set_xticks(range(len(networks)), networks)
    ax.set_ylabel("trials a minute")
    ax.set_title("the whole way: Ray Tune, records, MLflow", loc="left")
    if networks:
        ax.legend(frameon=False, fontsize=8)


def _draw_sizes(ax: Any, found: Found) -> None:
    for i, network in enumerate(dict.fromkeys(line["network"] for line in found["core"])):
        lines = [line for line in found["core"] if (line["network"], line["way"]) == (network, "packs")]
        points = [(line["pack"], line["times_alone"]) for line in lines if line["times_alone"]]
        ax.plot(*zip(*points, strict=True), marker="os^D"[i % 4], markersize=4, label=network)
    ax.axhline(1, color=QUIET, linewidth=0.8)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xticks(sorted({line["pack"] for line in found["core"] if line["way"] == "packs"}))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter("{x:g}")
    ax.set_xlabel("trials in a pack")
    ax.set_ylabel("× one trial at a time")
    ax.set_title("the training alone, one core", loc="left")
    ax.legend(frameon=False, fontsize=8)
