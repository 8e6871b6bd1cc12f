"""The study of γ learned against γ* from the start: what it declares, what training says, and that its verdicts can fail."""

import pandas as pd
import pytest

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT, NO, OPEN, YES
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


def claims_of(r=3.0, data="manifold r=3", change=lambda row: {}, gentle=()):
    rows = []
    modes = MODES | {mode: {**MODES["refit"], "n_active": active} for mode, active in gentle}
    for mode, numbers in modes.items():
        for seed in range(5):
            row = {"data": data, "mode": mode, "seed": seed, "status": "finished"}
            row["gamma_mode"] = mode if mode in MODES else "fixed"
            row["converged"] = mode == "learned"
            row |= {"kappa": 10, "intrinsic_dim": r, "distortion_test": 1 + 0.001 * seed} | numbers
            row |= dict.fromkeys(("objective_train", "objective_test"), -100.0 if mode == "learned" else -96.0)
            row["n_active"] += 0 if r == 3 else seed % 2  # seeds of images differ
            rows.append(row | change(row))
    axes = {"data": [data], "mode": list(modes), "seed": list(range(5))}
    return paired_claims(pd.DataFrame(rows), Header("gamma_star", "?", "laptop", axes))


def said(*args, **more):
    return [claim.verdict for claim in claims_of(*args, **more)]


def test_the_claims_hold_where_the_papers_do():
    assert said() == [HOLDS] * 6
    assert said(float("nan"), "Digits") == [HOLDS] * 4 + [YES] + [HOLDS] * 2


@pytest.mark.parametrize(
    ("mode", "column", "value", "place"),
    [
        ("learned", "n_active", 4, 0),
        ("refit", "n_active", 9, 0),
        ("learned", "mmd", 0.006, 1),
        ("refit", "mmd", 0.009, 1),
        ("refit", "nre_test", 2e-3, 2),
        ("refit", "objective_train", -101, 3),
        ("learned", "grad_z_first", 9.0, 4),
        ("refit", "grad_z_last", 800.0, 5),
    ],
)
def test_each_claim_about_planted_data_can_fail(mode, column, value, place):
    verdicts = said(change=lambda row: {column: value} if row["gamma_mode"] == mode else {})
    assert verdicts[place] == FAILS
    assert verdicts.count(FAILS) == 1


@pytest.mark.parametrize(
    ("column", "value", "place", "verdict"),
    [
        ("n_active", 2.5, 0, FAILS),
        ("mmd", 0.0005, 1, FAILS),
        ("distortion_test", 2, 2, FAILS),
        ("objective_train", -101, 3, FAILS),
        ("objective_test", -101, 4, NO),
    ],
)
def test_on_images_the_paired_interval_decides(column, value, place, verdict):
    verdicts = said(float("nan"), "Digits", lambda row: {column: value} if row["gamma_mode"] == "refit" else {})
    assert verdicts[place] == verdict
    assert verdicts.count(FAILS) + verdicts.count(NO) == 1


def test_where_the_learned_gamma_uses_every_latent_no_other_can_use_more():
    assert said(float("nan"), "Digits", lambda row: {"n_active": 10})[0] == INSUFFICIENT
    found = claims_of(float("nan"), "Digits", lambda row: {"n_active": 10})[0]
    assert found.why_undecided == "the learned γ leaves no latent unused: no other can use more"


def test_seeds_that_disagree_decide_nothing():
    mixed = said(float("nan"), "Digits", lambda row: {"objective_train": -100 + 50 * (row["seed"] - 2)})
    assert mixed[3] == INSUFFICIENT


def test_pairs_that_are_missing_decide_nothing():
    assert said(change=lambda row: {"status": "diverged"} if row["seed"] > 0 else {}) == [INSUFFICIENT] * 6


@pytest.mark.parametrize(("active", "verdict"), [(4, HOLDS), (10, FAILS)])
def test_large_gradients_are_the_cause_if_needless_latents_go_with_them(active, verdict):
    gentle = [("fixed", 10), *((mode, active) for mode in ("clipped", "small steps", "slow start"))]
    found = claims_of(float("nan"), "Digits", gentle=gentle)[-3:]
    assert [claim.verdict for claim in found] == [verdict] * 3
    assert all(claim.statements == ["D28"] for claim in found)
    assert "against 10.4 untouched and 3.4 learned" in found[0].measured


def test_a_cause_is_not_judged_where_seeds_disagree_or_nothing_was_trained():
    gentle = [("fixed", 10), ("clipped", 7), ("small steps", 7), ("slow start", 7)]
    mixed = claims_of(
        float("nan"),
        "Digits",
        lambda row: {"n_active": 4 * row["seed"] - 1} if row["mode"] == "slow start" else {},
        gentle,
    )
    assert mixed[-1].verdict == INSUFFICIENT
    missing = claims_of(float("nan"), "Digits", lambda row: {"status": "missing"}, gentle)
    assert {claim.verdict for claim in missing} == {INSUFFICIENT, OPEN}
