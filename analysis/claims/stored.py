"""Claims as rows of a JSON file, and back: with the numbers from which each verdict follows."""

import math
from dataclasses import asdict
from typing import Any

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, Target
from analysis.claims.estimate import Estimate


def as_row(claim: Claim) -> dict[str, Any]:
    """A claim with its comparisons; a bound that is infinite and a number that is not known are null."""
    comparisons = [
        {
            "what": each.what,
            "found": _finite(asdict(each.found)),
            "target": _finite(asdict(each.target)),
            "outcome": each.outcome,
            "needed": each.needed,
        }
        for each in claim.comparisons
    ]
    return vars(claim) | {
        "comparisons": comparisons,
        "statements": [*claim.statements],
        "why_undecided": claim.why_undecided,
    }


def claim_of(row: dict[str, Any]) -> Claim:
    """The claim of a row. Raises: ValueError, TypeError, KeyError for another content."""
    told = {name: value for name, value in row.items() if name not in ("comparisons", "why_undecided", "verdict")}
    comparisons = [
        Comparison(each["what"], _estimate(each["found"]), _target(each["target"])) for each in row["comparisons"]
    ]
    return Claim(**told, comparisons=comparisons)


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if not isinstance(value, float) or math.isfinite(value) else None for name, value in row.items()
    }


def _estimate(row: dict[str, Any]) -> Estimate:
    numbers: dict[str, Any] = row | {
        name: math.nan if row[name] is None else row[name] for name in ("value", "low", "high")
    }
    return Estimate(**numbers)


def _target(row: dict[str, Any]) -> Target:
    low, high = row["low"], row["high"]
    ends: dict[str, Any] = row | {"low": -math.inf if low is None else low, "high": math.inf if high is None else high}
    return Target(**ends)
