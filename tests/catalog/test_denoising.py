"""Denoising: what the study declares, what it says of exact and of broken records, and a real training."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from trained_rows import train_rows

from analysis.claims.comparison import FAILS, HOLDS, INSUFFICIENT
from analysis.frames.load import Header
from analysis.theory import denoising as theory
from study.catalog.denoising.claims import claims, drawings, sheets
from study.catalog.denoising.sweeps import least_at
from study.catalog.denoising.table import FEW, LEARNED, NOISES, SIGNAL, D, denoising
from study.record import Home, read

ROWS = denoising.table("laptop").rows()


@pytest.mark.parametrize(("scale", "count"), [("laptop", 410), ("paper", 3080)])
def test_every_level_lies_about_the_noise_and_every_seed_has_its_own_data(scale, count):
    rows = denoising.table(scale).rows()
    assert len(rows) == len({row.trial.trial_id for row in rows}) == count
    for row in rows:
        assert row.trial.data.seed == row.axes["seed"]
        assert row.trial.data.noise == row.axes["noise"]
        if row.axes["decoder"] != LEARNED:
            assert 0.2 < row.trial.objective.beta * row.trial.objective.gamma.value / row.axes["noise"] < 5
    learned = [row for row in rows if row.axes["decoder"] == LEARNED]
    assert {row.trial.objective.beta for row in learned} == {1}
    assert all(row.trial.model.kappa < D for row in learned)


def view_of(change=lambda row: {}) -> Any:
    """A study in which theory is exact but for a little noise, and for what `change` says of a trial's row."""
    rng, trials = np.random.default_rng(0), []
    for declared in ROWS:
        axes, trial = declared.axes, declared.trial
        noise, kappa = trial.data.noise, trial.model.kappa
        level = noise if axes["decoder"] == LEARNED else trial.objective.beta * trial.objective.gamma.value
        row = dict(axes) | {"trial_id": trial.trial_id, "status": "finished", "declaration": trial.model_dump_json()}
        row |= {"gamma_eff": level * (1 + 1e-3 * rng.standard_normal() * (axes["decoder"] == LEARNED))}
        row |= {
            "clean_error": float(theory.clean_error(SIGNAL, noise, D, level, kappa))
            * (1 + 1e-3 * rng.standard_normal())
        }
        trials.append(row | change(row))
    labels = {name: list(dict.fromkeys(row.axes[name] for row in ROWS)) for name in ROWS[0].axes}
    return SimpleNamespace(trials=pd.DataFrame(trials), header=Header("denoising", "?", "laptop", labels))


def said(view) -> list[str]:
    return [claim.verdict for claim in claims(view)]


def failing(change) -> set[str]:
    return {claim.claim for claim in claims(view_of(change)) if claim.verdict == FAILS}


def test_every_claim_holds_where_theory_is_exact():
    view = view_of()
    assert said(view) == [HOLDS] * 6 * len(NOISES)
    assert [drawing.name for drawing in drawings(view)] == ["denoising"]
    (sheet,) = sheets(view)
    assert len(sheet.frame) == 2 * (3 + 2)


def test_a_best_level_beside_the_noise_fails():
    """Errors as at levels a fifth lower: the least lies a fifth higher."""

    def shifted(row):
        kappa, noise = int(row["kappa"]), row["noise"]
        return {"clean_error": float(theory.clean_error(SIGNAL, noise, D, row["gamma_eff"] / 1.2, kappa))}

    failed = failing(shifted)
    assert "the error against the signal is least at βγ = σ²" in failed
    assert "the error follows its closed form over the whole sweep" in failed


def test_errors_that_no_level_changes_denoise_nothing():
    failed = failing(lambda row: {"clean_error": row["clean_error"] / row["clean_error"]})
    assert "at βγ = σ² the network is as good as the best linear map, Wiener's filter" in failed
    assert "a learned γ denoises as well as the best linear map, without any search for β" in failed
    worse = failing(lambda row: {"clean_error": 1 / row["clean_error"]})
    assert any("takes out more of it" in claim for claim in worse)


def test_a_learned_gamma_that_ends_elsewhere_fails():
    failed = failing(lambda row: {"gamma_eff": 1.1 * row["gamma_eff"]} if row["decoder"] == LEARNED else {})
    assert failed == {"with β = 1 and κ < d a learned γ ends at the variance of the noise"}


def test_seeds_that_disagree_or_are_missing_decide_nothing():
    scattered = view_of(lambda row: {"gamma_eff": row["gamma_eff"] * (1 + 0.1 * (row["seed"] - 2))})
    assert INSUFFICIENT in said(scattered)
    missing = view_of(lambda row: {"status": "missing"} if row["seed"] else {})
    assert set(said(missing)) == {INSUFFICIENT}
    nothing = view_of(lambda row: {"status": "missing"})
    assert claims(nothing) == drawings(nothing) == sheets(nothing) == []


@pytest.mark.parametrize("vertex", [0.3, 1.0, 1.7])
@pytest.mark.parametrize("ratio", [0.2, 1.0, 3.0])
def test_the_least_of_two_half_parabolas_is_found(vertex, ratio):
    levels = np.geomspace(0.15, 3, 14)
    away = levels - vertex
    errors = 2 + np.where(away > 0, ratio, 1.0) * away**2
    assert least_at(levels, errors) == pytest.approx(vertex, rel=1e-3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """κ = 3, σ² = 1, one seed: βγ at the noise, far on either side of it, and learned."""
    place = tmp_path_factory.mktemp("denoising")
    chosen = [row for row in ROWS if (row.axes["noise"], row.axes["kappa"], row.axes["seed"]) == (1.0, FEW, 0)]
    chosen = [row for row in chosen if row.axes["decoder"] in ("γ = 2", LEARNED)]
    betas = sorted(row.axes["beta"] for row in chosen if row.axes["decoder"] != LEARNED)
    ends = {betas[0], betas[-1], 0.5}
    rows = [row for row in chosen if row.axes["decoder"] == LEARNED or row.axes["beta"] in ends]
    frame = train_rows(rows, place)
    errors = read(Home(place), "evaluations").to_pandas()
    errors = errors[errors["metric"].eq("clean_error")].set_index("trial_id")
    return frame.assign(error=errors["value"], error_se=errors["standard_error"], n=errors["sample_size"])


def test_trained_networks_are_as_far_from_the_signal_as_theory_says(trained):
    assert len(trained) == 4
    assert (trained["n"] == 4000).all()
    expected = theory.clean_error(SIGNAL, 1.0, D, trained["gamma_eff"].to_numpy(), FEW)
    assert trained["error"].to_numpy() == pytest.approx(expected, rel=0.05)
    assert (trained["error_se"] < 0.03 * trained["error"]).all()
    fixed = trained[trained["gamma_mode"].eq("fixed")].sort_values("gamma_eff")["error"].to_numpy()
    assert fixed[1] < 0.9 * min(fixed[0], fixed[2])


def test_a_learned_gamma_ends_at_the_noise(trained):
    (learned,) = trained[trained["gamma_mode"].eq("learned")].to_dict("records")
    assert learned["gamma"] == pytest.approx(1.0, rel=0.03)
    assert learned["error"] == pytest.approx(theory.least_error(SIGNAL, 1.0, D, FEW), rel=0.03)
