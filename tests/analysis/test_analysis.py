"""The analysis reads synthetic homes whose answers are known: regimes, intervals, counts, verdicts."""

import itertools
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_up_studies import DIGITS, PLANTED, gamma_grid, row, seeds, store

from analysis import AnalysisError, curves, glance, header, latents, results, table
from analysis.frames.load import Header
from analysis.tables.cells import markdown
from analysis.tables.interval import number, t_interval
from study.catalog.grid_gamma.claims import learned_against_fixed, second_stages
from study.record import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def said(home: Home) -> list[str]:
    return [item.verdict for item in learned_against_fixed(results("grid_gamma", home), header("grid_gamma", home))]


# Regimes


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
    seeds(home, [row("", **DIGITS, neg_elbo_test=None)])
    assert results("s", home)["regime"].tolist() == ["unknown"]


def test_where_even_the_best_run_collapsed_nothing_is_balanced(home: Home):
    seeds(home, [row("", **DIGITS, n_active=0, neg_elbo_test=5.0), row("", **DIGITS, n_active=2, neg_elbo_test=9.0)])
    assert results("s", home)["regime"].tolist() == ["unknown"] * 2


# Loading


def test_axes_win_over_record_columns_and_gamma_stays_measured(home: Home):
    gamma_grid(home, PLANTED, 3)
    frame = results("grid_gamma", home).set_index("trial_id")
    assert frame.loc["learned-8-none-1", "gamma"] == "learned"
    assert frame.loc["learned-8-none-1", "gamma_value"] == 1e-4
    assert frame.loc["fixed 1e-05-8-none-0", "mmd"] == 0.3
    assert frame.loc["fixed 1e-05-8-none-0", "mmd_se"] == 2e-4
    assert (frame["total_variance"] == 20.0).all()


def test_curves_and_latents_carry_the_axes(home: Home):
    curve = [{"trial_id": "t0", "stage": "vae", "step": step, "gamma": 0.1, "grad_z": 2.0} for step in (0, 10)]
    seeds(home, [row("")], curves=curve, latents=[{"trial_id": "t0", "stage": "vae", "latent": 0, "rate": 1.5}])
    assert curves("s", home)[["seed", "step", "gamma_value"]].values.tolist() == [[0, 0, 0.1], [0, 10, 0.1]]
    assert latents("s", home)[["seed", "latent", "rate"]].values.tolist() == [[0, 0, 1.5]]


def test_an_unknown_study_is_answered_with_the_nearest_name(home: Home):
    gamma_grid(home, PLANTED, 3)
    store(home, "grid_gamma", {"seed": [0]}, [{"trial_id": "x", "seed": 0}], [])
    with pytest.raises(AnalysisError, match="did you mean grid_gamma"):
        results("gridgama", home)
    with pytest.raises(AnalysisError, match="holds no studies: launch one"):
        results("grid_gamma", str(home) + "-elsewhere")


def test_an_axis_that_hides_a_measurement_is_refused(home: Home):
    store(home, "bad", {"n_active": [1]}, [{"trial_id": "x", "n_active": 1}], [])
    with pytest.raises(AnalysisError, match="rename the axis"):
        results("bad", home)


# Intervals and tables


def test_the_interval_is_students_over_seeds():
    values = [1.0, 2.0, 4.0]
    # t.975 with two degrees of freedom, from a printed table; s computed by hand
    half = 4.302653 * math.sqrt(((1 - 7 / 3) ** 2 + (2 - 7 / 3) ** 2 + (4 - 7 / 3) ** 2) / 2) / math.sqrt(3)
    interval = t_interval(values)
    assert interval.mean == pytest.approx(7 / 3)
    assert interval.half == pytest.approx(half, rel=1e-6)


def test_one_seed_has_no_interval_and_none_has_no_mean():
    assert math.isnan(t_interval([2.0]).half)
    assert str(t_interval([2.0])) == "2 ± n/a"
    assert str(t_interval([])) == "—"
    assert str(t_interval([math.nan])) == "—"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([3, 3, 3], "3 ± 0"),
        ([1.0, 2.0, 4.0], "2.3 ± 3.8"),
        ([1.1e-4, 1.2e-4, 1.3e-4], "(1.20 ± 0.25)e-04"),
        ([0.1] * 3, "0.100 ± 0"),
    ],
)
def test_a_mean_is_written_to_the_place_its_interval_reaches(values: list[float], text: str):
    assert str(t_interval(values)) == text


def test_numbers_are_written_in_three_significant_digits():
    assert [number(value) for value in (0.012345, 123456.7, 42.0, 1e-5, 0.5)] == [
        "0.0123",
        "1.23e+05",
        "42",
        "1.00e-05",
        "0.500",
    ]


