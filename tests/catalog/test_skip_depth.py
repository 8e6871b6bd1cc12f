"""The study of deep decoders: what it declares, what training says of it, and that its verdicts can fail."""

import itertools
from typing import Any

import pandas as pd
import pytest
from trained_rows import shorter, train_rows

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT, NO, OPEN, YES
from analysis.frames.load import Header
from study.catalog.skip_depth.claims import collapse_of_depth
from study.catalog.skip_depth.table import DEPTHS, INITS, MANIFOLD, SKIPS, skip_depth


def test_every_depth_meets_every_skip_at_kappa_r_and_the_ends_of_depth_more_latents_too():
    rows: list[Any] = skip_depth.table("laptop").rows()
    assert len({row.trial.trial_id for row in rows}) == len(rows)
    rows = [row for row in rows if row.trial.data == MANIFOLD]
    met = {kappa: {init: depths_and_skips(rows, kappa, init) for init in INITS} for kappa in (3, 20)}
    assert met[3] == {"fan_in": {*itertools.product(DEPTHS, SKIPS)}, "he": {(depth, "none") for depth in DEPTHS}}
    assert met[20] == {"fan_in": {(2, "none"), (2, "affine"), *((20, skip) for skip in SKIPS)}, "he": set()}
    assert all(row.trial.model.encoder == (64, 64) and set(row.trial.model.decoder) == {64} for row in rows)


def depths_and_skips(rows, kappa, init):
    chosen = [row for row in rows if row.trial.model.kappa == kappa and row.trial.model.init == init]
    return {(len(row.trial.model.decoder), row.trial.model.skip) for row in chosen}


def test_where_errors_are_compared_there_are_six_seeds():
    def seeds(**wanted):
        rows: list[Any] = skip_depth.table("laptop").rows()
        return len([row for row in rows if row.axes | wanted == row.axes])

    for skip in SKIPS[1:]:
        assert seeds(init="fan_in", depth=20, skip=skip, kappa=3) == 6
    assert [seeds(init="fan_in", depth=20, skip=skip, kappa=20) for skip in SKIPS] == [6] * 4
    assert seeds(init="he", depth=20, skip="none", kappa=3) == 6


def test_on_pictures_the_network_is_the_source_s():
    for scale in ("laptop", "paper"):
        rows: list[Any] = [row for row in skip_depth.table(scale).rows() if row.trial.data.kind == "MNIST"]
        assert all(len(row.trial.model.encoder) == 6 for row in rows)
        assert {row.trial.model.init for row in rows} == {"fan_in", "he"}
        assert {"none", "residual"} <= {row.trial.model.skip for row in rows}
        assert 6 in {len(row.trial.model.decoder) for row in rows}


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


def planted(change=lambda row: {}):
    """Three seeds at 20 layers, lost without skip under N(0, 1/fan_in) alone, but for what `change` says."""
    rows = []
    for init, skip, kappa, seed in itertools.product(INITS, SKIPS, (3, 20), range(3)):
        lost = init == "fan_in" and skip == "none"
        row = {"data": "manifold", "depth": 20, "init": init, "skip": skip, "kappa": kappa, "seed": seed}
        row |= {"status": "finished", "converged": True, "intrinsic_dim": 3.0}
        row |= {"n_active": 0.0 if lost else 3.0 if kappa == 3 else 5.0}
        row |= {"nre_test": 1.0 if lost else 0.05 - 0.001 * kappa}
        rows.append(row | change(row))
    return pd.DataFrame(rows)


def pictures(change=lambda row: {}):
    """Three seeds of a network on pictures, which loses everything without skips."""
    rows = []
    for init, skip, seed in itertools.product(INITS, ("none", "affine", "residual"), range(3)):
        row = {"data": "MNIST", "depth": 6, "init": init, "skip": skip, "kappa": 50, "seed": seed}
        row |= {"status": "finished", "converged": True, "intrinsic_dim": float("nan")}
        row |= {"n_active": 0.0 if skip == "none" else 10.0, "nre_test": 1.0 if skip == "none" else 0.4}
        rows.append(row | change(row))
    return pd.DataFrame(rows)


def said(frame):
    axes = {name: list(dict.fromkeys(frame[name])) for name in ("data", "depth", "init", "skip", "kappa", "seed")}
    return [claim.verdict for claim in collapse_of_depth(frame, Header("skip_depth", "?", "laptop", axes))]


def where(column, value, **named):
    return lambda row: {column: value} if all(row[name] == wanted for name, wanted in named.items()) else {}


def test_the_claims_hold_where_skips_rescue_and_he_s_weights_keep():
    assert said(planted()) == [HOLDS] * 6
    assert said(pictures()) == [HOLDS, YES, YES] * 2


@pytest.mark.parametrize(
    ("change", "places"),
    [
        (where("n_active", 1.0, skip="affine", init="fan_in"), [0, 3]),
        (where("nre_test", 0.2, skip="residual", init="fan_in"), [1, 4]),
        (where("n_active", 3.0, skip="none", init="fan_in"), [0, 1, 2, 3]),
        (where("n_active", 1.0, skip="concat", init="fan_in", kappa=20), [3]),
        (where("nre_test", 0.06, skip="affine", kappa=20), [4]),
        (where("nre_test", 0.08, skip="concat", kappa=20), [4]),
        (where("nre_test", 0.045, skip="concat", kappa=20), [4]),
        (where("nre_test", 0.95, skip="none", init="he"), [5]),
    ],
)
def test_each_claim_fails_where_its_numbers_are_spoiled(change, places):
    verdicts = said(planted(change))
    assert {place for place, verdict in enumerate(verdicts) if verdict == FAILS} <= {*places}
    assert verdicts[places[-1]] == FAILS


def test_seeds_that_disagree_about_more_latents_leave_them_undecided():
    frame = planted(
        lambda row: {"nre_test": 0.06} if row["skip"] == "affine" and row["seed"] == row["kappa"] / 20 else {}
    )
    assert said(frame)[4] == INSUFFICIENT


def test_pictures_that_are_kept_without_skips_contradict_the_source():
    kept = pictures(where("n_active", 10.0, skip="none", init="he"))
    assert said(kept) == [HOLDS, YES, YES, FAILS, NO, NO]


def test_one_seed_decides_nothing():
    missing = {"status": "missing", "converged": False, "n_active": float("nan"), "nre_test": float("nan")}
    assert said(planted(lambda row: missing if row["seed"] else {})) == [INSUFFICIENT] * 6
    assert said(pictures(lambda row: missing if row["seed"] else {})) == [INSUFFICIENT, OPEN, OPEN] * 2


def test_a_trial_that_still_moves_counts_and_is_named():
    moving = planted(lambda row: {"converged": False})
    axes = {"data": ["manifold"], "depth": [20], "init": INITS, "skip": SKIPS, "kappa": [3, 20], "seed": [0, 1, 2]}
    claims = collapse_of_depth(moving, Header("skip_depth", "?", "laptop", axes))
    assert claims[0].verdict == HOLDS
    assert "12 of these trials had not converged" in claims[0].measured
