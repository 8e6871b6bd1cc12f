"""β on images: what the study declares, what its claims say of exact and of broken records, and its pictures."""

import numpy as np
import pytest
from exact_image_records import betas_of, view_of

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from study.catalog.image_collapse.claims import claims, drawings, sheets
from study.catalog.image_collapse.table import image_collapse


@pytest.mark.parametrize(("scale", "count"), [("laptop", 84), ("paper", 168)])
def test_the_sweep_brackets_total_collapse(scale, count):
    rows = image_collapse.table(scale).rows()
    assert len(rows) == len({row.trial.trial_id for row in rows}) == count
    low, high = (12, 16) if scale == "laptop" else (4.6, 5.4)
    inside = [beta for beta in betas_of(scale) if low <= beta <= high]
    assert len(inside) >= 3
    assert betas_of(scale)[-1] > high
    assert {getattr(row.trial.model, "encoder", None) == () for row in rows} == {True, False}
    assert scale == "laptop" or {0.5, 3.5, 6.0} <= set(betas_of(scale))


def said(view):
    return [item.verdict for item in claims(view)]


def test_the_claims_hold_where_the_linear_theory_is_exact(tmp_path):
    view = view_of(tmp_path)
    assert said(view) == [HOLDS] * 5
    assert {drawing.name for drawing in drawings(view)} == {"modes-mnist", "samples-mnist"}
    assert {sheet.name for sheet in sheets(view)} == {"modes", "collapse"}


def test_digits_are_asked_for_the_gain_of_a_nonlinear_network(tmp_path):
    """γ = 0.37 puts ζ₁²/γ at 13.8; a nonlinear network that lies above the linear minimum fails."""
    view = view_of(tmp_path, lambda row, _: lower(row), "Digits", 0.37)
    assert said(view) == [HOLDS] * 5
    above = view_of(tmp_path, lambda row, _: row.update(objective_train=row["objective_train"] + 0.1), "Digits", 0.37)
    assert said(above) == [HOLDS, HOLDS, HOLDS, FAILS, HOLDS]


def lower(row):
    if row["network"] == "nonlinear":
        row["objective_train"] -= 0.1


def test_the_claims_fail_where_a_mode_outlives_its_eigenvalue(tmp_path):
    def alive(_, rows):
        rows["mean_var"] = np.maximum(rows["mean_var"], [0.02, 0, 0, 0, 0])

    assert said(view_of(tmp_path, alive)) == [FAILS, FAILS, HOLDS, FAILS, HOLDS]


def test_a_linear_network_is_judged_by_its_fit_however_coarse_the_grid(tmp_path):
    """ζ₁²/γ = 5.12 lies between 4.7 and 6, which the claim's range does not hold; latents are not the modes."""
    view = view_of(tmp_path)
    view.trials = view.trials[view.trials["beta"].isin([0.5, 2.0, 3.5, 4.7, 6.0])].assign(n_burda=1)
    assert said(view)[0] == HOLDS
    (found,) = claims(view)[0].comparisons
    assert found.found.made == "fit"
    assert found.found.value == pytest.approx(5.12, rel=1e-3)
    view.trials = view.trials[view.trials["seed"].eq(0)]
    assert said(view)[0] == INSUFFICIENT


def test_modes_are_counted_by_the_decoder_and_not_by_latents(tmp_path):
    """One mode that rests on two latents is one: the decoder's singular values say so."""
    view = view_of(tmp_path)
    view.trials.loc[view.trials["beta"].eq(3.5), "n_burda"] = 4
    assert said(view)[1] == HOLDS


def test_the_claims_fail_where_samples_keep_their_variance(tmp_path):
    found = said(view_of(tmp_path, lambda row, _: row.update(sample_variance=row["beta"])))
    assert found == [HOLDS, HOLDS, FAILS, HOLDS, FAILS]


def test_a_wide_network_is_asked_where_it_collapses_and_no_more(tmp_path):
    view = view_of(tmp_path)
    view.trials = view.trials[view.trials["network"].eq("nonlinear") & view.trials["beta"].isin([4.7, 6.0])]
    view.trials = view.trials.assign(network="128 units")
    assert said(view) == [HOLDS]
    assert claims(view)[0].statements == ["W24"]
    view.trials["n_burda"] = 1
    assert said(view) == [INSUFFICIENT]
    view.trials["n_burda"] = 0
    assert said(view) == [INSUFFICIENT]


def test_a_part_of_the_sweep_decides_what_it_holds_and_nothing_else(tmp_path):
    view = view_of(tmp_path)
    view.trials.loc[~view.trials["beta"].isin([3.5, 6.0]), "converged"] = False
    assert said(view) == [INSUFFICIENT, HOLDS] + [INSUFFICIENT] * 3
    assert said(view_of(tmp_path / "b", lambda row, _: row.update(converged=row["seed"] == 0))) == [INSUFFICIENT] * 5


def test_nothing_is_said_before_anything_is_trained(tmp_path):
    view = view_of(tmp_path)
    view.trials[["converged", "data_id"]] = [False, None]
    assert claims(view) == drawings(view) == sheets(view) == []
