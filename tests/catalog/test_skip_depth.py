"""The study of deep decoders: what it declares, what training says of it, and that its verdicts can fail."""

import itertools
from typing import Any

import pandas as pd
import pytest
from trained_rows import shorter, train_rows

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.frames.load import Header
from models.specs import PlantedManifold
from study.catalog.skip_depth.claims import collapse_of_depth
from study.catalog.skip_depth.table import INITS, SKIPS, skip_depth


def test_every_depth_meets_every_skip_and_initialisation_at_kappa_r_and_the_ends_of_depth_two_skips_at_20():
    rows: list[Any] = skip_depth.table("laptop").rows()
    assert len({row.trial.trial_id for row in rows}) == len(rows) == (3 * 4 + 2 * 2) * 2 * 3
    assert {len(row.trial.model.decoder) for row in rows} == {2, 6, 20}
    assert {row.trial.model.init for row in rows} == {"fan_in", "he"}
    assert {(row.trial.model.kappa, row.axes["depth"]) for row in rows} == {(3, 2), (3, 6), (3, 20), (20, 2), (20, 20)}
    assert all(row.trial.model.encoder == (64, 64) and set(row.trial.model.decoder) == {64} for row in rows)
    assert all(row.trial.data == PlantedManifold(d=20, r=3, n=2000) for row in rows)


def test_the_initialisations_train_in_one_pack():
    """So that what sets them apart is nothing but their weights."""
    rows = [row for row in skip_depth.table("laptop").rows() if row.axes["depth"] == 20 and row.axes["kappa"] == 3]
    assert len({row.trial.pack_key for row in rows}) == len(SKIPS)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The deepest decoders at κ = 3, one seed, without skip and with the affine one, under both initialisations.

    After three quarters of the study's steps they are where its claims see them.
    """
    rows = shorter([row for row in skip_depth.table("laptop").rows() if deep_and_narrow(row)], steps=1100)
    frame = train_rows(rows, tmp_path_factory.mktemp("depth"))
    return {
        (row.axes["init"], row.axes["skip"]): frame.loc[row.trial.trial_id] for row in rows
    }  # one trial for each pair


def deep_and_narrow(row):
    axes = row.axes
    return axes["depth"] == 20 and axes["kappa"] == 3 and axes["seed"] == 1 and axes["skip"] in ("none", "affine")


def test_a_deep_plain_decoder_collapses_and_the_affine_skip_rescues_it(trained):
    assert trained["fan_in", "none"]["n_active"] <= 1
    assert trained["fan_in", "none"]["nre_test"] > 0.9
    assert trained["fan_in", "affine"]["n_active"] == 3
    assert trained["fan_in", "affine"]["nre_test"] < 0.15


def test_under_he_initialisation_a_deep_plain_decoder_keeps_its_latents(trained):
    assert trained["he", "none"]["n_active"] == 3
    assert trained["he", "none"]["nre_test"] < 0.3


def frame_of(change=lambda row: {}):
    """Two seeds at every depth, κ = 3, as the source has it under either initialisation, but for what `change` says."""
    rows = []
    for depth, init, skip, seed in itertools.product((2, 6, 20), INITS, SKIPS, (0, 1)):
        lost = depth == 20 and skip == "none"
        row = {"depth": depth, "init": init, "skip": skip, "kappa": 3, "seed": seed}
        row |= {"status": "finished", "converged": True}
        row |= {"n_active": 0 if lost else 3, "nre_test": 1.0 if lost else 0.05}
        rows.append(row | change(row))
    return pd.DataFrame(rows)


def said(frame):
    axes = {"depth": [2, 6, 20], "init": INITS, "skip": SKIPS, "kappa": [3], "seed": [0, 1]}
    return [claim.verdict for claim in collapse_of_depth(frame, Header("skip_depth", "?", "laptop", axes))]


FAN_IN, HE = [HOLDS] * 3, [HOLDS] * 3


def test_the_claims_hold_under_both_initialisations_where_both_collapse():
    assert said(frame_of()) == [*FAN_IN, *HE, FAILS]


def test_the_verdict_is_given_under_each_initialisation():
    """Where He's weights keep the latents, the claim fails under them alone, and the collapse is fan_in's."""
    kept = frame_of(lambda row: {"n_active": 3, "nre_test": 0.05} if row["init"] == "he" else {})
    assert said(kept) == [*FAN_IN, FAILS, FAILS, HOLDS, HOLDS]


def test_the_claims_fail_where_the_skip_rescues_nothing():
    broken = frame_of(lambda row: {"n_active": 2} if row["skip"] == "affine" and row["depth"] == 20 else {})
    assert said(broken) == [FAILS, HOLDS, HOLDS, FAILS, HOLDS, HOLDS, FAILS]
    broken = frame_of(lambda row: {"nre_test": 0.2} if row["skip"] == "affine" else {})
    assert said(broken) == [HOLDS, FAILS, HOLDS, HOLDS, FAILS, HOLDS, FAILS]
    broken = frame_of(lambda row: {"n_active": 1} if row["depth"] == 6 else {})
    assert said(broken) == [HOLDS, HOLDS, FAILS, HOLDS, HOLDS, FAILS, FAILS]


def test_half_a_study_decides_nothing():
    missing = {"status": "missing", "converged": False, "n_active": float("nan"), "nre_test": float("nan")}
    assert said(frame_of(lambda row: missing if row["seed"] else {})) == [INSUFFICIENT] * 7


def test_a_trial_that_still_moves_counts_and_is_named():
    moving = frame_of(lambda row: {"converged": False})
    axes = {"depth": [2, 6, 20], "init": INITS, "skip": SKIPS, "kappa": [3], "seed": [0, 1]}
    claims = collapse_of_depth(moving, Header("skip_depth", "?", "laptop", axes))
    assert claims[0].verdict == HOLDS
    assert "4 of these trials had not converged" in claims[0].measured
