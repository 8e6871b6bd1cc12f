"""The study of γ learned against γ* from the start: what it declares, what training says, and that its verdicts can fail."""

import pandas as pd
import pytest

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.frames.load import Header
from study.catalog.gamma_star.claims import paired_claims
from study.catalog.gamma_star.table import gamma_star
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.pack_run import PackRun


def test_each_refit_stands_on_the_learned_trial_of_its_seed():
    for scale in ("laptop", "paper"):
        rows = gamma_star.table(scale).rows()
        learned = {row.trial.trial_id: row for row in rows if row.axes["mode"] == "learned"}
        for row in rows:
            if row.axes["mode"] == "refit":
                (twin,) = row.trial.stages
                others = {axis: label for axis, label in row.axes.items() if axis != "mode"}
                assert others.items() <= learned[twin.trial_id].axes.items()


@pytest.mark.slow
def test_on_a_manifold_the_learned_gamma_sheds_latents_that_the_same_gamma_keeps_from_the_start(tmp_path):
    home = Home(tmp_path)
    rows = gamma_star.table("laptop").rows()
    chosen = {r.axes["mode"]: r.trial for r in rows if r.axes["data"] == "manifold r=3" and r.axes["seed"] == 0}
    for mode in ("learned", "refit"):
        run = PackRun(make_pack([chosen[mode]], {}), "cpu", home)
        while not run.done:
            run.advance(60)
        run.commit(home)
    found = {row["trial_id"]: row for row in read(home, "trials").to_pylist()}
    learned, fixed = (found[chosen[mode].trial_id] for mode in ("learned", "refit"))
    mmd = {row["trial_id"]: row["value"] for row in read(home, "evaluations").to_pylist() if row["metric"] == "mmd_imq"}
    assert (learned["n_active"], fixed["n_active"]) == (3, 10)
    assert mmd[learned["trial_id"]] <= 0.005
    assert mmd[fixed["trial_id"]] >= 10 * mmd[learned["trial_id"]]
    assert max(learned["nre_test"], fixed["nre_test"]) < 1e-3
    assert learned["grad_z_last"] >= 50 * learned["grad_z_first"]
    assert 0.5 <= learned["grad_z_last"] / fixed["grad_z_last"] <= 2


MODES = {
    "learned": {"n_active": 3, "mmd": 0.001, "nre_test": 3e-4, "grad_z_first": 2.0, "grad_z_last": 340.0},
    "refit": {"n_active": 10, "mmd": 0.4, "nre_test": 5e-4, "grad_z_first": 9000.0, "grad_z_last": 300.0},
}


def said(r=3.0, data="manifold r=3", change=lambda row: {}):
    rows = []
    for mode, numbers in MODES.items():
        for seed in range(5):
            row = {"data": data, "mode": f"way {mode[0]}", "gamma_mode": mode, "seed": seed, "status": "finished"}
            row["converged"] = mode == "learned"
            row |= {"kappa": 10, "intrinsic_dim": r, "distortion_test": 1 + 0.001 * seed} | numbers
            row["n_active"] += 0 if r == 3 else seed % 2  # seeds of images differ
            rows.append(row | change(row))
    axes = {"data": [data], "mode": ["way l", "way r"], "seed": list(range(5))}
    claims = paired_claims(pd.DataFrame(rows), Header("gamma_star", "?", "laptop", axes))
    return [claim.verdict for claim in claims]


def test_the_claims_hold_where_the_papers_do():
    assert said() == [HOLDS] * 5
    assert said(float("nan"), "Digits") == [HOLDS] * 5


@pytest.mark.parametrize(
    ("mode", "column", "value", "place"),
    [
        ("learned", "n_active", 4, 0),
        ("refit", "n_active", 9, 0),
        ("learned", "mmd", 0.006, 1),
        ("refit", "mmd", 0.009, 1),
        ("refit", "nre_test", 2e-3, 2),
        ("learned", "grad_z_first", 9.0, 3),
        ("refit", "grad_z_last", 800.0, 4),
    ],
)
def test_one_seed_is_enough_to_fail_on_planted_data(mode, column, value, place):
    verdicts = said(change=lambda row: {column: value} if (row["gamma_mode"], row["seed"]) == (mode, 2) else {})
    assert verdicts[place] == FAILS
    assert verdicts.count(FAILS) == 1


@pytest.mark.parametrize(
    ("column", "value", "place"), [("n_active", 3.5, 0), ("mmd", 0.001, 1), ("distortion_test", 2, 2)]
)
def test_on_images_the_paired_interval_decides(column, value, place):
    verdicts = said(float("nan"), "Digits", lambda row: {column: value} if row["gamma_mode"] == "refit" else {})
    assert verdicts[place] == FAILS
    assert verdicts.count(FAILS) == 1


def test_pairs_that_are_missing_decide_nothing():
    assert said(change=lambda row: {"status": "diverged"} if row["seed"] > 1 else {}) == [INSUFFICIENT] * 5
