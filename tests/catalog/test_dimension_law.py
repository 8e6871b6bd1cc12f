"""The law d/r: what the study declares, what one real training says, and that its verdicts can fail or stay open."""

import itertools
import json
import math
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from trained_rows import train_rows

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.frames.load import Header
from study.catalog.dimension_law.claims import claims, drawings, sheets
from study.catalog.dimension_law.table import AROUND, BETAS, dimension_law, spectrum


def test_every_data_set_meets_the_betas_around_its_event_and_the_events_lie_far_apart():
    rows: list[Any] = dimension_law.table("laptop").rows()
    assert len({row.trial.trial_id for row in rows}) == len(rows)
    events = set()
    for (d, r), group in itertools.groupby(rows, key=lambda row: (row.axes["d"], row.axes["r"])):
        betas = sorted({row.axes["beta"] for row in group})
        assert betas[0] < 0.7 * d / r < 1.3 * d / r < betas[-1]
        events.add(d / r)
    assert max(events) / min(events) == 20
    assert max(b / a for a, b in itertools.pairwise(BETAS)) < 1.11
    assert all(sum(spectrum(r)) == pytest.approx(r) for r in (1, 3, 5, 8))


def test_training_loses_nothing_below_the_law_and_a_mode_above_it(tmp_path):
    """r = 5 in d = 20, one seed: β at no more than three quarters of d/r = 4, and at no less than 1.2 of it."""
    betas = max(b for b in BETAS if b <= 3), min(b for b in BETAS if b >= 4.8)
    rows = [row for row in dimension_law.table("laptop").rows() if (row.axes["d"], row.axes["r"]) == (20, 5)]
    chosen = [row for row in rows if row.axes["seed"] == 0 and row.axes["beta"] in betas]
    assert len(chosen) == 2
    frame = train_rows(chosen, tmp_path)
    kept, lost = (frame.loc[row.trial.trial_id, "nre_test"] for row in chosen)
    assert kept < 0.05 < lost


def view_of(event=lambda d, r, seed: 0.9 * d / r, change=lambda row: {}) -> Any:
    """Made-up trials that lose a mode where `event` says."""
    rows = []
    for d, r, beta, seed in itertools.product((20, 50), (1, 3, 5, 8), BETAS, range(3)):
        if AROUND[0] * d / r <= beta <= AROUND[1] * d / r:
            lost = beta > event(d, r, seed)
            row = {"d": d, "r": r, "beta": beta, "seed": seed, "status": "finished", "converged": True}
            row |= {"nre_test": 0.5 if lost else 0.01, "declaration": json.dumps({})}
            rows.append(row | change(row))
    axes: dict[str, list[Any]] = {"d": [20, 50], "r": [1, 3, 5, 8], "beta": BETAS, "seed": [0, 1, 2]}
    return SimpleNamespace(trials=pd.DataFrame(rows), header=Header("dimension_law", "?", "laptop", axes), home=None)


def said(view):
    return [claim.verdict for claim in claims(view)]


def test_both_claims_hold_where_the_event_is_close_to_the_law():
    view = view_of()
    assert said(view) == [HOLDS, HOLDS]
    assert {drawing.name for drawing in drawings(view)} == {"law"}
    (sheet,) = sheets(view)
    assert len(sheet.frame) == 8
    assert sheet.frame["over d/r"].between(0.8, 1.0).all()


def test_an_event_that_does_not_follow_the_law_fails():
    assert said(view_of(lambda d, r, seed: 0.7 * d / r))[0] == FAILS
    assert said(view_of(lambda d, r, seed: 1.25 * d / r)) == [FAILS, HOLDS]
    assert said(view_of(lambda d, r, seed: 1.3 * (d / r) ** 0.9))[1] == FAILS


def test_seeds_that_disagree_or_are_missing_decide_nothing():
    apart = said(view_of(lambda d, r, seed: (0.75, 0.9, 1.2)[seed] * d / r))
    assert apart[0] == INSUFFICIENT
    half = view_of(change=lambda row: {"status": "missing", "converged": False} if row["seed"] else {})
    half.trials.loc[half.trials["seed"].gt(0), "nre_test"] = math.nan
    assert said(half) == [INSUFFICIENT, INSUFFICIENT]
