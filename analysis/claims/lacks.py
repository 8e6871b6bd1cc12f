"""What a claim lacks, in words: why its trials do not suffice, whatever their numbers are."""

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
