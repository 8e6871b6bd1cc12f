"""Colours and markers: one for each γ mode, the same in every figure, and the quiet ones of axes and words.

The colours are Okabe and Ito's (2008), which stay apart for colour-blind readers; markers repeat what colours say. They need
no plotting library: most reports draw nothing by Matplotlib.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INK, QUIET, GRID = "#222222", "#6b7280", "#e5e7eb"

LEARNED = ["#0072B2", "#56B4E9"]
OPTIMAL = ["#009E73", "#66C2A5"]
ANNEALED = ["#AA4499", "#DDA0CC"]
FIXED = ["#A63603", "#E69F00", "#E6550D", "#8C6D31", "#FDAE6B"]
OTHER = ["#000000", "#7F7F7F", "#B15928", "#6A3D9A", "#1B9E77", "#999933"]
MARKERS = "osD^vPX<>*"


@dataclass(frozen=True)
class Look:
    """How the trials of one γ mode are drawn."""

    label: str
    colour: str
    marker: str


POOLS = {"learned": LEARNED, "optimal": OPTIMAL, "annealed": ANNEALED, "fixed": FIXED}
"""The colours of each γ mode, by its recorded name."""


def looks(modes: Mapping[Any, str]) -> dict[Any, Look]:
    """A look for each label, by its recorded γ mode and then by order: the same study always gets the same looks."""
    taken: Counter[str] = Counter()
    chosen = {}
    for label, mode in modes.items():
        kind = mode if mode in POOLS else "other"
        pool = POOLS.get(kind, OTHER)
        chosen[label] = Look(str(label), pool[taken[kind] % len(pool)], MARKERS[len(chosen) % len(MARKERS)])
        taken[kind] += 1
    return chosen
