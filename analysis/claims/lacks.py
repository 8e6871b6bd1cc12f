"""What a claim lacks, in words: why its trials do not suffice, whatever their numbers are."""

from analysis.frames.types import Frame
from analysis.tables.cells import ENOUGH

FEWEST = 2
"""Trials below which nothing is judged."""


def too_few(usable: int, declared: int, did: str = "have converged") -> str:
    """Empty where two thirds of the declared trials, and two at least, are usable; else how many are.

    "3 of 12 trials have converged"
    """
    if usable >= max(FEWEST, ENOUGH * declared):
        return ""
    return f"{usable} of {declared} trials {did}"


def uncomputed(probes: Frame) -> str:
    """Empty where there are probes and every one has finished: a claim about all problems needs all of them."""
    done = int(probes["status"].eq("finished").sum())
    return "" if done == len(probes) > 0 else f"{done} of {len(probes)} probes are computed"
