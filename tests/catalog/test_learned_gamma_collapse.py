"""The study of β with a learned γ: what it declares, what training says of it, and that its verdicts can fail."""

import itertools
import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from trained_rows import train_rows

from analysis.claims.beta_sweep import BetaSweep
from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.theory import learned_gamma, linear, modes_of_spectrum
from models.data.load import load
from study.catalog.learned_gamma_collapse.claims import collapse_claims
from study.catalog.learned_gamma_collapse.table import (
    BETAS,
    CURVED,
    EQUAL,
    FALLING,
    UNEQUAL,
    learned_gamma_collapse,
)

SPECTRUM = [4.0, 2.0, 1.0, 0.5, 0.25, *[0.0] * 15]
MODES = modes_of_spectrum(SPECTRUM)


def test_three_kinds_of_data_meet_the_betas_around_their_events_with_and_without_a_ceiling():
    rows: list[Any] = learned_gamma_collapse.table("laptop").rows()
    assert len({row.trial.trial_id for row in rows}) == len(rows)
    ends = (
        (UNEQUAL, BETAS, 10.32),
        (EQUAL, [b for b in BETAS if b < 7], 4),
        (CURVED, [b for b in BETAS if b > 4], 9.2),
    )
    for data, betas, collapse in ends:
        assert met(rows, data, "none") == FALLING + betas
        capped = met(rows, data, "0.8 T/d")  # from before the collapse without a ceiling
        assert capped == betas[-len(capped) :]
        assert capped[0] < 1.06 * collapse
    assert {(row.trial.data.d, row.trial.data.intrinsic_dim) for row in rows} == {(20, 5), (20, 3)}
    assert {row.trial.model.kappa for row in rows if row.trial.data.kind == "LinearSubspace"} == {10}
    assert len(BETAS) >= 24
    assert max(np.diff(np.log(BETAS))) < np.log(1.16)


def met(rows, data, ceiling):
    return sorted({r.axes["beta"] for r in rows if r.trial.data == data and r.axes["ceiling"] == ceiling})


