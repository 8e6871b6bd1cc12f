"""β on images: what the study declares, what its claims say of exact and of broken records, and its pictures."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.load import Header
from analysis.studies.image_collapse import claims, drawings, sheets
from analysis.theory import Modes, linear
from study.catalog.image_collapse import image_collapse
from study.record import Home, write_artifacts

SPECTRUM = np.array([5.12, 3.74, 3.25, 2.84, 2.57, 1.0])
MODES = Modes(SPECTRUM, float(SPECTRUM.sum()), 6)
KAPPA = 5


def betas_of(scale: Any) -> list[Any]:
    return sorted({row.axes["beta"] for row in image_collapse.table(scale).rows()})


@pytest.mark.parametrize(("scale", "count"), [("laptop", 86), ("paper", 84)])
def test_the_sweep_brackets_total_collapse(scale, count):
    rows = image_collapse.table(scale).rows()
    assert len(rows) == len({row.trial.trial_id for row in rows}) == count
    low, high = (12, 16) if scale == "laptop" else (4.6, 5.4)
    inside = [beta for beta in betas_of(scale) if low <= beta <= high]
    assert len(inside) >= 3
    assert betas_of(scale)[-1] > high
    assert {getattr(row.trial.model, "encoder", None) == () for row in rows} == {True, False}
    assert scale == "laptop" or {0.5, 3.5, 6.0} <= set(betas_of(scale))


def view_of(place, change=lambda row, latents: None, data="MNIST", gamma=1.0) -> Any:
    """A study of linear and nonlinear networks in which the linear theory is exact, but for what `change` does."""
    trials, latents, arrays = [], [], {}
    for network in ("linear", "nonlinear"):
        for beta in betas_of("paper"):
            for seed in range(3):
                trial_id = f"{network}-{beta}-{seed}"
                units = linear.active_units(SPECTRUM, beta, KAPPA)
                rows: Any = pd.DataFrame(
                    {"trial_id": trial_id, "beta": beta / gamma, "seed": seed, "latent": range(KAPPA)}
                )
                rows = rows.assign(mean_var=units, post_var=1 - units, rate=linear.rates(SPECTRUM, beta, KAPPA))
                row = {"trial_id": trial_id, "network": network, "beta": beta / gamma, "seed": seed, "kappa": KAPPA}
                row |= {"status": "finished", "converged": True, "data": data, "data_id": "x", "gamma_value": gamma}
                row |= {"objective_train": float(linear.objective(MODES, gamma, beta / gamma, KAPPA)), "has_weights": 1}
                row |= {"sample_variance": float(linear.sample_diversity(SPECTRUM, beta, KAPPA))}
                row |= {"artifacts": "artifacts/a.safetensors"}
                change(row, rows)
                row["n_burda"] = int(rows["mean_var"].gt(0.01).sum())
                arrays[f"{trial_id}/pictures/sample"] = np.full((8, 4, 4), beta / 6, np.float16)
                trials.append(row)
                latents.append(rows.assign(decoder_norm=1.0))
    home = Home(place)
    write_artifacts(home, "a", arrays)
    axes = {"data": [data], "network": ["linear", "nonlinear"], "beta": betas_of("paper"), "seed": [0, 1, 2]}
    return SimpleNamespace(
        trials=pd.DataFrame(trials),
        latents=pd.concat(latents, ignore_index=True),
        header=Header("image_collapse-paper", "?", "paper", axes),
        datasets={"x": {"spectrum": list(SPECTRUM), "total_variance": MODES.total, "d": 6}},
        home=home,
    )


def said(view):
    return [item.verdict for item in claims(view)]


def test_the_claims_hold_where_the_linear_theory_is_exact(tmp_path):
    view = view_of(tmp_path)
    assert said(view) == [HOLDS] * 6
    assert {drawing.name for drawing in drawings(view)} == {"modes-mnist", "samples-mnist"}
    assert {sheet.name for sheet in sheets(view)} == {"modes", "collapse"}


def test_digits_are_asked_for_the_gain_of_a_nonlinear_network(tmp_path):
    """γ = 0.37 puts ζ₁²/γ at 13.8; a nonlinear network that lies above the linear minimum fails."""
    view = view_of(tmp_path, data="Digits", gamma=0.37)
    assert said(view) == [HOLDS, HOLDS, HOLDS, HOLDS, HOLDS]
    above = view_of(tmp_path, lambda row, _: row.update(objective_train=row["objective_train"] + 0.1), "Digits", 0.37)
    assert said(above) == [HOLDS, HOLDS, HOLDS, FAILS, HOLDS]


def test_the_claims_fail_where_a_mode_outlives_its_eigenvalue(tmp_path):
    def alive(_, rows):
        rows["mean_var"] = np.maximum(rows["mean_var"], [0.02, 0, 0, 0, 0])

    assert said(view_of(tmp_path, alive)) == [FAILS, FAILS, HOLDS] * 2


def test_the_claims_fail_where_samples_keep_their_variance(tmp_path):
    assert said(view_of(tmp_path, lambda row, _: row.update(sample_variance=row["beta"]))) == [HOLDS, HOLDS, FAILS] * 2


def test_a_part_of_the_sweep_decides_what_it_holds_and_nothing_else(tmp_path):
    view = view_of(tmp_path)
    view.trials.loc[~view.trials["beta"].isin([3.5, 6.0]) | view.trials["seed"].eq(0), "converged"] = False
    assert said(view) == [INSUFFICIENT, HOLDS, INSUFFICIENT] * 2
    view.trials["converged"] = view.trials["seed"].eq(0)
    assert said(view_of(tmp_path / "b", lambda row, _: row.update(converged=row["seed"] == 0))) == [INSUFFICIENT] * 6


def test_nothing_is_said_before_anything_is_trained(tmp_path):
    view = view_of(tmp_path)
    view.trials[["converged", "data_id"]] = [False, None]
    assert claims(view) == drawings(view) == sheets(view) == []
