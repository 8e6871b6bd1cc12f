"""memorising: what the study declares, what training says of one latent, and that its verdicts can turn."""

from typing import Any

import pandas as pd
import pytest
from trained_rows import train_rows

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.frames.load import Header
from study.catalog.memorising.claims import of_one_latent
from study.catalog.memorising.table import FEW, LINEAR, MANY, WIDE, memorising


def test_few_and_many_examples_meet_decoders_with_layers_and_without():
    for scale in ("laptop", "paper"):
        rows: list[Any] = memorising.table(scale).rows()
        assert len({row.trial.trial_id for row in rows}) == len(rows)
        assert {row.trial.model.kappa for row in rows} == {1}
        assert {*FEW, MANY} <= {row.trial.data.n for row in rows}
        assert {(), (WIDE, WIDE)} <= {row.trial.model.decoder for row in rows}


def test_one_latent_names_eight_examples_to_a_wide_decoder(tmp_path):
    rows = [row for row in memorising.table("laptop").rows() if row.axes["n"] == 8 and row.axes["seed"] == 0]
    frame = train_rows(rows, tmp_path)
    lost = {row.axes["width"]: frame.loc[row.trial.trial_id, "nre_mean_train"] for row in rows}
    assert lost[WIDE] < 0.01
    assert lost[LINEAR] > 0.1


def said(change=lambda row: {}):
    rows = []
    for n in (*FEW, MANY):
        for width in (LINEAR, WIDE):
            for seed in range(3):
                row = {"n": n, "width": width, "seed": seed, "status": "finished", "nre_mean_test": 0.6}
                row["nre_mean_train"] = 0.01 if width and n < MANY else 0.3
                rows.append(row | change(row))
    axes = {"n": [*FEW, MANY], "width": [LINEAR, WIDE], "seed": [0, 1, 2]}
    found = of_one_latent(pd.DataFrame(rows), Header("memorising", "?", "laptop", axes))
    return [claim.verdict for claim in found]


def test_the_claims_hold_where_few_examples_are_memorised_and_no_others():
    assert said() == [HOLDS] * 4


@pytest.mark.parametrize(
    ("column", "value", "where", "place"),
    [
        ("nre_mean_train", 0.1, {"n": 64, "width": WIDE}, 0),
        ("nre_mean_train", 0.01, {"width": LINEAR}, 1),
        ("nre_mean_train", 0.01, {"n": MANY}, 2),
        ("nre_mean_test", 0.01, {"width": WIDE}, 3),
    ],
)
def test_each_claim_fails_where_its_numbers_are_spoiled(column, value, where, place):
    def change(row):
        return {column: value} if all(row[name] == wanted for name, wanted in where.items()) else {}

    verdicts = said(change)
    assert verdicts[place] == FAILS
    assert verdicts.count(FAILS) == 1


def test_one_seed_decides_nothing():
    assert said(lambda row: {"status": "missing"} if row["seed"] else {}) == [INSUFFICIENT] * 4