def test_the_table_gives_mean_half_width_and_counts_of_a_cell(home: Home):
    trials = [row("", distortion_test=value) for value in (1.0, 2.0, 4.0)]
    trials += [row("", status="diverged", distortion_test=None), row("", status="failed")]
    seeds(home, trials, declared=6)
    (line,) = table(results("s", home), header("s", home)).to_dict("records")
    assert line["distortion_test_mean"] == pytest.approx(7 / 3)
    assert line["distortion_test_half"] == pytest.approx(4.302653 * 1.527525 / math.sqrt(3), rel=1e-5)
    counted = [line[name] for name in ("declared", "finished", "diverged", "failed", "missing", "unconverged")]
    assert counted == [6, 3, 1, 1, 1, 0]
    assert (line["regime"], line["agreeing"], line["of"]) == ("balanced", 3, 3)


def test_a_cell_of_unconverged_trials_is_marked_as_insufficient_and_counts_them(home: Home):
    seeds(home, [row(""), row("", scale_residual=0.6), row("", scale_residual=3.0)])
    frame, head = results("s", home), header("s", home)
    text = markdown(table(frame, head), head)
    assert "balanced? 3/3" in text
    assert table(frame, head)["unconverged"].tolist() == [2]
    assert glance(frame, head).cells[0][0].text == "3 balanced?"


def test_two_converged_trials_of_three_are_enough(home: Home):
    seeds(home, [row(""), row(""), row("", scale_residual=3.0)])
    assert glance(results("s", home), header("s", home)).cells[0][0].text == "3 balanced"


def test_seeds_that_disagree_are_called_mixed(home: Home):
    seeds(home, [row(""), row("", n_active=8)])
    assert table(results("s", home), header("s", home))["regime"].tolist() == ["mixed"]


def test_the_glance_has_a_row_per_mode_and_a_column_per_kappa(home: Home):
    gamma_grid(home, PLANTED, 3)
    seen = glance(results("grid_gamma", home), header("grid_gamma", home))
    assert (seen.axes, seen.columns, seen.rows) == (
        ["gamma"],
        ["κ = 4", "κ = 8"],
        [["fixed 1"], ["fixed 1e-05"], ["learned"]],
    )
    texts = [[cell.text for cell in line] for line in seen.cells]
    assert texts == [["0 over", "0 over"], ["4 under", "8 under"], ["3 balanced", "3 balanced"]]


def test_the_glance_shows_a_decimal_where_seeds_disagree(home: Home):
    seeds(home, [row(""), row("", n_active=8), row("", n_active=8)])
    assert glance(results("s", home), header("s", home)).cells[0][0].text == "6.3 under"


def test_a_study_of_a_users_own_axes_has_a_table_and_a_glance(home: Home):
    axes = {"depth": [4, 2], "lr": [0.01, 0.001], "norm": ["none", "3"], "wide": [True]}
    plan = [
        {"trial_id": f"{depth}-{lr}-{norm}", "depth": depth, "lr": lr, "norm": norm, "wide": True}
        for depth, lr, norm in itertools.product([4, 2], [0.01, 0.001], ["none", "3"])
    ]
    store(home, "own", axes | {"norm": ["none", 3]}, plan, [row(line["trial_id"]) for line in plan[1:]])
    frame, head = results("own", home), header("own", home)
    seen = glance(frame, head)
    assert seen.axes == ["depth", "lr", "norm"]
    assert seen.columns == ["result"]
    assert seen.rows[:3] == [["4", "0.01", "none"], ["4", "0.01", "3"], ["4", "0.001", "none"]]
    assert [line[0].text for line in seen.cells] == ["missing"] + ["3 balanced"] * 7
    assert "3 ± n/a" in markdown(table(frame, head), head)
    assert learned_against_fixed(frame, head) == []


# Verdicts


