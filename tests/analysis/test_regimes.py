"""Regimes of trials whose records are made up: each follows from what was reconstructed with how many latents."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from declarations import bounded
from hypothesis import given
from hypothesis import strategies as st
from made_up_studies import DIGITS, row, seeds, store

from analysis import header, results
from analysis.frames.regime import with_regimes
from analysis.frames.standards import standards
from analysis.report.notes import rules
from analysis.report.report import write_report
from study.record import Home
from study.record.study_files import read_regimes


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.mark.parametrize(
    ("n_active", "nre", "regime"),
    [
        (3, 1e-3, "balanced"),
        (8, 1e-3, "under"),
        (1, 0.5, "over"),
        (3, 0.5, "unfit"),
        (8, 0.5, "unfit"),
        (2, 1e-3, "memorising"),
    ],
)
def test_each_regime_follows_from_reconstruction_and_active_latents(home: Home, n_active: int, nre: float, regime: str):
    seeds(home, [row("", n_active=n_active, nre_mean_test=nre)])
    frame = results("s", home)
    assert frame["regime"].tolist() == [regime]
    assert not frame["regime_relative"].any()


def test_the_limits_of_convergence_and_reconstruction_are_inclusive(home: Home):
    seeds(
        home,
        [row("", scale_residual=0.5, nre_mean_test=0.01), row("", scale_residual=0.501), row("", nre_mean_test=0.011)],
    )
    frame = results("s", home)
    assert frame["regime"].tolist() == ["balanced", "balanced", "unfit"]
    assert frame["converged"].tolist() == [True, False, True]


def test_a_trial_without_a_result_is_named_by_its_status(home: Home):
    trials = [row("", status="diverged"), row("", status="failed"), row("", scale_residual=None)]
    seeds(home, trials, declared=4)
    frame = results("s", home)
    assert frame["regime"].tolist() == ["diverged", "failed", "balanced", "missing"]
    assert frame["converged"].tolist() == [False] * 4


def test_the_report_keeps_the_regime_of_each_finished_trial_for_the_mirror(home: Home):
    seeds(home, [row("", status="diverged"), row("", n_active=1, nre_mean_test=0.5), row("", scale_residual=0.6)])
    write_report("s", home)
    assert [*read_regimes(home, "s").values()] == ["over", "balanced?"]
    assert read_regimes(home, "s").keys() == {*results("s", home)["trial_id"][1:]}


def test_noisy_planted_data_are_judged_against_the_best_reconstruction(home: Home):
    nres = [0.20, 0.219, 0.221]
    seeds(home, [row("", noise=0.1, nre_mean_test=nre) for nre in nres])
    assert results("s", home)["regime"].tolist() == ["balanced", "balanced", "unfit"]


def test_where_r_is_unknown_the_converged_run_of_best_elbo_sets_it(home: Home):
    digits = [
        row("", **DIGITS, n_active=11, neg_elbo_test=-50.0, nre_mean_test=0.1),
        row("", **DIGITS, n_active=30, neg_elbo_test=-90.0, nre_mean_test=0.1, scale_residual=0.9),
        row("", **DIGITS, n_active=16, neg_elbo_test=-20.0, nre_mean_test=0.1),
        row("", **DIGITS, n_active=2, neg_elbo_test=10.0, nre_mean_test=0.8),
    ]
    seeds(home, [*digits, row("")])
    frame = results("s", home)
    assert frame["needed_dims"].tolist() == [11, 11, 11, 11, 3]
    assert frame["regime"].tolist() == ["balanced", "under", "under", "over", "balanced"]
    assert frame["regime_relative"].tolist() == [True] * 4 + [False]


def test_needless_latents_that_encode_noise_do_not_raise_the_bar_for_others(home: Home):
    """They have the best NRE of all. Were it the bar, the best trial of all would be one that does not fit."""
    trials = [(14, -35.0, 0.10), (16, 90.0, 0.084), (16, 1900.0, 0.088), (4, -24.0, 0.25), (13, -34.0, 0.11)]
    seeds(home, [row("", **DIGITS, n_active=n, neg_elbo_test=e, nre_mean_test=nre) for n, e, nre in trials])
    assert results("s", home)["regime"].tolist() == ["balanced", "under", "under", "over", "memorising"]


ON_UNKNOWN = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["finished", "finished", "diverged"]),
        "stage": st.sampled_from(["vae", "vae", "refit", "second vae", "autoencoder"]),
        "likelihood": st.sampled_from([None, "normal", "categorical"]),
        "gamma_mode": st.sampled_from(["learned", "perimage"]),
        "n_active": st.sampled_from([0.0, 1.0, 2.0, 3.0, float("nan")]),
        "nre_mean_test": st.sampled_from([1e-3, 0.1, 0.109, 0.111, 0.5, 1.0, 1.2, float("nan")]),
        "neg_elbo_test": st.sampled_from([-30.0, -29.0, 0.0, 7.0, float("nan")]),
        "scale_residual": st.sampled_from([0.1, 0.5, 0.6, float("nan")]),
    }
)
"""Columns of a trial on data of unknown dimension."""


@bounded
@given(st.lists(ON_UNKNOWN, min_size=1, max_size=6))
def test_the_trial_that_regimes_are_relative_to_is_balanced(trials: list[dict[str, Any]]):
    """It has the least −ELBO of all that have converged; where there is no such trial, no trial has a regime."""
    known = {"data": "Digits", "data_id": "dg", "intrinsic_dim": float("nan"), "declaration": "{}"}
    frame = with_regimes(pd.DataFrame([known | {"trial_id": str(i)} | one for i, one in enumerate(trials)]))
    reference = standards(frame)["dg"].trial
    if reference is None:
        assert set(frame["regime"]) <= {"unknown", "diverged", "draws", "whole"}
        return
    regimes = dict(zip(frame["trial_id"], frame["regime"], strict=True))
    assert regimes[reference["trial_id"]] == "balanced"
    assert "unknown" not in {regimes[i] for i in frame[frame["n_active"].notna()]["trial_id"]}
    others = frame[frame["converged"] & frame["n_active"].notna() & frame["stage"].ne("second vae")]
    if set(others["likelihood"]) == {"normal"} and set(others["gamma_mode"]) == {"learned"}:
        assert reference["neg_elbo_test"] == others["neg_elbo_test"].min()


def test_a_probability_of_levels_is_not_ranked_with_densities(home: Home):
    """Nor is a density that has seen what it explains."""
    density = row("", **DIGITS, n_active=11, neg_elbo_test=50.0, nre_mean_test=0.1, likelihood="normal")
    others = [
        row("", **DIGITS, n_active=4, neg_elbo_test=-90.0, nre_mean_test=0.1, likelihood="categorical"),
        row(
            "", **DIGITS, n_active=5, neg_elbo_test=-80.0, nre_mean_test=0.1, likelihood="normal", gamma_mode="perimage"
        ),
    ]
    seeds(home, [*others, density])
    assert results("s", home)["needed_dims"].tolist() == [11] * 3


def test_where_all_give_probabilities_the_best_of_them_counts(home: Home):
    both = [(4, 90.0), (5, 80.0)]
    seeds(home, [row("", **DIGITS, n_active=n, neg_elbo_test=e, likelihood="categorical") for n, e in both])
    assert results("s", home)["needed_dims"].tolist() == [5] * 2


def test_without_a_converged_trial_unknown_data_have_no_regime(home: Home):
    seeds(home, [row("", **DIGITS, neg_elbo_test=None, scale_residual=0.9)])
    frame = results("s", home)
    assert frame["regime"].tolist() == ["unknown"]
    assert rules(frame, header("s", home)) == [
        "Digits: r is unknown, and no trial has converged yet, so no regime can be named."
    ]


def test_where_even_the_best_run_collapsed_nothing_is_balanced(home: Home):
    seeds(home, [row("", **DIGITS, n_active=0, neg_elbo_test=5.0), row("", **DIGITS, n_active=2, neg_elbo_test=9.0)])
    frame = results("s", home)
    assert frame["regime"].tolist() == ["unknown"] * 2
    assert rules(frame, header("s", home)) == [
        "Digits: r is unknown, and the converged trial with the lowest −ELBO keeps no latent, so no regime can be named."
    ]


def test_regimes_that_are_relative_to_the_best_trial_wait_for_all_trials_on_the_data(home: Home):
    """So each trial has the same regime after the whole study and after a part of it, or none yet."""
    plan = [
        {"trial_id": f"{data}{seed}", "data": data, "seed": seed} for data in ("Digits", "m", "n") for seed in (0, 1)
    ]
    noisy = {"data": "n", "data_id": "n", "noise": 0.1}
    trials = [
        row("Digits0", **DIGITS, n_active=4, nre_mean_test=0.3),
        row("m0", data="m"),
        row("n0", **noisy, nre_mean_test=0.2),
        row("n1", **noisy, nre_mean_test=0.3),
    ]
    axes = {"data": ["Digits", "m", "n"], "seed": [0, 1]}
    store(home, "part", axes, plan, trials)
    frame = results("part", home)
    assert frame["regime"].tolist() == ["pending", "missing", "balanced", "missing", "balanced", "unfit"]
    assert rules(frame, header("part", home)) == [
        "Digits: r is unknown, so regimes are relative to one trial, and named once all on these data have a result.",
        "m: the data need r = 3 latents and have no noise, so a trial reconstructs if its NRE mean is at most 0.01.",
        "n: the data need r = 3 latents and are noisy, so a trial reconstructs if its NRE mean is at most 0.22, which is "
        "1.1 × that of the best trial (seed 0).",
    ]
    better = row("Digits1", **DIGITS, n_active=6, nre_mean_test=0.1, neg_elbo_test=-50.0)
    store(home, "whole", axes, plan, [*trials, better, row("m1", data="m", status="diverged")])
    frame = results("whole", home)
    assert frame["regime"].tolist() == ["over", "balanced", "balanced", "diverged", "balanced", "unfit"]
    assert rules(frame, header("whole", home))[0] == (
        "Digits: r is unknown, so regimes are relative to the converged trial with the lowest −ELBO on the test set "
        "(seed 1): it keeps 6 active latents, as many as the data are taken to need, and a trial reconstructs if its NRE "
        "mean is at most 0.11, which is 1.1 × that trial's."
    )


def test_what_is_no_better_than_the_mean_reconstructs_nothing(home: Home):
    nres = [1.88, 1.9]
    seeds(home, [row("", noise=0.1, n_active=4, nre_mean_test=nre) for nre in nres])
    assert results("s", home)["regime"].tolist() == ["unfit"] * 2


def test_a_reference_that_is_no_better_than_the_mean_says_nothing_of_what_data_need(home: Home):
    seeds(home, [row("", **DIGITS, neg_elbo_test=elbo, nre_mean_test=nre) for elbo, nre in [(-20.0, 1.0), (-9.0, 0.5)]])
    frame = results("s", home)
    assert frame["regime"].tolist() == ["unknown"] * 2
    (rule,) = rules(frame, header("s", home))
    assert "the converged trial with the lowest −ELBO reconstructs no better than the mean" in rule


def test_a_deterministic_autoencoder_is_not_called_unconverged(home: Home):
    seeds(home, [row("", scale_residual=None, n_active=None, stage="autoencoder"), row("", scale_residual=None)])
    frame = results("s", home)
    assert frame["converged"].tolist() == [True, False]
    assert frame["regime"].tolist() == ["whole", "balanced"]


def test_a_second_vae_has_no_regime_and_sets_none(home: Home):
    first = row("", n_active=3, nre_mean_test=0.1, neg_elbo_test=-10.0, **DIGITS)
    second = row("", n_active=8, nre_mean_test=0.1, neg_elbo_test=-99.0, stage="second vae", **DIGITS)
    seeds(home, [first, second])
    assert results("s", home)["regime"].tolist() == ["balanced", "draws"]


def test_the_error_of_a_second_vae_on_draws_says_nothing_of_what_a_first_one_can_reconstruct(home: Home):
    second = row("", noise=0.1, nre_mean_test=0.006, stage="second vae")
    seeds(home, [row("", noise=0.1, nre_mean_test=0.1), second])
    assert results("s", home)["regime"].tolist() == ["balanced", "draws"]
