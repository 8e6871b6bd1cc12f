"""The study of rate-distortion curves: what it declares, what training says of it, and that its verdicts can fail."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from trained_rows import train_rows

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.fit.area import area
from analysis.theory import modes_of_spectrum
from analysis.theory import rate_distortion as theory
from models.data.load import load
from models.specs import Digits
from study.catalog.rate_distortion.claims import BothCurves, judgements
from study.catalog.rate_distortion.table import BETWEEN, LINEAR, PER_DIMENSION, rate_distortion

MODES = modes_of_spectrum(np.array(LINEAR.eigenvalues))
KAPPA = 6
SIDES = ("fixed", "learned")


def curve(rates):
    return theory.distortion_at_rate(MODES, rates, KAPPA)


def test_both_modes_meet_the_same_betas_and_the_fixed_one_is_where_the_learned_one_begins():
    rows: list[Any] = rate_distortion.table("laptop").rows()
    assert len({row.trial.trial_id for row in rows}) == len(rows) == ((15 + 12) * 2 + 4) * 3
    met = [{(r.axes["data"], r.axes["beta"], r.axes["seed"]) for r in rows if r.axes["mode"] == mode} for mode in SIDES]
    assert met[0] < met[1]
    assert {(data, beta) for data, beta, _ in met[1] - met[0]} == {(Digits().label, beta) for beta in BETWEEN}
    assert len({(row.axes["data"], row.trial.objective.gamma.start) for row in rows}) == 2
    for data in {row.trial.data for row in rows}:
        found = load(data)
        assert PER_DIMENSION[data.label] == pytest.approx(found.total_variance / data.d, rel=0.02)


def test_the_area_between_curves_is_that_of_the_curves_and_not_of_the_points_on_them():
    few, many = np.array([0.5, 4.0, 9.0]), np.linspace(0.2, 12, 40)
    assert np.abs(area((few, curve(few)), (many, curve(many)), curve)).max() < 1e-12
    above = area((few, curve(few)), (many, 1.05 * curve(many)), curve)
    assert above == pytest.approx((0.05, 0.05))
    crossing = area((many, curve(many)), (many, curve(many) * (1 + 0.1 * np.sign(many - 3))), curve)
    assert crossing.unsigned == pytest.approx(0.1, rel=0.05)
    assert abs(crossing.signed) < 0.09
    assert np.isnan(area((few, curve(few)), (few + 20, curve(few + 20)), curve)).all()


def test_training_reaches_the_curve_with_a_fixed_and_with_a_learned_gamma(tmp_path):
    """Linear data, four β over the whole sweep, one seed, half the steps."""
    betas = (0.327, 0.89, 1.89, 3.11)
    rows = [
        row
        for row in rate_distortion.table("laptop").rows()
        if row.trial.data == LINEAR and row.axes["seed"] == 0 and row.axes["beta"] in betas
    ]
    assert len(rows) == 8
    shorter = {"training": rows[0].trial.training.model_copy(update={"steps": 2000})}
    trained = train_rows([SimpleNamespace(trial=row.trial.model_copy(update=shorter)) for row in rows], tmp_path)
    modes = modes_of_spectrum(load(LINEAR).spectrum)
    away = trained["distortion_train"] - theory.distortion_at_rate(modes, trained["rate_train"].to_numpy(), KAPPA)
    assert (away.abs() <= 0.015 * modes.total).all()  # of one draw of z an example, whose own error is 0.005 T
    assert trained["rate_train"].max() > 10 > 1 > trained["rate_train"].min()


def traced(linear=True, change=lambda frame: frame["distortion"], keep=lambda frame: slice(None)):
    """Four seeds of both modes on the curve, but for what `change` makes of their distortions."""
    rows = []
    for seed in range(4):
        for mode, levels in (("fixed", np.geomspace(0.1, 5, 12)), ("learned", np.geomspace(0.05, 5.5, 12))):
            for index, level in enumerate(levels):
                rate = float(theory.linear.rate(MODES.zeta2, level, KAPPA))
                rows.append({"gamma_mode": mode, "seed": seed, "beta": float(index), "rate": rate, "gamma_eff": level})
    frame = pd.DataFrame(rows)
    frame["distortion"] = curve(frame["rate"].to_numpy())
    frame["distortion"] = change(frame)
    return BothCurves("?", linear, MODES, KAPPA, len(frame), frame.loc[keep(frame)])


def said(one):
    return [claim.verdict for claim in judgements(one)]


def test_the_claims_hold_on_the_curve():
    assert said(traced()) == [HOLDS, HOLDS]
    assert said(traced(linear=False)) == [HOLDS, HOLDS]


def test_trials_off_the_curve_fail_and_a_curve_of_one_mode_fails_both():
    one = traced(change=lambda f: f["distortion"] + 0.012 * MODES.total * (f.index == 11))
    assert said(one) == [INSUFFICIENT, HOLDS]
    each = traced(change=lambda f: f["distortion"] + 0.012 * MODES.total * (f["beta"] == 11))
    assert said(each)[0] == FAILS
    above = traced(change=lambda f: f["distortion"] * np.where(f["gamma_mode"] == "learned", 1.05, 1))
    assert said(above) == [FAILS, FAILS]


def test_images_fail_by_an_area_whose_sides_cancel_and_by_a_slope():
    sides = traced(
        False,
        lambda f: f["distortion"] * np.where(f["gamma_mode"] == "learned", 1 + 0.06 * np.sign(f["rate"] - 3.2), 1),
    )
    assert said(sides)[0] == FAILS
    assert abs(np.mean([found.signed for found in sides.areas])) < 0.03
    steep = traced(False)
    steep.trials["gamma_eff"] *= 0.8
    assert said(steep) == [HOLDS, FAILS]


def test_ways_differ_only_by_what_is_more_than_between_seeds():
    def ways(frame):
        return frame["distortion"] * np.where(frame["gamma_mode"] == "learned", 1.02, 1)

    assert said(traced(change=ways))[1] == FAILS
    noisy = traced(change=lambda f: ways(f) * np.where(f["seed"] > 1, 1.05, 1))
    assert said(noisy)[1] == HOLDS
    assert noisy.beyond_seeds == pytest.approx([0.02 - 0.05 * 2 / 3] * 4, abs=2e-3)


def test_half_a_study_decides_nothing():
    assert said(traced(keep=lambda f: f["seed"] < 2)) == [INSUFFICIENT] * 2
    assert said(traced(linear=False, keep=lambda f: f["gamma_mode"] == "fixed")) == [INSUFFICIENT] * 2
