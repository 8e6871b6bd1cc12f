"""The study of γ learned against γ* from the start: what it declares, what training says, and that its verdicts can fail."""

import math

import pandas as pd
import pytest

from analysis.claims.claim import DERIVED, FAILS, HOLDS, INSUFFICIENT, NO, SOURCE, YES
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


def claims_of(r=3.0, data="manifold r=3", change=lambda row: {}, gentle=(), d=7840):
    rows = []
    modes = MODES | {mode: {**MODES["refit"], "n_active": active} for mode, active in gentle}
    for mode, numbers in modes.items():
        for seed in range(5):
            row = {"data": data, "mode": mode, "seed": seed, "status": "finished"}
            row["gamma_mode"] = mode if mode in MODES else "fixed"
            row["converged"] = mode == "learned"
            row |= {"kappa": 10, "d": d, "intrinsic_dim": r, "distortion_test": 1 + 0.001 * seed} | numbers
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


def test_equal_errors_are_claimed_where_latents_are_few_and_asked_where_they_are_not():
    of_few, of_many = (claims_of(math.nan, "Digits", d=d)[2] for d in (7840, 64))
    assert (of_few.verdict, of_few.statements) == (HOLDS, ["B19"])
    assert (of_many.verdict, of_many.statements) == (YES, [])


def test_where_the_learned_gamma_uses_every_latent_no_other_can_use_more():
    assert said(float("nan"), "Digits", lambda row: {"n_active": 10})[0] == INSUFFICIENT
    found = claims_of(float("nan"), "Digits", lambda row: {"n_active": 10})[0]
    assert found.why_undecided == "the learned γ leaves no latent unused: no other can use more"


def test_seeds_that_disagree_decide_nothing():
    mixed = said(float("nan"), "Digits", lambda row: {"objective_train": -100 + 50 * (row["seed"] - 2)})
    assert mixed[3] == INSUFFICIENT


def test_pairs_that_are_missing_decide_nothing():
    assert said(change=lambda row: {"status": "diverged"} if row["seed"] > 0 else {}) == [INSUFFICIENT] * 6


GENTLE = (("annealed", 4), ("clipped", 10))


def of_causes(gentle=GENTLE, change=lambda row: {}):
    """The verdicts on the gradient as a cause, and on its size, where a gradient is gentle as declared."""
    first = {"annealed": {"grad_z_first": 2.5}}
    return claims_of(math.nan, "Digits", lambda row: first.get(row["mode"], {}) | change(row), gentle)[-2:]


@pytest.mark.parametrize(
    ("annealed", "clipped", "verdicts"),
    [(4, 10, [HOLDS, HOLDS]), (10, 10, [FAILS, HOLDS]), (4, 4, [HOLDS, FAILS]), (7, 7, [INSUFFICIENT] * 2)],
)
def test_large_gradients_are_the_cause_if_needless_latents_go_with_them_and_not_with_their_size(
    annealed, clipped, verdicts
):
    def seeds_disagree(row):
        return {"n_active": 4 * row["seed"] - 1} if row["n_active"] in (7, 8) else {}

    found = of_causes((("annealed", annealed), ("clipped", clipped)), seeds_disagree)
    assert [claim.verdict for claim in found] == verdicts
    assert [claim.kind for claim in found] == [SOURCE, DERIVED]
    assert all(claim.statements == ["D28"] for claim in found)
    assert "against 10.4 under γ* and 3.4 learned" in found[0].measured


def test_a_first_gradient_that_was_not_small_tests_no_cause():
    found = of_causes(change=lambda row: {"grad_z_first": 9000.0} if row["mode"] == "annealed" else {})
    assert [claim.verdict for claim in found] == [FAILS, HOLDS]


def test_a_cause_is_not_judged_where_nothing_was_trained():
    assert [claim.verdict for claim in of_causes(change=lambda row: {"status": "missing"})] == [INSUFFICIENT] * 2
