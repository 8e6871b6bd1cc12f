"""Every verdict of a home follows from the numbers that are written beside it, by a rule that is written here again."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from made_up_studies import PLANTED, gamma_grid
from probe_studies import computed

from analysis.report.overview import as_json, overview
from study.catalog.rotations.table import rotations
from study.record import Home

ANSWERS = {"holds": "yes", "fails": "no", "insufficient": "open"}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The claims of a home of probes and of trials, as a program reads them."""
    home = Home(tmp_path_factory.mktemp("home"))
    gamma_grid(home, PLANTED, 3)
    computed(home, rotations)
    return [row for row in json.loads(as_json(overview(home))) if "claim" in row]


def outcome(found: dict[str, Any], target: dict[str, Any]) -> str:
    """Of one comparison: where its interval, as wide as its systematic part makes it, lies."""
    if found["low"] is None or found["high"] is None:
        return "insufficient"
    low, high = found["low"] - found["systematic"], found["high"] + found["systematic"]
    least = -math.inf if target["low"] is None else target["low"]
    most = math.inf if target["high"] is None else target["high"]
    if high < least or low > most:
        return "fails"
    if target["is_order"]:
        return "holds" if least < low and high < most else "insufficient"
    return "holds" if least <= low and high <= most else "insufficient"


def contradictions(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The claims whose verdict is another than that of their numbers."""
    for row in rows:
        said = {outcome(one["found"], one["target"]) for one in row["comparisons"]}
        verdict = "fails" if "fails" in said else "holds" if said == {"holds"} else "insufficient"
        verdict = "insufficient" if row["lacks"] else verdict
        expected = ANSWERS[verdict] if row["kind"] == "question" else verdict
        if row["verdict"] != expected:
            yield f"{row['study']}: {row['claim']}: {row['verdict']}, not {expected}"


def test_every_verdict_follows_from_its_numbers(rows):
    assert len(rows) >= 6
    assert all(row["comparisons"] or row["lacks"] for row in rows)
    assert [*contradictions(rows)] == []


def test_a_verdict_that_does_not_is_found(rows):
    wrong = json.loads(json.dumps(rows[0]))
    wrong["verdict"] = "fails"
    assert len([*contradictions([wrong])]) == 1


def test_nothing_is_wider_than_what_it_is_said_to_hold_within(rows):
    for row in rows:
        for one in row["comparisons"]:
            low, value, high = (one["found"][name] for name in ("low", "value", "high"))
            assert low is None or low <= value <= high