def test_the_claims_hold_where_planted_data_behave_as_theory_says(home: Home):
    gamma_grid(home, PLANTED, 3)
    found = learned_against_fixed(results("grid_gamma", home), header("grid_gamma", home))
    assert [item.verdict for item in found] == ["holds"] * 3
    assert "n_active = 3 in 6 of 6 trials" in found[0].measured
    assert "over-regularised in 6 of 6 trials" in found[1].measured
    assert "smallest ratio 300" in found[2].measured


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"learned": {"n_active": 4}}, ["fails", "holds", "holds"]),
        ({"learned": {"gamma": 3e-3}}, ["fails", "holds", "holds"]),
        ({"fixed_1": {"n_active": 3, "nre_mean_test": 1e-3}}, ["holds", "fails", "holds"]),
        ({"fixed_1e_05": {"n_active": 3}}, ["holds", "holds", "fails"]),
        ({"fixed_1e_05": {"mmd": 9e-3}}, ["holds", "holds", "fails"]),
        ({"fixed_1e_05": {"mmd": None}}, ["holds", "holds", "insufficient"]),
        ({"fixed_1e_05": {"scale_residual": 0.9}}, ["holds", "holds", "holds"]),
        ({"fixed_1": {"scale_residual": 0.9}}, ["holds", "insufficient", "holds"]),
        ({"learned": {"scale_residual": 0.9}}, ["insufficient", "holds", "insufficient"]),
    ],
)
def test_data_that_contradict_a_claim_fail_it(home: Home, changed: dict[str, Any], expected: list[str]):
    gamma_grid(home, PLANTED, 3, **changed)
    assert said(home) == expected


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [({}, "holds"), ({"n_active": 3}, "fails"), ({"mmd": 9e-3}, "fails"), ({"scale_residual": 0.9}, "holds")],
)
def test_a_refit_is_asked_what_a_small_gamma_is(home: Home, changed: dict[str, Any], verdict: str):
    gamma_grid(home, PLANTED, 3, also=("refit",), refit=changed)
    found = learned_against_fixed(results("grid_gamma", home), header("grid_gamma", home))
    assert [item.verdict for item in found] == ["holds"] * 3 + [verdict]
    assert found[3].claim.startswith("γ* itself, fixed from the start")


@pytest.mark.parametrize(
    ("second", "verdict"), [((0.1, 0.2, 0.15), "holds"), ((0.1, 0.7, 0.2), "insufficient"), ((0.5, 0.6, 0.6), "fails")]
)
def test_a_second_stage_is_held_against_its_first(second: tuple[float, ...], verdict: str):
    common = {"data": "digits", "gamma": "learned", "kappa": 4, "status": "finished"}
    sides = {"VAE": (0.4, 0.5, 0.45), "VAE+": second}
    frame = pd.DataFrame(
        common | {"method": method, "seed": seed, "mmd": value}
        for method, values in sides.items()
        for seed, value in enumerate(values)
    )
    axes: dict[str, list[Any]] = {"data": ["digits"], "gamma": ["learned"], "kappa": [4], "method": ["VAE", "VAE+"]}
    (claim,) = second_stages(frame, Header("grid_gamma", "?", "laptop", axes | {"seed": [0, 1, 2]}))
    assert (claim.verdict, claim.trials) == (verdict, 6)
    assert second_stages(frame, Header("grid_gamma", "?", "laptop", {"seed": [0, 1, 2]})) == []


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


def test_a_cell_that_mostly_diverged_has_no_mean(home: Home):
    trials = [row(""), row("", status="diverged"), row("", status="diverged")]
    seeds(home, trials)
    (cell,) = glance(results("s", home), header("s", home)).cells[0]
    assert cell.regime == "diverged"
    assert table(results("s", home), header("s", home))["n_active_mean"].isna().all()


def test_a_claim_about_a_start_holds_before_training_ends_and_says_so(home: Home):
    gamma_grid(home, PLANTED, 3, fixed_1e_05={"scale_residual": 0.9})
    found = learned_against_fixed(results("grid_gamma", home), header("grid_gamma", home))[2]
    assert found.verdict == "holds"
    assert "6 of these trials have not converged" in found.measured


def test_a_tiny_learned_mmd_is_measured_by_its_standard_error(home: Home):
    gamma_grid(home, PLANTED, 3, learned={"mmd": -1e-5}, fixed_1e_05={"mmd": 1.9e-3})
    found = learned_against_fixed(results("grid_gamma", home), header("grid_gamma", home))
    assert "smallest ratio 9.50" in found[2].measured
    assert found[2].verdict == "fails"


def test_on_unknown_data_the_claims_are_orderings(home: Home):
    gamma_grid(home, DIGITS, 3)
    found = learned_against_fixed(results("grid_gamma", home), header("grid_gamma", home))
    assert [item.verdict for item in found] == ["holds", "holds"]
    assert "difference -3 ± 0 over 3 seeds and 2 cells" in found[0].measured
    assert "difference 3 ± 0 over 3 seeds and 2 cells" in found[1].measured


def test_on_unknown_data_an_inverted_ordering_fails(home: Home):
    gamma_grid(home, DIGITS, 3, fixed_1={"n_active": 4}, fixed_1e_05={"n_active": 1})
    assert said(home) == ["fails", "fails"]


def test_trials_at_another_beta_do_not_count(home: Home):
    gamma_grid(home, PLANTED, 3, learned={"beta": 4.0})
    assert said(home)[0] == "insufficient"