@pytest.mark.parametrize(("data", "r"), [(EQUAL, 5), (UNEQUAL, 5)])
def test_the_sweep_surrounds_both_events_and_the_ceiling_comes_between_its_ends(data, r):
    modes = modes_of_spectrum(load(data).spectrum)
    ceiling = 0.8 * sum(data.eigenvalues) / 20
    assert BETAS[1] < 0.8 * 20 / r
    assert learned_gamma.lossless_beta(modes, 10) == 4
    assert learned_gamma.collapse_beta(modes) < modes.zeta2[0] / ceiling < (7 if data == EQUAL else BETAS[-1])
    for event in (4.0, learned_gamma.collapse_beta(modes), modes.zeta2[0] / ceiling):
        assert min(abs(np.array(BETAS) / event - 1)) > 0.003  # no β of the sweep sits on an event


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The unequal modes, one seed: below d/r, between the events, beyond β_c, and there below a ceiling."""
    rows = [row for row in learned_gamma_collapse.table("laptop").rows() if chosen(row)]
    frame = train_rows(rows, tmp_path_factory.mktemp("collapse"))
    by_axes = {(row.axes["ceiling"], row.axes["beta"]): frame.loc[row.trial.trial_id] for row in rows}
    return by_axes, modes_of_spectrum(load(UNEQUAL).spectrum)


def chosen(row):
    wanted = {("none", 2.85), ("none", BETAS[8]), ("none", BETAS[21]), ("0.8 T/d", BETAS[21]), ("0.8 T/d", 14.25)}
    return row.trial.data == UNEQUAL and row.axes["seed"] == 0 and (row.axes["ceiling"], row.axes["beta"]) in wanted


def test_nothing_is_lost_below_d_over_r_and_everything_beyond_the_collapse(trained):
    rows, modes = trained
    assert rows["none", 2.85]["nre_test"] < 0.05
    assert rows["none", 2.85]["gamma"] < 1e-3 * modes.total / 20
    beyond = rows["none", BETAS[21]]
    assert beyond["beta"] > learned_gamma.collapse_beta(modes)
    assert beyond["n_burda"] == 0
    assert beyond["gamma"] == pytest.approx(modes.total / 20, rel=0.02)


def test_between_the_events_gamma_is_the_closed_form(trained):
    rows, modes = trained
    between = rows["none", BETAS[8]]
    assert 0 < between["n_active"] < 5
    assert between["gamma"] == pytest.approx(float(learned_gamma.gamma_star(modes, BETAS[8], 10)), rel=0.05)


def test_a_ceiling_keeps_a_latent_until_beta_gamma_reaches_the_largest_mode(trained):
    rows, modes = trained
    below, above = rows["0.8 T/d", BETAS[21]], rows["0.8 T/d", 14.25]
    assert below["beta"] * below["gamma"] < modes.zeta2[0] < above["beta"] * above["gamma"]
    assert below["n_burda"] >= 1
    assert above["n_burda"] == 0


def sweep_of(change=lambda row: {}, ceiling=None, kind="LinearSubspace"):
    """The unequal modes where training is theory, three seeds, but for what `change` says."""
    gamma = {"ceiling": ceiling}
    declaration = {"data": {"kind": kind}, "model": {"kappa": 10}, "objective": {"gamma": gamma}}
    rows = []
    for beta, seed in itertools.product(BETAS, (0, 1, 2)):
        star = float(learned_gamma.gamma_star(MODES, beta, 10, ceiling=ceiling or math.inf))
        lost = float(linear.distortion(MODES, beta * star, 10)) / MODES.total
        row = {"beta": beta, "seed": seed, "status": "finished", "converged": True, "intrinsic_dim": 5}
        row |= {"gamma_value": max(star, 1e-5), "nre_test": lost, "declaration": json.dumps(declaration)}
        row |= {"n_burda": int(np.sum(beta * star < MODES.zeta2[:5] * (1 - 1e-9)))}
        rows.append(row | change(row))
    return BetaSweep("linear", "none" if ceiling is None else "0.8 T/d", pd.DataFrame(rows), MODES)


def said(sweep):
    return [claim.verdict for claim in collapse_claims([sweep])]


def test_the_claims_hold_where_training_is_theory():
    assert said(sweep_of()) == [HOLDS] * 4
    assert said(sweep_of(ceiling=0.31)) == [HOLDS] * 2


def test_a_mode_lost_too_early_or_too_late_fails():
    early = sweep_of(lambda row: {"nre_test": 0.2} if row["beta"] > 3.0 else {})
    late = sweep_of(lambda row: {"nre_test": 0.01} if row["beta"] < 4.3 else {})
    assert said(early)[0] == said(late)[0] == FAILS


def test_a_collapse_elsewhere_fails_and_of_one_seed_it_decides_nothing():
    late = sweep_of(lambda row: {"n_burda": 1} if row["beta"] < 12.6 else {})
    early = sweep_of(lambda row: {"n_burda": 0} if row["beta"] > 8 else {})
    assert said(late)[1] == said(early)[1] == FAILS
    assert said(sweep_of(lambda row: {"n_burda": 1}))[1] == FAILS
    one = sweep_of(lambda row: {"n_burda": 0} if row["seed"] == 1 and row["beta"] > 8 else {})
    assert said(one)[1] == INSUFFICIENT


def test_a_gamma_that_is_not_the_closed_form_fails():
    assert said(sweep_of(lambda row: {"gamma_value": 0.01 if row["beta"] < 4 else row["gamma_value"]}))[2] == FAILS
    assert said(sweep_of(lambda row: {"gamma_value": 1.1 * row["gamma_value"]}))[3] == FAILS


def test_a_ceiling_that_saves_nothing_or_too_much_fails():
    assert said(sweep_of(lambda row: {"n_burda": 0} if row["beta"] > 10 else {}, ceiling=0.31)) == [FAILS, FAILS]
    assert said(sweep_of(lambda row: {"n_burda": 1}, ceiling=0.31)) == [FAILS, INSUFFICIENT]  # half of them should be


def test_trials_just_below_the_ceiling_s_threshold_break_the_rule_but_not_the_event():
    early = sweep_of(lambda row: {"n_burda": 0} if row["seed"] and row["beta"] > 12 else {}, ceiling=0.31)
    assert said(early) == [HOLDS, INSUFFICIENT]
    assert "not in all at β = 12.528 (0.971 of the threshold)" in collapse_claims([early])[1].measured


def test_seeds_that_train_around_the_last_event_alone_say_nothing_of_the_first():
    one = sweep_of(lambda row: {"nre_test": 0.2, "n_burda": 0} if row["seed"] == 2 and row["beta"] > 8 else {})
    trials = one.trials[one.trials["seed"].lt(2) | one.trials["beta"].gt(8)]
    part = BetaSweep(one.data, one.ceiling, trials, MODES)
    assert part.kept() == one.kept()[:2]
    assert part.dead() == one.dead()
    assert len(set(part.dead())) == 2


def test_three_more_seeds_train_around_the_collapse_of_the_unequal_modes():
    every: list[Any] = learned_gamma_collapse.table("laptop").rows()
    rows = [row for row in every if row.axes["seed"] > 2]
    assert {(row.trial.data, row.axes["ceiling"]) for row in rows} == {(UNEQUAL, "none")}
    betas = sorted({row.axes["beta"] for row in rows})
    assert betas[1] < learned_gamma.collapse_beta(modes_of_spectrum(load(UNEQUAL).spectrum)) < betas[-2]


def test_barely_kept_modes_train_longer():
    rows = [row for row in learned_gamma_collapse.table("laptop").rows() if row.trial.training.steps > 4000]
    assert {(row.trial.data, row.axes["beta"], row.axes["ceiling"]) for row in rows} == {(UNEQUAL, 12.528, "0.8 T/d")}


def test_curved_data_are_not_judged_close_to_the_threshold_of_linear_theory():
    def lost_early(row):
        return {"n_burda": 0} if row["beta"] > 12 else {}

    curved, linear = (sweep_of(lost_early, 0.31, kind) for kind in ("PlantedManifold", "LinearSubspace"))
    assert "of 12 trials" in collapse_claims([curved])[1].measured
    assert said(curved)[1] == HOLDS
    assert said(linear)[1] == INSUFFICIENT


def test_curved_data_are_asked_for_the_events_alone():
    assert said(sweep_of(kind="PlantedManifold")) == [HOLDS, HOLDS]


def test_half_a_study_decides_nothing():
    absent = {"status": "missing", "converged": False}
    assert said(sweep_of(lambda row: absent if row["seed"] else {})) == [INSUFFICIENT] * 4
    assert said(sweep_of(lambda row: {"converged": row["seed"] == 0})) == [INSUFFICIENT] * 4
