"""A picture of a comparison: where the claim says that a number lies, and the interval that was measured."""

import math
from html import escape

from analysis.claims.comparison import Comparison

WIDTH, HEIGHT, EDGE = 150, 16, 4

MOST_STRIPS = 6
"""Pictures of intervals of one claim: those of more comparisons are left to its text."""


def strip(one: Comparison) -> str:
    """An SVG: the target as a band, the interval as a bar with its estimate; empty where nothing was measured."""
    low, high = one.found.widest
    if math.isnan(one.found.value):
        return ""
    known = not math.isnan(low)
    ends = [one.target.low, one.target.high, *([low, high] if known else []), one.found.value]
    finite = [end for end in ends if math.isfinite(end)]
    first, last = min(finite), max(finite)
    room = 0.15 * (last - first) or 0.15 * abs(last) or 1.0
    first, last = first - room, last + room

    def place(value: float) -> float:
        inside = min(max(value, first), last)
        return EDGE + (inside - first) / (last - first) * (WIDTH - 2 * EDGE)

    left, right = place(one.target.low), place(one.target.high)
    band = f"<rect x='{left:.1f}' width='{right - left:.1f}' height='{HEIGHT}'/>"
    line = f"<line x1='{place(low):.1f}' x2='{place(high):.1f}' y1='{HEIGHT / 2}' y2='{HEIGHT / 2}'/>" if known else ""
    dot = f"<circle cx='{place(one.found.value):.1f}' cy='{HEIGHT / 2}' r='3.2'/>"
    said = escape(f"{one}; expected {one.target.says}")
    return (
        f"<svg class='strip {one.outcome}' width='{WIDTH}' height='{HEIGHT}' viewBox='0 0 {WIDTH} {HEIGHT}' role='img' "
        f"aria-label='{said}'><title>{said}</title>{band}{line}{dot}</svg>"
    )
